//! Google STS, IAM, IAM credentials, Resource Manager, Artifact Registry, Kubernetes Engine, Service Usage.
//!
//! Every service has a file with its routes; they share [`State`]: tokens given out, and resources with their policies.
//! All but the registry and the token endpoints are [`call::Service`]s, which answer one call in one go under one lock.

pub mod accounts;
pub(crate) mod artifact_registry;
mod call;
pub(crate) mod cloud_kms;
pub(crate) mod cloud_resource_manager;
pub(crate) mod container;
mod error;
pub(crate) mod iam;
pub(crate) mod iam_credentials;
pub(crate) mod metadata;
pub(crate) mod oauth2;
mod organisation;
pub(crate) mod policy;
pub(crate) mod registry;
pub(crate) mod resources;
mod saved;
pub(crate) mod service_usage;
pub(crate) mod sts;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

pub use self::metadata::MetadataCaller;
pub use self::oauth2::AdministratorCredentials;
pub(crate) use self::organisation::API_HOSTS;
pub use self::organisation::{CUSTOMER, Constraint, Organisation};
use self::registry::Uploads;
use self::resources::Resources;
pub(crate) use self::saved::Saved;
use self::sts::KeySets;
use self::tokens::Tokens;
pub use self::tokens::{AuthError, Identity, USERINFO_EMAIL, authenticate, mint_node_token};
use crate::clock::Clock;
use crate::propagation::{self, Held};
use crate::signing::{LazyKey, SigningError};

/// What this side of the world knows.
pub struct State {
    administrator: AdministratorCredentials,
    tokens: Mutex<Tokens>,
    resources: Mutex<Resources>,
    uploads: Mutex<Uploads>,
    key_sets: Mutex<KeySets>,
    id_tokens: LazyKey,
    metadata_caller: Mutex<MetadataCaller>,
}

impl State {
    /// The seeded project with its owner and the node's service account.
    pub fn seeded(_clock: &Clock) -> Result<Self, SigningError> {
        Ok(Self {
            administrator: AdministratorCredentials::generate(),
            tokens: Mutex::default(),
            resources: Mutex::new(Resources::seeded()),
            uploads: Mutex::default(),
            key_sets: Mutex::default(),
            id_tokens: LazyKey::default(),
            metadata_caller: Mutex::new(MetadataCaller::seeded()),
        })
    }

    /// The administrator's application-default credentials, for `adc.json`.
    pub fn administrator_credentials(&self) -> &AdministratorCredentials {
        &self.administrator
    }

    /// Switches an API of the project off or on, by its host: `iam.googleapis.com`.
    pub fn switch_api(&self, host: &str, on: bool) {
        let disabled = &mut self.resources().organisation.disabled;
        if on {
            disabled.remove(host);
        } else {
            disabled.insert(host.to_owned());
        }
    }

    /// Gives the nodes of every pool tokens of these OAuth scopes from now on.
    pub fn scope_nodes(&self, scopes: &[String]) {
        for pool in &mut self.resources().node_pools {
            pool.scopes = scopes.to_vec();
        }
    }

    /// Puts the organisation's constraints on the project, in place of those before.
    pub fn constrain(&self, constraints: Vec<Constraint>) {
        self.resources().organisation.constraints = constraints;
    }

    /// Lets the organisation forbid this, and says what it forbade before.
    pub fn forbid(&self, rules: Organisation) -> Organisation {
        std::mem::replace(&mut self.resources().organisation, rules)
    }

    /// Whether the project's policy gives `caller` the permission: what GKE asks besides RBAC.
    pub(crate) fn project_allows(&self, caller: &trust::principal::Caller, permission: &str) -> bool {
        self.resources_in_force().allows(caller, permission, None)
    }

    /// Who asks the metadata server from now on.
    pub fn metadata_caller(&self) -> MutexGuard<'_, MetadataCaller> {
        unpoisoned(&self.metadata_caller)
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        unpoisoned(&self.tokens)
    }

    /// The resources, as a service that only reads sees them.
    pub(crate) fn resources(&self) -> Held<'_, Resources> {
        match propagation::view_of_a_reader() {
            None => Held::Present(unpoisoned(&self.resources)),
            Some(view) => Held::Past(Box::new(view.resources.clone())),
        }
    }

    /// The resources that the service which is answering decides by. Not to be changed.
    fn resources_in_force(&self) -> Held<'_, Resources> {
        match propagation::view() {
            None => Held::Present(unpoisoned(&self.resources)),
            Some(view) => Held::Past(Box::new(view.resources.clone())),
        }
    }

    fn uploads(&self) -> MutexGuard<'_, Uploads> {
        unpoisoned(&self.uploads)
    }

    fn key_sets(&self) -> MutexGuard<'_, KeySets> {
        unpoisoned(&self.key_sets)
    }
}

/// The numeric id of a service account: `sub` of its ID tokens.
pub fn unique_id(world: &crate::world::World, email: &str) -> Option<String> {
    world.google.resources().service_account(email).map(|account| account.unique_id.clone())
}

/// Every change under these locks is whole or not begun, so that a panic elsewhere spoils nothing.
fn unpoisoned<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Two JSON objects as one.
fn joined(mut one: Value, other: Value) -> Value {
    if let (Value::Object(one), Value::Object(other)) = (&mut one, other) {
        one.extend(other);
    }
    one
}
