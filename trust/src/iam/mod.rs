//! Google IAM: may this caller use this permission here, and which binding says so.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::principal::Caller;

mod permissions;
mod roles;

pub use roles::{ROLES, permissions_of};

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

/// When a binding counts. Not evaluated here: a conditional binding grants nothing, and the reasons say so.
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

/// May they or not, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// Allowed.
    pub allowed: bool,
    /// If allowed, the bindings that give the permission; else what was found in their place, for each resource.
    pub because: Vec<Reason>,
}

/// One reason of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Reason {
    /// A binding gives the permission.
    Granted {
        /// Where.
        resource: String,
        /// Which role.
        role: String,
        /// By which member string.
        member: String,
    },
    /// The caller has a role here that lacks the permission.
    RoleLacks {
        /// Where.
        resource: String,
        /// Which role.
        role: String,
        /// By which member string.
        member: String,
    },
    /// The caller has a role here whose permissions are not known.
    UnknownRole {
        /// Where.
        resource: String,
        /// Which role.
        role: String,
    },
    /// A binding would give the permission, under a condition that is not evaluated.
    Conditional {
        /// Where.
        resource: String,
        /// Which role.
        role: String,
        /// The condition's title, or its expression.
        condition: String,
    },
    /// No binding here names the caller.
    NotNamed {
        /// Where.
        resource: String,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted { resource, role, member } => {
                write!(formatter, "`{member}` has `{role}` on `{resource}`")
            }
            Self::RoleLacks { resource, role, member } => {
                write!(formatter, "`{member}` has `{role}` on `{resource}`, which lacks the permission")
            }
            Self::UnknownRole { resource, role } => {
                write!(formatter, "the caller has `{role}` on `{resource}`, whose permissions are not known")
            }
            Self::Conditional { resource, role, condition } => {
                write!(
                    formatter,
                    "`{role}` on `{resource}` counts only if `{condition}`, which was not evaluated"
                )
            }
            Self::NotNamed { resource } => write!(formatter, "no binding on `{resource}` names the caller"),
        }
    }
}

/// May `caller` use `permission`? `layers` are the resource and its ancestors, each with its policy: a grant on any counts.
pub fn decide(layers: &[(&str, &Policy)], caller: &Caller, permission: &str) -> Decision {
    let reasons: Vec<Reason> =
        layers.iter().flat_map(|(resource, policy)| layer(resource, policy, caller, permission)).collect();
    let granted: Vec<Reason> =
        reasons.iter().filter(|reason| matches!(reason, Reason::Granted { .. })).cloned().collect();
    let allowed = !granted.is_empty();
    Decision { allowed, because: if allowed { granted } else { reasons } }
}

fn layer(resource: &str, policy: &Policy, caller: &Caller, permission: &str) -> Vec<Reason> {
    let reasons: Vec<Reason> =
        policy.bindings.iter().filter_map(|binding| reason(resource, binding, caller, permission)).collect();
    if reasons.is_empty() {
        return vec![Reason::NotNamed { resource: resource.to_owned() }];
    }
    reasons
}

fn reason(resource: &str, binding: &Binding, caller: &Caller, permission: &str) -> Option<Reason> {
    let member = binding.members.iter().find(|member| caller.matches(member))?.clone();
    let (resource, role) = (resource.to_owned(), binding.role.clone());
    let Some(permissions) = permissions_of(&role) else {
        return Some(Reason::UnknownRole { resource, role });
    };
    if !permissions.contains(&permission) {
        return Some(Reason::RoleLacks { resource, role, member });
    }
    Some(match &binding.condition {
        Some(condition) => {
            let named = if condition.title.is_empty() { &condition.expression } else { &condition.title };
            Reason::Conditional { resource, role, condition: named.clone() }
        }
        None => Reason::Granted { resource, role, member },
    })
}

#[cfg(test)]
mod tests;
