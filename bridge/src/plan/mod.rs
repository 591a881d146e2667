//! The plan: what has to change on both clouds, as a value. Printing it is the review, an empty one is "in step", and
//! carrying it out needs no further choice.

mod compare;
mod kubernetes;
mod make;
mod needs;
mod order;
mod summary;
#[cfg(test)]
mod tests;

use serde::Serialize;

pub use kubernetes::{FIELD_MANAGER, differences as kubernetes_differences};
pub use make::{destroy_plan, plan};
pub use needs::needs;

use crate::resource::{Resource, ResourceKey};

/// All changes, in the order they must be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The changes.
    pub changes: Vec<Change>,
    /// Why some wishes cannot be planned, as findings in words: a principal that Entra does not know, a foreign object
    /// in the way. A plan with obstacles must not be applied.
    pub obstacles: Vec<Obstacle>,
    /// What carries our mark, is not declared, and stays all the same, because it holds things of others.
    pub kept: Vec<Kept>,
}

/// Something of ours that must not be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The resource.
    pub key: ResourceKey,
    /// What it holds.
    pub why: String,
}

/// Something in the way of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Obstacle {
    /// The resource it is about.
    pub key: ResourceKey,
    /// What is in the way.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is about.
    pub key: ResourceKey,
    /// What to do.
    pub action: Action,
}

/// What to do to one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// It is not there.
    Create {
        /// As it shall be.
        wanted: Resource,
    },
    /// It is deleted but still holds its name: undelete, then update.
    Undelete {
        /// As it shall be.
        wanted: Resource,
    },
    /// Some declared field differs.
    Update {
        /// As it shall be.
        wanted: Resource,
        /// As it is.
        found: Resource,
        /// The fields that differ.
        differences: Vec<Difference>,
    },
    /// It carries our mark and is no longer declared.
    Delete {
        /// As it is.
        found: Resource,
    },
}

/// One declared field that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Path of the field, `metadata.labels.team`.
    pub field: String,
    /// As declared; `None` if it should not be there.
    pub wanted: Option<String>,
    /// As found; `None` if it is missing.
    pub found: Option<String>,
}

/// Values that exist only once earlier changes are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Outputs {
    /// `appId` of our application.
    pub application_id: Option<String>,
    /// Object id of our application.
    pub application_object_id: Option<String>,
    /// Object id of its service principal.
    pub service_principal_id: Option<String>,
}

/// A text that cannot be resolved yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is known only after the application exists")]
pub struct Unresolved(pub String);

impl Outputs {
    /// Replaces `${application.appId}` and `${application.servicePrincipalId}` by what is known by now.
    pub fn resolve(&self, text: &str) -> Result<String, Unresolved> {
        let known = [
            ("${application.appId}", &self.application_id),
            ("${application.servicePrincipalId}", &self.service_principal_id),
        ];
        let mut resolved = text.to_owned();
        for (placeholder, value) in known {
            if resolved.contains(placeholder) {
                let value = value.as_deref().ok_or_else(|| Unresolved(placeholder.to_owned()))?;
                resolved = resolved.replace(placeholder, value);
            }
        }
        Ok(resolved)
    }
}

/// A right that a plan needs of whoever applies it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "of", rename_all = "kebab-case")]
pub enum Need {
    /// A Google IAM permission on the project.
    Google {
        /// `iam.workloadIdentityPools.create`, …
        permission: String,
    },
    /// An Azure action on an ARM scope.
    Azure {
        /// `Microsoft.Authorization/roleAssignments/write`, …
        action: String,
        /// ARM scope.
        scope: String,
    },
    /// A Microsoft Graph permission; any one of them will do.
    Graph {
        /// `Application.ReadWrite.OwnedBy`, `Application.ReadWrite.All`, …
        any_of: Vec<String>,
    },
    /// A verb on a Kubernetes resource, cluster-wide.
    Kubernetes {
        /// `create`, `patch`, …
        verb: String,
        /// API group, empty for the core group.
        group: String,
        /// Plural resource name.
        resource: String,
    },
}

/// A need that is not met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What is needed.
    pub need: Need,
    /// Who was found to lack it, as the service names them.
    pub who: String,
    /// The narrowest role that gives it.
    pub mend: String,
}
