//! Waiting until every replica of Microsoft Graph knows what was made a moment ago.
//!
//! Graph answers from replicas: <https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3108>,
//! <https://github.com/hashicorp/terraform-provider-azuread/pull/1896>.

use std::future::Future;
use std::time::Duration;

use bridge::port::{PortError, PortResult, Refused};

/// What Graph says, with HTTP status 400, of objects that it does not know yet: an application that a service principal
/// is for, a service principal or role that is assigned.
const NOT_YET: [&str; 5] = [
    "does not reference a valid application object",
    "Not a valid reference update",
    "Permission being assigned was not found",
    "reference-property objects are not present",
    "backing application of the service principal being created",
];

/// How patient one is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settling {
    /// The first wait; each further one is twice as long,
    pub(super) first: Duration,
    /// up to this,
    pub(super) longest: Duration,
    /// and so many of them.
    pub(super) waits: u32,
}

/// About a minute and a half in all.
pub(super) const SETTLING: Settling =
    Settling { first: Duration::from_millis(500), longest: Duration::from_secs(16), waits: 9 };

impl Settling {
    /// The answer to `ask`, asked again as long as Graph does not know what `ask` is about.
    pub(super) async fn wait<T, F: Future<Output = PortResult<T>>>(
        &self,
        ask: impl Fn() -> F,
    ) -> PortResult<T> {
        let mut pause = self.first;
        for _ in 0..self.waits {
            match Box::pin(ask()).await {
                Err(refused) if not_yet(&refused) => {
                    tracing::debug!(%refused, ?pause, "Graph may not know yet what was just made; asking again");
                }
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.longest);
        }
        Box::pin(ask()).await
    }
}

fn not_yet(refused: &PortError) -> bool {
    match refused.kind {
        Refused::NotFound => true,
        Refused::Invalid | Refused::Denied => NOT_YET.iter().any(|words| refused.message.contains(words)),
        _ => false,
    }
}
