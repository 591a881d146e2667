//! The reasons of an IAM decision, as values and in words.

use std::fmt;

use serde::Serialize;

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
    /// A binding would give the permission, under a condition that does not hold.
    ConditionFalse {
        /// Where.
        resource: String,
        /// Which role.
        role: String,
        /// The condition's title, or its expression.
        condition: String,
    },
    /// A binding would give the permission, under a condition that could not be decided.
    Conditional {
        /// Where.
        resource: String,
        /// Which role.
        role: String,
        /// The condition's title, or its expression.
        condition: String,
        /// Why not.
        why: String,
    },
    /// A binding would give the permission to members of a set, and whether the caller is one is not known.
    MembershipUnknown {
        /// Where.
        resource: String,
        /// Which role.
        role: String,
        /// The set.
        member: String,
    },
    /// A deny rule takes the permission away.
    Denied {
        /// Where.
        resource: String,
        /// Which deny policy.
        policy: String,
        /// By which principal of the rule.
        principal: String,
        /// By which permission of the rule.
        permission: String,
    },
    /// A deny rule takes the permission away, if something is so that could not be decided.
    DenialOpen {
        /// Where.
        resource: String,
        /// Which deny policy.
        policy: String,
        /// What could not be decided.
        why: String,
    },
    /// No binding here names the caller.
    NotNamed {
        /// Where.
        resource: String,
    },
}

impl Reason {
    /// Would another answer to what could not be judged turn the decision?
    pub fn is_open(&self) -> bool {
        match self {
            Self::UnknownRole { .. }
            | Self::Conditional { .. }
            | Self::MembershipUnknown { .. }
            | Self::DenialOpen { .. } => true,
            Self::Granted { .. }
            | Self::RoleLacks { .. }
            | Self::ConditionFalse { .. }
            | Self::Denied { .. }
            | Self::NotNamed { .. } => false,
        }
    }
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
            Self::ConditionFalse { resource, role, condition } => write!(
                formatter,
                "`{role}` on `{resource}` counts only if `{condition}`, which does not hold"
            ),
            Self::Conditional { resource, role, condition, why } => write!(
                formatter,
                "`{role}` on `{resource}` counts only if `{condition}`, which could not be decided: {why}"
            ),
            Self::MembershipUnknown { resource, role, member } => write!(
                formatter,
                "`{member}` has `{role}` on `{resource}`; whether the caller is among them is not known"
            ),
            Self::Denied { resource, policy, principal, permission } => write!(
                formatter,
                "deny policy `{policy}` on `{resource}` denies `{permission}` to `{principal}`, whatever roles give"
            ),
            Self::DenialOpen { resource, policy, why } => write!(
                formatter,
                "deny policy `{policy}` on `{resource}` may take it away, which could not be decided: {why}"
            ),
            Self::NotNamed { resource } => write!(formatter, "no binding on `{resource}` names the caller"),
        }
    }
}
