//! What Google's side of the world holds: the project, its service accounts, pools, repositories and images.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use trust::principal::Caller;
use trust::provider::{Pool, Provider, State};

use super::cloud_kms::CryptoKey;
use super::container::NodePool;
use super::organisation::Organisation;
use super::policy::Policy;
use super::registry::ImageName;
use super::tokens::Identity;
use crate::propagation;
use crate::random;
use crate::registry::image::Image;
use crate::seed;

/// A service account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServiceAccount {
    pub(crate) unique_id: String,
    pub(crate) display_name: String,
    pub(crate) description: String,
    pub(crate) disabled: bool,
    pub(crate) policy: Policy,
}

/// Something that stays for thirty days after it was deleted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept<T> {
    pub(crate) value: T,
    /// When it is gone for good, once deleted.
    pub(crate) expires: Option<Timestamp>,
}

/// A pool and its providers, by id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PoolEntry {
    pub(crate) pool: Kept<Pool>,
    pub(crate) providers: BTreeMap<String, Kept<Provider>>,
}

/// A repository of images.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Repository {
    /// Its API object, without what is worked out on reading.
    pub(crate) object: Value,
    pub(crate) policy: Policy,
    /// By image name.
    pub(crate) images: BTreeMap<String, Image>,
}

/// Service accounts and pools: what IAM changes.
pub(crate) type Accounts = (BTreeMap<String, ServiceAccount>, BTreeMap<String, PoolEntry>);

/// Who may do what with which repository.
pub(crate) type Grants = BTreeMap<(String, String), Policy>;

fn seeded_pools() -> Vec<NodePool> {
    vec![NodePool::seeded()]
}

/// Everything, behind one lock.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Resources {
    #[serde(default)]
    pub(crate) organisation: Organisation,
    /// The cluster's node pools, the oldest first.
    #[serde(default = "seeded_pools")]
    pub(crate) node_pools: Vec<NodePool>,
    pub(crate) project_policy: Policy,
    pub(crate) service_accounts: BTreeMap<String, ServiceAccount>,
    /// By pool id.
    pub(crate) pools: BTreeMap<String, PoolEntry>,
    /// By location and id.
    #[serde(with = "crate::data::pairs")]
    pub(crate) repositories: BTreeMap<(String, String), Repository>,
    operations: BTreeMap<String, Value>,
    accounts_made: u64,
    /// The key in Cloud KMS.
    #[serde(default)]
    pub(crate) crypto_key: CryptoKey,
}

impl Resources {
    /// The seeded project: its owner, and the node's service account, which may read no repository yet.
    pub(crate) fn seeded() -> Self {
        let mut resources = Self {
            organisation: Organisation::default(),
            node_pools: seeded_pools(),
            project_policy: Policy::granting("roles/owner", &format!("user:{}", seed::GOOGLE_ADMIN)),
            service_accounts: BTreeMap::new(),
            pools: BTreeMap::new(),
            repositories: BTreeMap::new(),
            operations: BTreeMap::new(),
            accounts_made: 0,
            crypto_key: CryptoKey::default(),
        };
        resources.add_service_account(seed::NODE_SERVICE_ACCOUNT, "Nodes of ship", "");
        resources
    }

    /// What IAM may change.
    pub(crate) fn accounts(&self) -> Accounts {
        (self.service_accounts.clone(), self.pools.clone())
    }

    /// The policies of the repositories that are there.
    pub(crate) fn grants(&self) -> Grants {
        let policies =
            self.repositories.iter().map(|(key, repository)| (key.clone(), repository.policy.clone()));
        policies.collect()
    }

    /// These resources, with some parts as they were earlier.
    pub(crate) fn as_it_was(
        &self,
        accounts: Option<Accounts>,
        project: Option<Policy>,
        grants: Option<&Grants>,
    ) -> Self {
        let mut past = self.clone();
        if let Some((service_accounts, pools)) = accounts {
            (past.service_accounts, past.pools) = (service_accounts, pools);
        }
        if let Some(project) = project {
            past.project_policy = project;
        }
        for (key, repository) in &mut past.repositories {
            if let Some(grants) = grants {
                repository.policy = grants.get(key).cloned().unwrap_or_default();
            }
        }
        past
    }

    /// Makes a service account with a new numeric id.
    pub(crate) fn add_service_account(&mut self, email: &str, display_name: &str, description: &str) {
        self.accounts_made += 1;
        let account = ServiceAccount {
            unique_id: format!("1{:020}", 4_129_076_558_210_000_000 + self.accounts_made * 7919),
            display_name: display_name.to_owned(),
            description: description.to_owned(),
            disabled: false,
            policy: Policy::default(),
        };
        self.service_accounts.insert(email.to_owned(), account);
    }

    /// By e-mail.
    pub(crate) fn service_account(&self, email: &str) -> Option<&ServiceAccount> {
        self.service_accounts.get(&email.to_ascii_lowercase())
    }

    /// The e-mail of the service account named by e-mail or numeric id.
    pub(crate) fn service_account_email(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        let named =
            |(email, account): &(&String, &ServiceAccount)| **email == name || account.unique_id == name;
        self.service_accounts.iter().find(named).map(|(email, _)| email.clone())
    }

    /// Whether a pool of this full name is there, soft-deleted ones included.
    pub(crate) fn has_pool(&self, name: &str) -> bool {
        let of_the_cluster = name.rsplit('/').next() == Some(&format!("{}.svc.id.goog", seed::PROJECT));
        of_the_cluster || self.pools.values().any(|entry| entry.pool.value.name == name)
    }

    /// Whether the account or pool behind a token is still there and switched on.
    pub(crate) fn is_alive(&self, identity: &Identity) -> bool {
        match &identity.caller {
            Caller::ServiceAccount(email) => self.service_account(email).is_some_and(|account| {
                !account.disabled && identity.unique_id.as_ref().is_none_or(|id| *id == account.unique_id)
            }),
            Caller::Federated { pool_resource, .. } => self.pools.values().any(|entry| {
                let held = &entry.pool.value;
                held.name == *pool_resource && held.state == State::Active && !held.disabled
            }),
            Caller::User(_) => true,
        }
    }

    /// Whether `caller` has `permission` by the project's policy or the resource's `own`.
    pub(crate) fn allows(&self, caller: &Caller, permission: &str, own: Option<&Policy>) -> bool {
        let seen = propagation::view();
        let project =
            seen.as_ref().map_or(&self.project_policy, |seen| &seen.resources.project_policy).read();
        let own = own.map(Policy::read);
        let layers: Vec<_> =
            own.iter().map(|own| ("resource", own)).chain(std::iter::once(("project", &project))).collect();
        trust::iam::decide(&layers, caller, permission).allowed
    }

    /// The same for a repository by its resource name; an absent one has only the project's policy.
    pub(crate) fn allows_on_repository(&self, caller: &Caller, permission: &str, resource: &str) -> bool {
        let parts: Vec<&str> = resource.split('/').collect();
        let ["projects", project, "locations", location, "repositories", id] = parts.as_slice() else {
            return false;
        };
        let own = self.repository(project, location, id).map(|repository| &repository.policy);
        is_project(project) && self.allows(caller, permission, own)
    }

    pub(crate) fn repository(&self, project: &str, location: &str, id: &str) -> Option<&Repository> {
        is_project(project).then(|| self.repositories.get(&(location.to_owned(), id.to_owned()))).flatten()
    }

    pub(crate) fn image(&self, name: &ImageName) -> Option<&Image> {
        self.repository(&name.project, seed::LOCATION, &name.repository)?.images.get(&name.image)
    }

    pub(crate) fn image_mut(&mut self, name: &ImageName) -> Option<&mut Image> {
        if !is_project(&name.project) {
            return None;
        }
        let key = (seed::LOCATION.to_owned(), name.repository.clone());
        self.repositories.get_mut(&key)?.images.get_mut(&name.image)
    }

    /// Makes a blob known to an image; `false` if the repository is not there.
    pub(crate) fn put_blob(&mut self, name: &ImageName, digest: &str, size: u64) -> bool {
        if !is_project(&name.project) {
            return false;
        }
        let key = (seed::LOCATION.to_owned(), name.repository.clone());
        let Some(repository) = self.repositories.get_mut(&key) else { return false };
        repository.images.entry(name.image.clone()).or_default().blobs.insert(digest.to_owned(), size);
        true
    }

    /// Takes a repository away; the digests are those that nothing refers to any more.
    pub(crate) fn remove_repository(&mut self, location: &str, id: &str) -> Option<Vec<String>> {
        let removed = self.repositories.remove(&(location.to_owned(), id.to_owned()))?;
        let kept = |digest: &&String| {
            let images = self.repositories.values().flat_map(|repository| repository.images.values());
            images.into_iter().any(|image| image.blobs.contains_key(*digest))
        };
        let blobs = removed.images.values().flat_map(|image| image.blobs.keys());
        Some(blobs.filter(|digest| !kept(digest)).cloned().collect())
    }

    /// Removes a service account; its grants everywhere become a ghost's.
    pub(crate) fn remove_service_account(&mut self, email: &str) -> bool {
        let Some(account) = self.service_accounts.remove(email) else { return false };
        let accounts = self.service_accounts.values_mut().map(|account| &mut account.policy);
        let repositories = self.repositories.values_mut().map(|repository| &mut repository.policy);
        for policy in accounts.chain(repositories).chain([&mut self.project_policy]) {
            policy.bury(email, &account.unique_id);
        }
        true
    }

    /// Forgets what was deleted thirty days ago.
    pub(crate) fn purge(&mut self, now: Timestamp) {
        fn stays<T>(kept: &Kept<T>, now: Timestamp) -> bool {
            kept.expires.is_none_or(|expires| expires > now)
        }
        self.pools.retain(|_, entry| stays(&entry.pool, now));
        for entry in self.pools.values_mut() {
            entry.providers.retain(|_, provider| stays(provider, now));
        }
    }

    /// A long-running operation below `parent`: pending in this answer, done when it is next asked about.
    pub(crate) fn begin_operation(&mut self, parent: &str, metadata_type: &str, response: &Value) -> Value {
        let name = format!("{parent}/operations/{}", random::uuid());
        let metadata = json!({ "@type": format!("type.googleapis.com/{metadata_type}") });
        let done = json!({ "name": name, "metadata": metadata, "done": true, "response": response });
        self.operations.insert(name.clone(), done);
        json!({ "name": name, "metadata": metadata })
    }

    /// Keeps an operation, as it will be when it is next asked about.
    pub(crate) fn keep_operation(&mut self, name: String, done: Value) {
        self.operations.insert(name, done);
    }

    /// An operation that began earlier.
    pub(crate) fn operation(&self, name: &str) -> Option<&Value> {
        self.operations.get(name)
    }
}

/// Whether `name` is the project, by id or number.
pub(crate) fn is_project(name: &str) -> bool {
    name == seed::PROJECT || name == seed::PROJECT_NUMBER
}
