//! Google IAM: may this caller use this permission here, and which binding says so.

use serde::{Deserialize, Serialize};

use crate::principal::Caller;

mod condition;
mod decide;
mod deny;
mod kubernetes;
pub mod limits;
mod permissions;
mod reason;
mod roles;

pub use decide::{decide, evaluate};
pub use deny::{DenyPolicy, DenyRule, PolicyRule};
pub use reason::Reason;
pub use roles::{ROLES, Role, permissions_of, roles_with};

/// A policy on a resource, as `get-iam-policy --format=json` prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// 1, or 3 where bindings have conditions.
    pub version: i32,
    /// Names the state that was read; a write with an older one is refused.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub etag: String,
    /// Who has which role.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bindings: Vec<Binding>,
}

/// One role and who has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Binding {
    /// `roles/…`, or a custom role's resource name.
    pub role: String,
    /// Member strings.
    pub members: Vec<String>,
    /// Only under this condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
}

/// When a binding counts. One that cannot be decided grants nothing, and the reasons say so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// CEL over `resource` and `request`.
    pub expression: String,
    /// Short name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// For people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// A resource or one of its ancestors, with the policies that are attached to it.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// The resource, for people.
    pub resource: &'a str,
    /// Who has which roles; none if it has no such policy.
    pub allow: Option<&'a Policy>,
    /// What is denied, by projects, folders and organisations only.
    pub deny: &'a [DenyPolicy],
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// By whom.
    pub caller: &'a Caller,
    /// `artifactregistry.repositories.uploadArtifacts`.
    pub permission: &'a str,
    /// The resource as conditions see it; what is not known leaves conditions about it open.
    pub resource: Option<&'a Resource>,
    /// `request.time`, seconds since 1970; none leaves conditions about it open.
    pub now: Option<i64>,
}

/// A resource as conditions see it.
/// Source: <https://cloud.google.com/iam/docs/conditions-resource-attributes>
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Resource {
    /// `resource.name`: `projects/p/locations/l/repositories/r`. Where it is not certain whether the service says project id
    /// or number, both; then a condition has to give the same answer by each.
    pub names: Vec<String>,
    /// `resource.type`: `artifactregistry.googleapis.com/Repository`.
    pub kind: Option<String>,
    /// `resource.service`: `artifactregistry.googleapis.com`.
    pub service: Option<String>,
}

/// May they or not, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Allowed for certain.
    pub allowed: bool,
    /// Whether that is the last word. Not if a role, condition, group or deny rule could not be judged that would turn it.
    pub settled: bool,
    /// If allowed, the bindings that give the permission; if denied by a rule, the rules; else what was found in their place,
    /// for each resource.
    pub because: Vec<Reason>,
}

#[cfg(test)]
mod tests;
