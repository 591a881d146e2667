//! Waiting until Google knows everywhere what was made a moment ago.
//!
//! Service accounts and pools are there some time before every part of IAM knows them ("eventually consistent",
//! <https://cloud.google.com/iam/docs/overview#consistency>); until then a policy that names one is refused, and the
//! policy of one cannot be read (<https://github.com/hashicorp/terraform-provider-google/issues/15042>).

use std::future::Future;
use std::time::Duration;

use bridge::port::{PortError, PortResult, Refused};
use bridge::resource::GrantTarget;

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
    /// The answer to `ask`, asked again as long as the refusal may mean "not yet".
    pub(super) async fn wait<T, F: Future<Output = PortResult<T>>>(
        &self,
        not_yet: impl Fn(&PortError) -> bool,
        ask: impl Fn() -> F,
    ) -> PortResult<T> {
        let mut pause = self.first;
        for _ in 0..self.waits {
            match Box::pin(ask()).await {
                Err(refusal) if not_yet(&refusal) => {
                    tracing::debug!(%refusal, ?pause, "Google may not know yet what was just made; asking again");
                }
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.longest);
        }
        Box::pin(ask()).await
    }
}

/// Whether a refusal to read or write the policy of `target` may mean that a service account or pool is too new.
///
/// IAM says 404 or 403 of an account it does not know, and 400 of a policy that names one.
pub(super) fn may_be_too_new(target: &GrantTarget, refusal: &PortError) -> bool {
    let of_an_account = matches!(target, GrantTarget::ServiceAccount(_));
    match refusal.kind {
        Refused::NotFound | Refused::Denied => of_an_account,
        Refused::Invalid => refusal.message.contains("does not exist"),
        _ => false,
    }
}
