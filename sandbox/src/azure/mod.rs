//! Entra, Microsoft Graph, Azure Resource Manager with Azure ML, blob storage, and a container registry.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::clock::Clock;
use crate::propagation::{self, Held};
use crate::signing::SigningKey;
use crate::start::StartError;
use crate::world::{Minted, Shared};
use crate::{random, seed};

mod bearer;
pub(crate) mod blob;
pub(crate) mod container_registry;
pub mod directory;
pub mod entra;
mod first_party;
pub(crate) mod graph;
pub(crate) mod instance_metadata;
pub mod models;
pub(crate) mod resource_manager;
pub mod roles;
mod saved;
mod seeded_logins;
pub(crate) mod wire;

use container_registry::ContainerRegistry;
use directory::Directory;
pub use instance_metadata::Host;
use models::{Content, Environment, Models};
use roles::RoleAssignment;
pub(crate) use saved::Saved;
use seeded_logins::Certificate;

pub(crate) use first_party::{CONTAINER_REGISTRY, FirstParty, GRAPH, RESOURCE_MANAGER, STORAGE};

/// How many items a list page holds unless the caller asks for fewer.
const PAGE: usize = 30;

/// What this side of the world knows. Lock one part at a time, and never across an await.
pub struct State {
    /// Signs Entra's tokens.
    pub signing: SigningKey,
    directory: Mutex<Directory>,
    assignments: Mutex<Vec<RoleAssignment>>,
    host: Mutex<Host>,
    /// What [`seed::CERTIFICATE_CI`] logs in with.
    pub(crate) certificate: Certificate,
    models: Mutex<Models>,
    container_registry: Mutex<ContainerRegistry>,
    page: AtomicUsize,
    propagation: AtomicU64,
    /// Managed identities, by ARM id in lower case, of which a federated credential is being written.
    writing: Mutex<BTreeSet<String>>,
    /// Whether the storage account's network rules let nobody in.
    storage_closed: AtomicBool,
    /// Signs shared access signatures for the registry's storage.
    storage_key: String,
}

impl State {
    /// The seeded world's Azure side.
    pub fn seeded(clock: &Clock) -> Result<Self, StartError> {
        Ok(Self {
            signing: SigningKey::generate()?,
            directory: Mutex::new(directory::seeded(clock.now())),
            assignments: Mutex::new(roles::seeded(clock.now())),
            host: Mutex::new(Host::seeded()),
            certificate: Certificate::generate(seed::CERTIFICATE_CI.name, clock.now())?,
            models: Mutex::new(Models::seeded()),
            container_registry: Mutex::default(),
            page: AtomicUsize::new(PAGE),
            propagation: AtomicU64::new(0),
            writing: Mutex::default(),
            storage_closed: AtomicBool::new(false),
            storage_key: random::secret(),
        })
    }

    /// The tenant's directory.
    pub fn directory(&self) -> Held<'_, Directory> {
        match propagation::view_of_a_reader() {
            None => Held::Present(self.directory.lock().unwrap_or_else(PoisonError::into_inner)),
            Some(view) => Held::Past(Box::new(view.directory.clone())),
        }
    }

    /// The directory that the service which is answering decides by. Not to be changed.
    pub(crate) fn directory_in_force(&self) -> Held<'_, Directory> {
        match propagation::view() {
            None => self.directory(),
            Some(view) => Held::Past(Box::new(view.directory.clone())),
        }
    }

    /// The Azure role assignments.
    pub fn assignments(&self) -> Held<'_, Vec<RoleAssignment>> {
        match propagation::view_of_a_reader() {
            None => Held::Present(self.assignments.lock().unwrap_or_else(PoisonError::into_inner)),
            Some(view) => Held::Past(Box::new(view.assignments.clone())),
        }
    }

    /// The role assignments that the service which is answering decides by. Not to be changed.
    pub(crate) fn assignments_in_force(&self) -> Held<'_, Vec<RoleAssignment>> {
        match propagation::view() {
            None => self.assignments(),
            Some(view) => Held::Past(Box::new(view.assignments.clone())),
        }
    }

    /// The host whose managed identities the instance metadata service answers for.
    pub fn host(&self) -> MutexGuard<'_, Host> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The workspace's models and blobs.
    pub fn models(&self) -> MutexGuard<'_, Models> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What lies in the container registry.
    pub(crate) fn container_registry(&self) -> MutexGuard<'_, ContainerRegistry> {
        self.container_registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a model version with files in memory: path below the version's root, bytes.
    pub fn add_model(
        &self,
        name: &str,
        version: &str,
        tags: &[(&str, &str)],
        files: &[(&str, Bytes)],
        clock: &Clock,
    ) {
        let files =
            files.iter().map(|(path, bytes)| ((*path).to_owned(), Content::Bytes(bytes.clone()))).collect();
        self.models().register(name, version, tags, files, clock.now());
    }

    /// Registers a model version with one file of `size` bytes that exist nowhere: they are made while they are read.
    pub fn add_synthetic_model(&self, name: &str, version: &str, path: &str, size: u64, clock: &Clock) {
        let file = (path.to_owned(), Content::synthetic(&format!("{name}:{version}/{path}"), size));
        self.models().register(name, version, &[], vec![file], clock.now());
    }

    /// A client secret that works for this application, if it has one.
    pub fn client_secret(&self, client_id: &str) -> Option<String> {
        self.directory().application(client_id)?.secrets.first().map(|secret| secret.value.clone())
    }

    /// Makes list pages this small, so that tests need few objects to see several.
    pub fn set_page_size(&self, size: usize) {
        self.page.store(size.max(1), Ordering::Relaxed);
    }

    /// Closes the workspace's storage account to every network, or opens it again.
    pub fn close_storage(&self, closed: bool) {
        self.storage_closed.store(closed, Ordering::Relaxed);
    }

    fn is_storage_closed(&self) -> bool {
        self.storage_closed.load(Ordering::Relaxed)
    }

    /// Lets the token endpoint see new federated credentials only so many seconds after they are written. The live
    /// service needs one to some minutes; here it is none unless a test says so.
    pub fn set_propagation(&self, seconds: u64) {
        self.propagation.store(seconds, Ordering::Relaxed);
    }

    /// What was written until this time, the token endpoint sees now.
    pub(crate) fn seen_by_now(&self, now: jiff::Timestamp) -> jiff::Timestamp {
        let delay = i64::try_from(self.propagation.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        now.checked_sub(jiff::SignedDuration::from_secs(delay)).unwrap_or(jiff::Timestamp::MIN)
    }

    fn page_size(&self) -> usize {
        self.page.load(Ordering::Relaxed)
    }
}

/// Settles what depends on addresses and on the folder: the federated credentials that trust the sandbox's own issuers,
/// the package's image. Remembers the seeded secrets as minted.
pub(crate) fn settle(shared: &Shared, restored: bool) -> Result<(), StartError> {
    remember_secrets(&shared.azure, &shared.minted);
    let digest = container_registry::put_packaged(shared).map_err(StartError::Package)?;
    let (name, version) = seed::PACKAGE_ENVIRONMENT;
    let mut models = shared.azure.models();
    models.environments.retain(|it| (it.name.as_str(), it.version.as_str()) != (name, version));
    models.environments.push(Environment {
        name: name.to_owned(),
        version: version.to_owned(),
        image: format!("{}.azurecr.io/{}@{digest}", seed::CONTAINER_REGISTRY, seed::PACKAGED_REPOSITORY),
        port: 5001,
    });
    drop(models);
    if !restored {
        seeded_logins::settle(shared);
    }
    Ok(())
}

fn remember_secrets(azure: &State, minted: &Minted) {
    minted.remember(&azure.certificate.pem);
    for application in &azure.directory().applications {
        for secret in &application.secrets {
            minted.remember(&secret.value);
        }
    }
}

/// An access token of the seeded administrator for one of Microsoft's services.
pub(crate) fn administrator_token(shared: &Shared, service: &FirstParty) -> Option<String> {
    let minted = entra::delegated::first_party(shared, seed::AZURE_ADMIN_OBJECT_ID, service).ok()?;
    Some(minted.token().to_owned())
}
