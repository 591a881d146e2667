//! One registry, spoken to by the distribution protocol: manifests, blobs, uploads.
//!
//! A request that needs no body of ours to be re-made is repeated here when the registry is busy or the line is cut.
//! A log-in that is refused is renewed once per request, also in the middle of a transfer.

mod blob;
mod error;
mod login;
mod manifest;
mod pump;
mod referrers;
mod small;
mod transport;
mod upload;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use blob::{BlobStream, Stat};
pub use error::{Answer, RegistryError};
pub use manifest::{Found, MANIFEST_TYPES};
pub use pump::Size;
pub use referrers::Referrers;
pub(crate) use referrers::{fallback_tag, is_about_another};
pub use upload::{Mounted, Open, Pushed, Upload};

use crate::authorizer::Authorizer;
use crate::reference::Endpoint;
use crate::stall::{self, Flow};

/// A client of one registry. Cheap to clone; clones share log-ins and connections.
#[derive(Clone)]
pub struct Registry {
    shared: Arc<Shared>,
}

struct Shared {
    client: reqwest::Client,
    /// For the bytes of blobs.
    bulk: reqwest::Client,
    endpoint: Endpoint,
    authorizer: Arc<dyn Authorizer>,
    patience: Patience,
    logins: login::Logins,
}

/// How long to keep trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Tries of one request, and of one blob.
    pub tries: u32,
    /// The first pause; every next one is twice as long.
    pub first_pause: Duration,
    /// No pause is longer, not even when the registry asks for it: then its "no" is final for us.
    pub longest_pause: Duration,
    /// The line is cut if less than 64 KiB went over it in this time, or nothing was answered. An answer to a whole blob may
    /// take ten times as long.
    pub stall: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 5,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_mins(1),
            stall: Duration::from_mins(1),
        }
    }
}

impl Patience {
    /// The pause after `failures` failures, or `None` when it is time to give up.
    pub(crate) fn pause(&self, failures: u32, asked: Option<Duration>) -> Option<Duration> {
        if failures >= self.tries {
            return None;
        }
        match asked {
            Some(asked) if asked > self.longest_pause => None,
            Some(asked) => Some(asked),
            None => {
                let doubled = self.first_pause.saturating_mul(1 << failures.saturating_sub(1).min(16));
                Some(doubled.min(self.longest_pause))
            }
        }
    }
}

impl Registry {
    /// A client of the registry at `endpoint`. `client` brings proxies and certificates; it should follow redirects. It must have
    /// no limit of time but for connecting: reqwest's own for reading ends an upload that takes longer, however well it flows.
    pub fn new(client: reqwest::Client, endpoint: Endpoint, authorizer: Arc<dyn Authorizer>) -> Self {
        Self::with_patience(client, endpoint, authorizer, Patience::default())
    }

    /// The same, trying for as long as `patience` says.
    pub fn with_patience(
        client: reqwest::Client,
        endpoint: Endpoint,
        authorizer: Arc<dyn Authorizer>,
        patience: Patience,
    ) -> Self {
        let logins = login::Logins::default();
        let bulk = client.clone();
        Self { shared: Arc::new(Shared { client, bulk, endpoint, authorizer, patience, logins }) }
    }

    /// The same, with a client of its own for the bytes of blobs. It should speak HTTP/1.1 alone, so that every blob has a
    /// connection: many share one in HTTP/2, and its speed.
    #[must_use]
    pub fn with_bulk(self, bulk: reqwest::Client) -> Self {
        let Shared { client, endpoint, authorizer, patience, .. } = &*self.shared;
        let (client, endpoint, authorizer) = (client.clone(), endpoint.clone(), Arc::clone(authorizer));
        let (patience, logins) = (*patience, login::Logins::default());
        Self { shared: Arc::new(Shared { client, bulk, endpoint, authorizer, patience, logins }) }
    }

    /// Waits for an answer to a request, for `times` the stall limit.
    async fn in_time<T>(
        &self,
        act: &str,
        times: u32,
        answer: impl Future<Output = Result<T, RegistryError>>,
    ) -> Result<T, RegistryError> {
        let limit = self.shared.patience.stall.saturating_mul(times);
        stall::answer(limit, answer).await.unwrap_or_else(|stalled| Err(self.stalled(act, stalled)))
    }

    /// A watch over one line.
    fn flow(&self) -> Flow {
        Flow::new(self.shared.patience.stall)
    }

    /// The registry's host as image names carry it.
    pub fn host(&self) -> &str {
        self.shared.endpoint.host()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_end() {
        let (first_pause, longest_pause) = (Duration::from_secs(1), Duration::from_secs(3));
        let patience = Patience { tries: 4, first_pause, longest_pause, ..Patience::default() };
        let pauses: Vec<_> =
            (1..=4).map(|failures| patience.pause(failures, None).map(|it| it.as_secs())).collect();
        assert_eq!(pauses, [Some(1), Some(2), Some(3), None]);
        assert_eq!(patience.pause(1, Some(Duration::from_secs(2))), Some(Duration::from_secs(2)));
        assert_eq!(patience.pause(1, Some(Duration::from_secs(4))), None);
    }
}
