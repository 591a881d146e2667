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

    /// Does the member mean this caller, for certain?
    pub fn is(&self, principal: &Principal) -> bool {
        self.membership(principal) == Membership::Yes
    }

    /// Does the member mean this caller, as far as the member and the caller tell?
    pub fn membership(&self, principal: &Principal) -> Membership {
        match principal {
            Principal::AllUsers => Membership::Yes,
            // Who comes through a pool has no Google account, and is not meant.
            // https://cloud.google.com/iam/docs/principals-overview#all-authenticated-users
            Principal::AllAuthenticatedUsers => Membership::from(!matches!(self, Self::Federated { .. })),
            Principal::User(email) => {
                Membership::from(matches!(self, Self::User(own) if own.eq_ignore_ascii_case(email)))
            }
            Principal::ServiceAccount(email) => {
                Membership::from(matches!(self, Self::ServiceAccount(own) if own.eq_ignore_ascii_case(email)))
            }
            Principal::Domain(domain) => Membership::from(
                matches!(self, Self::User(own) if own.rsplit_once('@').is_some_and(|(_, at)| at.eq_ignore_ascii_case(domain))),
            ),
            // Who is in a Google group is in no policy; nobody from a pool is.
            Principal::Group(_) => match self {
                Self::User(_) | Self::ServiceAccount(_) => Membership::Unknown,
                Self::Federated { .. } => Membership::No,
            },
            Principal::KubernetesServiceAccount { project, namespace, name } => {
                Membership::from(self.is_pod(project, namespace, name))
            }
            Principal::Subject { pool, subject } => self.in_pool(pool, |mapped| mapped.subject == *subject),
            Principal::FederatedGroup { pool, group } => {
                self.in_pool(pool, |mapped| mapped.groups.contains(group))
            }
            Principal::Attribute { pool, name, value } => {
                self.in_pool(pool, |mapped| mapped.attributes.get(name) == Some(value))
            }
            Principal::Pool { pool } => self.in_pool(pool, |_| true),
            Principal::Namespace { pool, namespace } => {
                self.in_pool(pool, |mapped| pod_of(&mapped.subject).is_some_and(|(own, _)| own == namespace))
            }
            // The subject of a pod does not say of which cluster it is.
            Principal::Cluster { pool, .. } => match self.in_pool(pool, |_| true) {
                Membership::Yes | Membership::Unknown => Membership::Unknown,
                Membership::No => Membership::No,
            },
            Principal::Deleted(_) => Membership::No,
        }
    }

    /// Is it a pod under Workload Identity Federation for GKE? It goes by the very name that the older member string has, or
    /// comes through the project's own pool.
    fn is_pod(&self, project: &str, namespace: &str, name: &str) -> bool {
        match self {
            Self::ServiceAccount(own) => *own == format!("{project}.svc.id.goog[{namespace}/{name}]"),
            Self::Federated { pool_resource, mapped } => {
                pool_resource.ends_with(&format!("/workloadIdentityPools/{project}.svc.id.goog"))
                    && pod_of(&mapped.subject) == Some((namespace, name))
            }
            Self::User(_) => false,
        }
    }

    fn in_pool(&self, pool: &str, holds: impl FnOnce(&Mapped) -> bool) -> Membership {
        match self {
            Self::Federated { pool_resource, mapped } => {
                Membership::from(pool_resource == pool && holds(mapped))
            }
            Self::ServiceAccount(_) | Self::User(_) => Membership::No,
        }
    }
}

/// Namespace and service account in a pod's subject, `ns/NAMESPACE/sa/NAME`.
/// Source: <https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity#principal-id-examples>
fn pod_of(subject: &str) -> Option<(&str, &str)> {
    subject.strip_prefix("ns/")?.split_once("/sa/")
}

/// Whether a set has the caller in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Membership {
    /// It has.
    Yes,
    /// It has not.
    No,
    /// Neither the member string nor the caller tells: a Google group's members are not in the policy.
    Unknown,
}

impl From<bool> for Membership {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}
