//! Kubernetes RBAC: may this user do this verb to this resource, and by which role binding. GKE asks IAM as well: either
//! may allow.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

mod aggregate;
mod decide;
mod matching;
mod text;
mod user;

pub use aggregate::{AggregationRule, LabelRequirement, LabelSelector, aggregated_rules};
pub use decide::{Grant, decide, grants, rules_for};
pub use text::{api_groups_of, forbidden_text, gke_permission, missing_roles_text};
pub use user::{groups_of, service_account_user};

/// Name and namespace of an object; the rest of the metadata does not matter here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Name.
    pub name: String,
    /// Namespace; empty for objects of the cluster.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Labels, by which cluster roles are gathered into others.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// `Role` or `ClusterRole` of `rbac.authorization.k8s.io/v1`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Role {
    /// Name, and for a `Role` the namespace.
    pub metadata: Metadata,
    /// What it allows.
    #[serde(deserialize_with = "null_is_default")]
    pub rules: Vec<Rule>,
    /// For a `ClusterRole` whose rules the cluster gathers from others: which ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregation_rule: Option<AggregationRule>,
}

/// A `ClusterRole`: a role without a namespace.
pub type ClusterRole = Role;

/// What a role allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    /// API groups; `""` is the core group, `*` all.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub api_groups: Vec<String>,
    /// Resources: `pods`, `pods/log`, `*/scale`, `*`.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<String>,
    /// Names; empty is all.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// Paths that are no resource, for `ClusterRole`s: `/healthz`, `/api/*`, `*`.
    #[serde(
        rename = "nonResourceURLs",
        deserialize_with = "null_is_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub non_resource_urls: Vec<String>,
    /// Verbs, `*` all.
    #[serde(deserialize_with = "null_is_default")]
    pub verbs: Vec<String>,
}

/// `RoleBinding` or `ClusterRoleBinding`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RoleBinding {
    /// Name, and for a `RoleBinding` the namespace it counts in.
    pub metadata: Metadata,
    /// The role it gives.
    pub role_ref: RoleRef,
    /// To whom.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<Subject>,
}

/// A `ClusterRoleBinding`: a binding without a namespace, that counts everywhere.
pub type ClusterRoleBinding = RoleBinding;

/// Which role a binding gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RoleRef {
    /// `rbac.authorization.k8s.io`.
    pub api_group: String,
    /// `Role` or `ClusterRole`.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// To whom a binding gives its role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Subject {
    /// `User`, `Group` or `ServiceAccount`.
    pub kind: String,
    /// `rbac.authorization.k8s.io`; empty for service accounts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_group: String,
    /// Name.
    pub name: String,
    /// Namespace of a service account.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
}

/// The RBAC objects of a cluster.
#[derive(Debug, Clone, Copy, Default)]
pub struct Objects<'a> {
    /// `Role`s of all namespaces.
    pub roles: &'a [Role],
    /// `ClusterRole`s.
    pub cluster_roles: &'a [ClusterRole],
    /// `RoleBinding`s of all namespaces.
    pub role_bindings: &'a [RoleBinding],
    /// `ClusterRoleBinding`s.
    pub cluster_role_bindings: &'a [ClusterRoleBinding],
    /// Whether the cluster roles' rules are as the cluster has them, or as somebody wrote them.
    pub aggregation: Aggregation,
}

/// Who gathers the rules of cluster roles that have an `aggregationRule`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Aggregation {
    /// The cluster did: the roles were read from it, and their rules count as they stand.
    #[default]
    Done,
    /// Nobody yet: the roles come from files. What the cluster would gather counts, and their own rules do not, since the
    /// cluster overwrites them.
    Pending,
}

/// What somebody asks the API server to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    /// User name.
    pub user: String,
    /// The user's groups, `system:authenticated` among them.
    pub groups: Vec<String>,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, …
    pub verb: String,
    /// API group, empty for the core group.
    pub api_group: String,
    /// Resource in plural, `pods`.
    pub resource: String,
    /// Subresource, `log`.
    pub subresource: Option<String>,
    /// Namespace; none is the cluster scope.
    pub namespace: Option<String>,
    /// Object's name, where the request has one.
    pub name: Option<String>,
    /// A path that is no resource, `/version`; then the resource fields do not count.
    pub non_resource_url: Option<String>,
}

/// May they or not, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Allowed.
    pub allowed: bool,
    /// If allowed, the first binding that says so; else every binding that names the user here, or that none does.
    pub because: Vec<Reason>,
}

/// One reason of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Reason {
    /// A binding gives it.
    Granted(Grant),
    /// The user has a role here that does not allow it.
    RoleLacks(Grant),
    /// A binding names the user here, and its role is not there.
    MissingRole(Grant),
    /// No binding names the user here.
    NotNamed {
        /// The namespace, or none for the cluster.
        namespace: Option<String>,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted(grant) => write!(formatter, "{grant} allows it"),
            Self::RoleLacks(grant) => write!(formatter, "{grant} does not allow it"),
            Self::MissingRole(grant) => write!(formatter, "{grant} gives nothing: there is no such role"),
            Self::NotNamed { namespace: Some(namespace) } => {
                write!(formatter, "no binding in namespace `{namespace}` or of the cluster names the user")
            }
            Self::NotNamed { namespace: None } => {
                formatter.write_str("no binding of the cluster names the user")
            }
        }
    }
}

/// The API server prints an absent list as null now and then, and YAML an empty one.
fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod witness;
