//! What the sandbox knows: one slice a cloud area, each behind its own lock, and what they share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use crate::clock::Clock;
pub use crate::fault::{Fault, Faults};
use crate::propagation::Lagging;
use crate::serve::Authority;
pub use crate::services::{Addresses, SERVICES, is_secure};
use crate::transcript::Transcript;

/// Everything the servers share.
pub struct World {
    /// Where every service listens; filled before the first request is served.
    pub addresses: OnceLock<Addresses>,
    /// The sandbox's certificate authority.
    pub authority: Authority,
    /// A client that trusts the authority: for fetching other issuers' keys.
    pub client: reqwest::Client,
    /// The sandbox's time.
    pub clock: Clock,
    /// The sandbox's private folder (0700). What must live on disk goes into folders of its own in here: unpacked images,
    /// blobs of the registry.
    pub folder: PathBuf,
    /// Faults waiting to strike.
    pub faults: Faults,
    /// What was true a while ago, for those to whom news comes late.
    pub(crate) lagging: Lagging,
    /// Somebody asked a service for a change, and was answered.
    pub(crate) changed: tokio::sync::Notify,
    /// Every secret handed out, so that a test can search for them.
    pub minted: Minted,
    /// What passes, if it is to be written down.
    pub transcript: Option<Transcript>,
    /// Entra, Graph, Resource Manager, Azure ML and blobs.
    pub azure: crate::azure::State,
    /// Google's APIs and the registry.
    pub google: crate::google::State,
    /// GitHub Actions and Azure DevOps.
    pub pipelines: crate::pipelines::State,
    /// The cluster.
    pub cluster: crate::cluster::State,
}

impl World {
    /// Where the services listen, or `None` before they do (never seen by a request).
    pub fn addresses(&self) -> Option<&Addresses> {
        self.addresses.get()
    }
}

/// Secrets handed out so far: tokens, client secrets, refresh tokens.
#[derive(Default)]
pub struct Minted(Mutex<Vec<String>>);

impl Minted {
    /// Remembers one secret.
    pub fn remember(&self, secret: &str) {
        if let Ok(mut all) = self.0.lock() {
            all.push(secret.to_owned());
        }
    }

    /// All secrets so far.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().map(|all| all.clone()).unwrap_or_default()
    }
}

/// The shared handle every server holds.
pub type Shared = Arc<World>;
