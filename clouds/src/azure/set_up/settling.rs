//! Waiting until every replica of Microsoft Graph knows what was made a moment ago.
//!
//! Graph answers from replicas: <https://github.com/microsoftgraph/msgraph-sdk-dotnet/issues/3108>,
//! <https://github.com/hashicorp/terraform-provider-azuread/pull/1896>.

use std::future::Future;

use bridge::port::{PortError, PortResult, Refused};

use super::Directory;

/// What Graph says, with HTTP status 400, of objects that it does not know yet: an application that a service principal
/// is for, a service principal or role that is assigned, a permission that a client is preauthorised for
/// (<https://github.com/microsoftgraph/microsoft-graph-docs/issues/12675>).
const NOT_YET: [&str; 6] = [
    "does not reference a valid application object",
    "Not a valid reference update",
    "Permission being assigned was not found",
    "reference-property objects are not present",
    "backing application of the service principal being created",
    "has a Permission Id that cannot be found",
];

impl Directory {
    /// The answer to `ask`, asked again as long as Graph does not know what `ask` is about.
    pub(super) async fn settled<T, F: Future<Output = PortResult<T>>>(
        &self,
        ask: impl Fn() -> F,
    ) -> PortResult<T> {
        self.settling.wait(not_yet, ask).await
    }
}

fn not_yet(refused: &PortError) -> bool {
    match refused.kind {
        Refused::NotFound => true,
        Refused::Invalid | Refused::Denied => NOT_YET.iter().any(|words| refused.message.contains(words)),
        _ => false,
    }
}
