//! In which order things are made: everything after what it refers to. Taking away goes the other way round.

use crate::convention::WORKLOAD_LABEL;
use crate::resource::{GrantTarget, KubernetesObject, Resource};

impl Resource {
    /// Where in the order of making this resource stands; what refers to something stands after it.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Application(_) => 0,
            Self::ServicePrincipal(_) => 1,
            Self::AppRoleAssignment(_) => 2,
            Self::ManagedIdentity(_) => 3,
            Self::RoleAssignment(_) => 4,
            Self::Pool(_) => 5,
            Self::Provider(_) => 6,
            Self::ServiceAccount(_) => 7,
            Self::FederatedCredential(_) => 8,
            Self::Repository(_) => 9,
            Self::Grant(_) => 10,
            Self::Kubernetes(object) => match kind_of(object) {
                "Namespace" => 11,
                "Role" => 12,
                "RoleBinding" => 13,
                _ => 14,
            },
        }
    }

    /// What must not be written by two at a time: changes with the same answer are made one after the other. A policy is
    /// one object, whichever role in it changes.
    pub fn written_with(&self) -> String {
        match self {
            Self::Grant(grant) => match &grant.target {
                GrantTarget::Project => "policy of the project".to_owned(),
                GrantTarget::ServiceAccount(id) => format!("policy of service account {id}"),
                GrantTarget::Repository(id) => format!("policy of repository {id}"),
            },
            Self::FederatedCredential(credential) => format!("credentials of {}", credential.identity),
            other => other.key().0,
        }
    }

    /// Whether a mark can stand on it. What cannot carry one belongs to whoever owns what it is part of.
    pub fn can_be_marked(&self) -> bool {
        !matches!(
            self,
            Self::ServicePrincipal(_)
                | Self::AppRoleAssignment(_)
                | Self::FederatedCredential(_)
                | Self::Grant(_)
        )
    }

    /// Whether this is of the set-up (made by `apply`) and not of a shipment (made by `ship`).
    pub fn is_set_up(&self) -> bool {
        let Self::Kubernetes(object) = self else { return true };
        match kind_of(object) {
            "Namespace" | "Role" | "RoleBinding" | "ResourceQuota" => true,
            // A shipment's service account serves; a workload's crosses.
            "ServiceAccount" => is_of_workload(object),
            // A shipment's policy has the name of its service, and no service may be called `gangplank-…`.
            "NetworkPolicy" => object.object_key().is_some_and(|key| key.name.starts_with("gangplank-")),
            _ => false,
        }
    }

    /// Whether making this one may have to wait until `other`, made just now, is known everywhere.
    pub fn depends_on(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Kubernetes(this), Self::Kubernetes(other)) => other
                .object_key()
                .is_some_and(|key| this.object_key().is_some_and(|this| this.namespace == Some(key.name))),
            // An identity that we made is new to those who are to give it a role.
            (Self::RoleAssignment(_), Self::ManagedIdentity(_)) => true,
            // Kubernetes knows users by name only, and the other roles of Azure name principals that we did not make.
            (Self::Kubernetes(_) | Self::RoleAssignment(_), _) | (_, Self::Kubernetes(_)) => false,
            _ => other.rank() < self.rank(),
        }
    }
}

/// Whether a service account is one that a declared workload's pods run under.
fn is_of_workload(object: &KubernetesObject) -> bool {
    let labels = object.object.pointer("/metadata/labels");
    labels.is_some_and(|labels| labels.get(WORKLOAD_LABEL).is_some())
}

fn kind_of(object: &KubernetesObject) -> &str {
    object.object.pointer("/kind").and_then(serde_json::Value::as_str).unwrap_or_default()
}
