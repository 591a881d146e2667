//! Waiting until a cloud knows everywhere what was made in it a moment ago.

use std::future::Future;
use std::time::Duration;

use bridge::port::{PortError, PortResult};

/// How patient one is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settling {
    /// The first wait; each further one is twice as long,
    pub(crate) first: Duration,
    /// up to this,
    pub(crate) longest: Duration,
    /// and so many of them.
    pub(crate) waits: u32,
}

/// About a minute and a half in all.
pub(crate) const SETTLING: Settling =
    Settling { first: Duration::from_millis(500), longest: Duration::from_secs(16), waits: 9 };

impl Settling {
    /// The answer to `ask`, asked again as long as the refusal may mean "not yet".
    pub(crate) async fn wait<T, F: Future<Output = PortResult<T>>>(
        &self,
        not_yet: impl Fn(&PortError) -> bool,
        ask: impl Fn() -> F,
    ) -> PortResult<T> {
        let mut pause = self.first;
        for _ in 0..self.waits {
            match Box::pin(ask()).await {
                Err(refusal) if not_yet(&refusal) => {
                    tracing::debug!(%refusal, ?pause, "what was just made may not be known yet; asking again");
                }
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(self.longest);
        }
        Box::pin(ask()).await
    }
}
