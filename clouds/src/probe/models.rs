//! Looking at the Azure side as the caller: the workspace, and the storage that models lie in.

use bridge::doctor::{Sight, Store};
use bridge::port::PortError;

use super::{LiveProbe, judged};
use crate::azure::Models;

impl LiveProbe {
    /// The storage behind the workspace's default datastore.
    pub(super) async fn workspace(&self) -> Sight<Store> {
        seen(match self.models() {
            Ok(models) => models.store().await,
            Err(refusal) => Err(refusal),
        })
    }

    /// Lists a name in that storage that is nobody's.
    pub(super) async fn storage(&self) -> Sight<()> {
        let models = match self.models() {
            Ok(models) => models,
            Err(refusal) => return judged(refusal),
        };
        match models.store().await {
            Ok(store) => seen(models.may_read(&store).await),
            Err(refusal) => Sight::Unseen { why: refusal.to_string() },
        }
    }

    fn models(&self) -> Result<&Models, PortError> {
        self.models.as_ref().map_err(Clone::clone)
    }
}

fn seen<T>(attempt: Result<T, PortError>) -> Sight<T> {
    attempt.map_or_else(judged, Sight::Seen)
}
