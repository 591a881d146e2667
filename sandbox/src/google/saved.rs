//! What Google's side keeps between two runs. Access tokens are not among it: they live an hour.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::resources::Resources;
use super::{AdministratorCredentials, State};
use crate::clock::Clock;
use crate::signing::SigningError;

/// What is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    client_id: String,
    client_secret: String,
    refresh_token: String,
    resources: Resources,
}

impl State {
    /// What is to be kept.
    pub(crate) fn saved(&self) -> Saved {
        let administrator = self.administrator.clone();
        Saved {
            client_id: administrator.client_id,
            client_secret: administrator.client_secret,
            refresh_token: administrator.refresh_token,
            resources: self.resources().clone(),
        }
    }

    /// The state that was kept; what was not is as it was seeded.
    pub(crate) fn restored(saved: Saved, clock: &Clock) -> Result<Self, SigningError> {
        let administrator = AdministratorCredentials {
            client_id: saved.client_id,
            client_secret: saved.client_secret,
            refresh_token: saved.refresh_token,
            ..AdministratorCredentials::generate()
        };
        let resources = Mutex::new(saved.resources);
        Ok(Self { administrator, resources, ..Self::seeded(clock)? })
    }
}
