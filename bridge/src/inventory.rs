//! What the clouds have: the facts that wishes depend on, and the live state of what we declare.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::resource::{Resource, ResourceKey};

/// Facts about both clouds that no `bridge.yaml` states.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The project's number; IAM principals need it.
    pub project_number: String,
    /// The service account that the cluster's nodes run as, as an e-mail address.
    pub node_service_account: String,
    /// The storage behind the workspace's default datastore.
    pub datastore: Datastore,
    /// The storage behind each declared datastore, by name.
    pub datastores: BTreeMap<String, Datastore>,
    /// The ARM id of each Azure ML registry that a service's model is in, by name.
    pub registries: BTreeMap<String, String>,
    /// The ARM id of the workspace's container registry, if a service runs a package.
    pub container_registry: Option<String>,
    /// Every declared principal, by the GUID or user principal name that `bridge.yaml` names it with, in lower case. Whom
    /// Entra does not know is absent.
    pub principals: BTreeMap<String, Principal>,
    /// Our application, if it exists.
    pub application: Option<ApplicationIds>,
    /// The issuer of the tokens that our application receives (v2 form).
    pub issuer: String,
    /// Where the workspace is, `westeurope`: new managed identities are put there.
    pub region: String,
    /// The issuer of the cluster's service-account tokens; looked up only where a workload crosses with them.
    pub cluster_issuer: Option<String>,
    /// The cluster's pool for Workload Identity Federation for GKE, `PROJECT.svc.id.goog`, if it is switched on.
    pub workload_pool: Option<String>,
    /// The managed identities that carry our mark, by name.
    pub shards: BTreeMap<String, Shard>,
    /// The unique ids of the Google service accounts that carry our mark, by account id.
    pub unique_ids: BTreeMap<String, String>,
}

/// A managed identity of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// What its tokens are asked for with.
    pub client_id: String,
    /// Object id of its service principal: role assignments name it.
    pub principal_id: String,
    /// The team it is for.
    pub team: String,
    /// What it is for.
    pub rights: String,
    /// The names of its federated credentials.
    pub credentials: BTreeSet<String>,
}

/// A storage container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Datastore {
    /// Storage account name.
    pub account: String,
    /// Container name.
    pub container: String,
    /// ARM id of the container.
    pub scope: String,
}

/// A principal in Entra.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Principal {
    /// Object id; a token's `sub` and `oid` for an application's own token.
    pub object_id: String,
    /// `ServicePrincipal`, `User` or `Group`.
    pub principal_type: String,
    /// Display name, for people.
    pub display_name: String,
}

/// The ids of our Entra application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApplicationIds {
    /// `appId`, the client id and the audience of v2 tokens.
    pub app_id: String,
    /// Object id of the application.
    pub object_id: String,
    /// Object id of its service principal, if there is one.
    pub service_principal_id: Option<String>,
}

/// The live state of what we declare and of what carries our mark.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Inventory {
    /// Every wanted resource that exists, and every other one that carries our mark.
    pub found: BTreeMap<ResourceKey, Observed>,
}

/// One resource as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Observed {
    /// Its declared fields.
    pub resource: Resource,
    /// Whether it carries our mark. Grants count as marked: only our own members are read.
    pub marked: bool,
    /// Whether it is there, or deleted and still holding its name.
    pub state: State,
    /// Why it must not be destroyed, if so: images in the repository, foreign objects in the namespace.
    pub holds: Option<String>,
}

/// Whether an observed resource is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is there.
    Live,
    /// Deleted for now; its name is taken until it is purged, and it can be undeleted.
    SoftDeleted,
}
