//! Who is asking: the three sorts of callers that a Google access token can stand for, and which members mean them.

use serde::{Deserialize, Serialize};

use super::Principal;
use crate::provider::Mapped;

/// Whoever presents a Google access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Caller {
    /// A Google service account, by e-mail.
    ServiceAccount(String),
    /// A Google user, by e-mail.
    User(String),
    /// Somebody from outside, through a workload identity pool.
    #[serde(rename_all = "camelCase")]
    Federated {
        /// `projects/NUMBER/locations/global/workloadIdentityPools/POOL`.
        pool_resource: String,
        /// What the provider made of their token.
        mapped: Mapped,
    },
}

impl Caller {
    /// The caller as IAM, audit logs and GKE print them.
    pub fn principal_string(&self) -> String {
        self.principal().to_string()
    }

    /// The narrowest member that means this caller.
    pub fn principal(&self) -> Principal {
        match self {
            Self::ServiceAccount(email) => Principal::ServiceAccount(email.clone()),
            Self::User(email) => Principal::User(email.clone()),
            Self::Federated { pool_resource, mapped } => {
                Principal::Subject { pool: pool_resource.clone(), subject: mapped.subject.clone() }
            }
        }
    }

    /// The user name that a GKE API server sees: e-mail, or the principal.
    pub fn kubernetes_user(&self) -> String {
        match self {
            Self::ServiceAccount(email) | Self::User(email) => email.clone(),
            Self::Federated { .. } => self.principal_string(),
        }
    }

    /// Does the member string mean this caller? A string that is no member means nobody.
    pub fn matches(&self, member: &str) -> bool {
        member.parse().is_ok_and(|principal| self.is(&principal))
    }

    /// Does the member mean this caller? Membership of Google groups and domains is not known here and means no.
    pub fn is(&self, principal: &Principal) -> bool {
        match principal {
            Principal::AllUsers | Principal::AllAuthenticatedUsers => true,
            Principal::User(email) => matches!(self, Self::User(own) if own.eq_ignore_ascii_case(email)),
            Principal::ServiceAccount(email) => {
                matches!(self, Self::ServiceAccount(own) if own.eq_ignore_ascii_case(email))
            }
            Principal::Domain(domain) => {
                matches!(self, Self::User(own) if own.rsplit_once('@').is_some_and(|(_, at)| at.eq_ignore_ascii_case(domain)))
            }
            // A pod under Workload Identity Federation for GKE goes by the very name that the member string has.
            Principal::KubernetesServiceAccount { project, namespace, name } => {
                matches!(self, Self::ServiceAccount(own) if *own == format!("{project}.svc.id.goog[{namespace}/{name}]"))
            }
            Principal::Subject { pool, subject } => self.in_pool(pool, |mapped| mapped.subject == *subject),
            Principal::FederatedGroup { pool, group } => {
                self.in_pool(pool, |mapped| mapped.groups.contains(group))
            }
            Principal::Attribute { pool, name, value } => {
                self.in_pool(pool, |mapped| mapped.attributes.get(name) == Some(value))
            }
            Principal::Pool { pool } => self.in_pool(pool, |_| true),
            Principal::Group(_)
            | Principal::Namespace { .. }
            | Principal::Cluster { .. }
            | Principal::Deleted(_) => false,
        }
    }

    fn in_pool(&self, pool: &str, holds: impl FnOnce(&Mapped) -> bool) -> bool {
        match self {
            Self::Federated { pool_resource, mapped } => pool_resource == pool && holds(mapped),
            Self::ServiceAccount(_) | Self::User(_) => false,
        }
    }
}
