//! What the cluster keeps between two runs: its objects and its keys. Pods come back under their names, and are started
//! anew.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use super::json::text;
use super::store::Key;
use super::{State, kinds};
use crate::clock::Clock;
use crate::signing::SigningKey;
use crate::start::StartError;

/// What is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    signing: String,
    admin_token: String,
    revision: u64,
    objects: Vec<SavedObject>,
}

/// One object, and what kind of object it is.
#[derive(Serialize, Deserialize)]
struct SavedObject {
    group: String,
    version: String,
    plural: String,
    object: Value,
}

impl State {
    /// What is to be kept.
    pub(crate) fn saved(&self) -> Saved {
        let (objects, revision) = self.store.everything();
        let objects = objects.into_iter().map(|(key, object)| SavedObject {
            group: key.kind.group.to_owned(),
            version: key.kind.version.to_owned(),
            plural: key.kind.plural.to_owned(),
            object: Value::clone(&object),
        });
        Saved {
            signing: self.signing.pem().to_owned(),
            admin_token: self.admin_token.clone(),
            revision,
            objects: objects.collect(),
        }
    }

    /// The state that was kept; what was not is as it was seeded.
    pub(crate) fn restored(saved: Saved, clock: &Clock) -> Result<Self, StartError> {
        let state = Self {
            signing: SigningKey::from_pem(&saved.signing)?,
            admin_token: saved.admin_token,
            ..Self::seeded(clock)?
        };
        let objects = saved.objects.into_iter().filter_map(|saved| {
            let kind = kinds::find(&saved.group, &saved.version, &saved.plural)?;
            Some((Key::of(kind, &saved.object), saved.object))
        });
        state.store.restore(objects, saved.revision);
        for service in state.store.list(&kinds::SERVICE, None).0 {
            let _taken_is_somebody_elses = state.addresses.this_service(text(&service, "/spec/clusterIP"));
        }
        Ok(state)
    }

    /// Tells of every change of an object.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.store.subscribe()
    }
}
