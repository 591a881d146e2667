//! The shape of a world file.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

/// What every world file begins with.
pub(super) const API_VERSION: &str = "gangplank.dev/v1alpha1";
/// Its kind.
pub(super) const KIND: &str = "World";

/// One item, with its place in the file.
pub(super) type Items<T> = Vec<Spanned<T>>;

/// A world file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WorldFile {
    pub(super) api_version: Spanned<String>,
    pub(super) kind: Spanned<String>,
    /// What the file is for, for people and programs that run it. The sandbox passes it over.
    #[serde(default, rename = "about")]
    _about: Value,
    #[serde(default)]
    pub(super) people: Items<Person>,
    #[serde(default)]
    pub(super) groups: Items<Group>,
    #[serde(default)]
    pub(super) applications: Items<Application>,
    #[serde(default)]
    pub(super) role_assignments: Items<RoleAssignment>,
    #[serde(default)]
    pub(super) pools: Items<Pool>,
    #[serde(default)]
    pub(super) service_accounts: Items<ServiceAccount>,
    #[serde(default)]
    pub(super) repositories: Items<Repository>,
    #[serde(default)]
    pub(super) grants: Items<Grant>,
    #[serde(default)]
    pub(super) models: Items<Model>,
    #[serde(default)]
    pub(super) objects: Items<Value>,
    #[serde(default)]
    pub(super) requests: Items<Request>,
    /// What the organisation forbids, in place of what it forbade before.
    pub(super) organisation: Option<Spanned<Organisation>>,
    /// Whom a Conditional Access policy blocks, in place of those before.
    pub(super) blocked: Option<Items<String>>,
    #[serde(default)]
    pub(super) faults: Items<Map<String, Value>>,
    /// The OAuth scopes of the cluster's nodes.
    pub(super) node_scopes: Option<Vec<String>>,
    /// Whether the network rules of the workspace's storage account let nobody in.
    pub(super) storage_closed: Option<bool>,
    /// Whether faults that are armed already strike the loading, too.
    #[serde(default)]
    pub(super) amid_faults: bool,
    /// Seconds by which the clock is put forward, last of all.
    #[serde(default)]
    pub(super) advance: u32,
}

/// Somebody in the tenant.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) user_principal_name: String,
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) directory_roles: Vec<String>,
}

/// A group, or many of one kind.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) id: Option<String>,
    #[serde(default)]
    pub(super) members: Vec<String>,
    pub(super) count: Option<u32>,
}

/// An app registration with its service principal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Application {
    pub(super) name: String,
    #[serde(default)]
    pub(super) set: Map<String, Value>,
    #[serde(default)]
    pub(super) service_principal: Map<String, Value>,
    #[serde(default)]
    pub(super) federated_credentials: Vec<Map<String, Value>>,
    #[serde(default)]
    pub(super) deleted: bool,
}

/// An Azure role assignment.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RoleAssignment {
    pub(super) principal: String,
    /// GUID of the role definition.
    pub(super) role: String,
    pub(super) scope: String,
}

/// A workload identity pool.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Pool {
    pub(super) id: String,
    #[serde(default)]
    pub(super) set: Map<String, Value>,
    #[serde(default)]
    pub(super) deleted: bool,
    #[serde(default)]
    pub(super) providers: Items<Provider>,
}

/// A provider of a pool.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Provider {
    pub(super) id: String,
    #[serde(default)]
    pub(super) set: Map<String, Value>,
    #[serde(default)]
    pub(super) deleted: bool,
}

/// Constraints of the organisation, and which of the project's APIs are on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Organisation {
    /// `constraints/iam.workloadIdentityPoolProviders`; without it, providers may trust any issuer.
    pub(super) issuers: Option<Vec<String>>,
    /// `constraints/iam.allowedPolicyMemberDomains`; without it, policies may name anybody.
    pub(super) customers: Option<Vec<String>>,
    /// `constraints/iam.disableServiceAccountCreation`.
    #[serde(default)]
    pub(super) no_new_service_accounts: bool,
    /// Host of an API (`iam.googleapis.com`): whether it is on. Those not named stay as they are.
    #[serde(default)]
    pub(super) apis: BTreeMap<String, bool>,
}

/// A Google service account.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ServiceAccount {
    pub(super) id: String,
    #[serde(default)]
    pub(super) set: Map<String, Value>,
    #[serde(default)]
    pub(super) disabled: bool,
    #[serde(default)]
    pub(super) deleted: bool,
}

/// An Artifact Registry repository.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Repository {
    pub(super) id: String,
    pub(super) location: Option<String>,
    #[serde(default)]
    pub(super) set: Map<String, Value>,
}

/// Members of an IAM role.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Grant {
    /// `project`, `serviceAccount/ID` or `repository/ID`.
    pub(super) on: String,
    pub(super) role: String,
    pub(super) members: Vec<String>,
    pub(super) condition: Option<Value>,
    /// Takes the members out of the role.
    #[serde(default)]
    pub(super) revoked: bool,
}

/// A model version.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Model {
    pub(super) name: String,
    pub(super) version: String,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    /// Text by path.
    #[serde(default)]
    pub(super) files: BTreeMap<String, String>,
    /// One file of so many bytes in the place of `files`.
    pub(super) size: Option<u64>,
}

/// A request to one of the services, as the administrator.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Request {
    pub(super) service: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Option<Value>,
}
