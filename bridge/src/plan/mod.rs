//! The plan: what has to change on both clouds, as a value. Printing it is the review, an empty one is "in step", and
//! carrying it out needs no further choice.

mod adopt;
mod compare;
mod covers;
mod kubernetes;
mod make;
mod needs;
mod order;
mod summary;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

pub use adopt::{UnknownKey, adoption};
pub use kubernetes::{FIELD_MANAGER, differences as kubernetes_differences};
pub use make::{destroy_plan, plan, plan_adopting};
pub use needs::needs;

use crate::inventory::Facts;
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
    /// What the plan chose by itself and people should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What people call the principals whose ids the plan holds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
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
    /// Somebody else made it, and it was asked for by its key: mark it, then make it what is declared.
    Adopt {
        /// As it shall be.
        wanted: Resource,
        /// As it is.
        found: Resource,
        /// The fields that differ.
        differences: Vec<Difference>,
        /// Whether it is deleted for now, so that it is undeleted first.
        deleted: bool,
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
    /// Ids of managed identities and Google service accounts, by the placeholder that stands for them.
    pub late: BTreeMap<String, String>,
}

/// The placeholder for the client id of a managed identity.
pub fn client_id_of(identity: &str) -> String {
    format!("${{identity.{identity}.clientId}}")
}

/// The placeholder for the object id of a managed identity's service principal.
pub fn principal_id_of(identity: &str) -> String {
    format!("${{identity.{identity}.principalId}}")
}

/// The placeholder for the unique id of a Google service account.
pub fn unique_id_of(account: &str) -> String {
    format!("${{account.{account}.uniqueId}}")
}

/// How every placeholder of those three begins.
const LATE: [&str; 2] = ["${identity.", "${account."];

/// A text that cannot be resolved yet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is known only after what it belongs to exists")]
pub struct Unresolved(pub String);

impl Outputs {
    /// Replaces placeholders by what is known by now.
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
        for (placeholder, value) in &self.late {
            resolved = resolved.replace(placeholder, value);
        }
        match LATE.iter().find_map(|start| resolved.find(start).and_then(|at| resolved.get(at..))) {
            Some(rest) => {
                let end = rest.find('}').map_or(rest.len(), |end| end + 1);
                Err(Unresolved(rest.get(..end).unwrap_or(rest).to_owned()))
            }
            None => Ok(resolved),
        }
    }

    /// Replaces placeholders in every text of a value.
    pub fn resolve_all(&self, value: &Value) -> Result<Value, Unresolved> {
        Ok(match value {
            Value::String(text) => Value::String(self.resolve(text)?),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.resolve_all(item)).collect::<Result<_, _>>()?)
            }
            Value::Object(fields) => {
                let resolved = fields.iter().map(|(name, it)| Ok((name.clone(), self.resolve_all(it)?)));
                Value::Object(resolved.collect::<Result<_, Unresolved>>()?)
            }
            other => other.clone(),
        })
    }

    /// What is known before anything is made.
    pub fn known(facts: &Facts) -> Self {
        let mut outputs = facts.application.as_ref().map_or_else(Self::default, |application| Self {
            application_id: Some(application.app_id.clone()),
            application_object_id: Some(application.object_id.clone()),
            service_principal_id: application.service_principal_id.clone(),
            late: BTreeMap::new(),
        });
        for (name, shard) in &facts.shards {
            outputs.late.insert(client_id_of(name), shard.client_id.clone());
            outputs.late.insert(principal_id_of(name), shard.principal_id.clone());
        }
        let accounts = facts.unique_ids.iter().map(|(id, unique)| (unique_id_of(id), unique.clone()));
        outputs.late.extend(accounts);
        outputs
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
