//! In which order things are made: everything after what it refers to. Taking away goes the other way round.

use crate::resource::{KubernetesObject, Resource};

impl Resource {
    /// Where in the order of making this resource stands; what refers to something stands after it.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Application(_) => 0,
            Self::ServicePrincipal(_) => 1,
            Self::AppRoleAssignment(_) => 2,
            Self::RoleAssignment(_) => 3,
            Self::Pool(_) => 4,
            Self::Provider(_) => 5,
            Self::ServiceAccount(_) => 6,
            Self::Repository(_) => 7,
            Self::Grant(_) => 8,
            Self::Kubernetes(object) => match kind_of(object) {
                "Namespace" => 9,
                "Role" => 10,
                "RoleBinding" => 11,
                _ => 12,
            },
        }
    }

    /// Whether this is of the set-up (made by `apply`) and not of a shipment (made by `ship`).
    pub fn is_set_up(&self) -> bool {
        let Self::Kubernetes(object) = self else { return true };
        match kind_of(object) {
            "Namespace" | "Role" | "RoleBinding" | "ResourceQuota" => true,
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
            // Kubernetes knows users by name only, and the roles of Azure name principals that we did not make.
            (Self::Kubernetes(_) | Self::RoleAssignment(_), _) | (_, Self::Kubernetes(_)) => false,
            _ => other.rank() < self.rank(),
        }
    }
}

fn kind_of(object: &KubernetesObject) -> &str {
    object.object.pointer("/kind").and_then(serde_json::Value::as_str).unwrap_or_default()
}
