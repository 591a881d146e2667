//! Entra, Microsoft Graph, Azure Resource Manager with Azure ML, blob storage, and a container registry.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::clock::Clock;
use crate::seed;
use crate::signing::SigningKey;
use crate::start::StartError;
use crate::world::{Minted, Shared};

mod bearer;
pub(crate) mod blob;
pub(crate) mod container_registry;
pub mod directory;
pub mod entra;
mod first_party;
pub(crate) mod graph;
pub mod models;
pub(crate) mod resource_manager;
pub mod roles;
mod wire;

use container_registry::ContainerRegistry;
use directory::{Directory, FederatedCredential};
use models::{Content, Models};
use roles::RoleAssignment;

pub(crate) use first_party::{CONTAINER_REGISTRY, FirstParty, GRAPH, RESOURCE_MANAGER, STORAGE};

/// How many items a list page holds unless the caller asks for fewer.
const PAGE: usize = 30;

/// What this side of the world knows. Lock one part at a time, and never across an await.
pub struct State {
    /// Signs Entra's tokens.
    pub signing: SigningKey,
    directory: Mutex<Directory>,
    assignments: Mutex<Vec<RoleAssignment>>,
    models: Mutex<Models>,
    container_registry: Mutex<ContainerRegistry>,
    page: AtomicUsize,
}

impl State {
    /// The seeded world's Azure side.
    pub fn seeded(clock: &Clock) -> Result<Self, StartError> {
        Ok(Self {
            signing: SigningKey::generate()?,
            directory: Mutex::new(directory::seeded(clock.now())),
            assignments: Mutex::new(roles::seeded(clock.now())),
            models: Mutex::new(Models::seeded()),
            container_registry: Mutex::default(),
            page: AtomicUsize::new(PAGE),
        })
    }

    /// The tenant's directory.
    pub fn directory(&self) -> MutexGuard<'_, Directory> {
        self.directory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The Azure role assignments.
    pub fn assignments(&self) -> MutexGuard<'_, Vec<RoleAssignment>> {
        self.assignments.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn page_size(&self) -> usize {
        self.page.load(Ordering::Relaxed)
    }
}

/// Settles what depends on addresses and on the folder: the federated credential that trusts the cluster's issuer, the
/// package's image. Remembers the seeded secrets as minted.
pub(crate) fn settle(shared: &Shared) -> Result<(), StartError> {
    remember_secrets(&shared.azure, &shared.minted);
    container_registry::put_packaged(shared).map_err(StartError::Package)?;
    let Some(addresses) = shared.addresses() else { return Ok(()) };
    let credential = FederatedCredential {
        id: "4be0ad1c-150e-48b3-b6f2-7ca80469f521".to_owned(),
        name: "cluster-ci".to_owned(),
        issuer: crate::cluster::issuer(addresses),
        subject: "system:serviceaccount:ci:oncology-ci".to_owned(),
        audiences: vec!["api://AzureADTokenExchange".to_owned()],
        description: Some("The pipeline that runs in the cluster.".to_owned()),
    };
    if let Some(application) = shared.azure.directory().application_mut(seed::ONCOLOGY_CI.client_id) {
        application.federated_credentials.push(credential);
    }
    Ok(())
}

fn remember_secrets(azure: &State, minted: &Minted) {
    for application in &azure.directory().applications {
        for secret in &application.secrets {
            minted.remember(&secret.value);
        }
    }
}

/// An access token of the seeded administrator for one of Microsoft's services, and when it ends (seconds since 1970).
pub(crate) fn administrator_token(shared: &Shared, service: &FirstParty) -> Option<(String, i64)> {
    let minted = entra::administrator(shared, service).ok()?;
    Some((minted.token().to_owned(), minted.expires))
}
