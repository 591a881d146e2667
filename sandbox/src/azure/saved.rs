//! What Azure's side keeps between two runs.

use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::State;
use super::directory::Directory;
use super::models::Models;
use super::roles::RoleAssignment;
use super::seeded_logins::Certificate;
use crate::clock::Clock;
use crate::signing::SigningKey;
use crate::start::StartError;

/// What is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    signing: String,
    certificate: Certificate,
    directory: Directory,
    assignments: Vec<RoleAssignment>,
    models: Models,
}

impl State {
    /// What is to be kept.
    pub(crate) fn saved(&self) -> Saved {
        // One lock at a time: a guard in the middle of an expression lives to its end.
        let directory = self.directory().clone();
        let assignments = self.assignments().clone();
        let models = self.models().clone();
        Saved {
            signing: self.signing.pem().to_owned(),
            certificate: self.certificate.clone(),
            directory,
            assignments,
            models,
        }
    }

    /// The state that was kept; what was not is as it was seeded.
    pub(crate) fn restored(saved: Saved, clock: &Clock) -> Result<Self, StartError> {
        Ok(Self {
            signing: SigningKey::from_pem(&saved.signing)?,
            certificate: saved.certificate,
            directory: Mutex::new(saved.directory),
            assignments: Mutex::new(saved.assignments),
            models: Mutex::new(saved.models),
            ..Self::seeded(clock)?
        })
    }
}
