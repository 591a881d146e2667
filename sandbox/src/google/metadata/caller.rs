//! Who asks the metadata server. On loopback all callers look alike, so it is said beforehand: the node, or one pod.

use trust::Caller;

use super::refusal::Refusal;
use crate::cluster;
use crate::google::resources::Resources;
use crate::seed;
use crate::world::Shared;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetadataCaller {
    /// A machine (or a node) that runs as this service account.
    Machine(String),
    /// A pod: its Kubernetes service account says by annotation which Google service account it is, and that account's
    /// policy must agree.
    Pod {
        /// Namespace.
        namespace: String,
        /// Kubernetes service account.
        service_account: String,
    },
}

impl MetadataCaller {
    /// The cluster's node.
    pub(crate) fn seeded() -> Self {
        Self::Machine(seed::NODE_SERVICE_ACCOUNT.to_owned())
    }
}

/// Which IAM permission an answer takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wish {
    AccessToken,
    IdToken,
}

impl Wish {
    fn permission(self) -> &'static str {
        match self {
            Self::AccessToken => "iam.serviceAccounts.getAccessToken",
            Self::IdToken => "iam.serviceAccounts.getOpenIdToken",
        }
    }
}

/// The e-mail of the service account that the caller is, if it says so and the account's policy agrees.
pub(super) fn account(shared: &Shared, wish: Wish) -> Result<String, Refusal> {
    let caller = shared.google.metadata_caller().clone();
    let email = email(shared, &caller)?;
    let MetadataCaller::Pod { namespace, service_account } = caller else { return Ok(email) };
    let resources = shared.google.resources();
    let target = resources.service_account(&email).ok_or(Refusal::NoSuchAccount)?;
    let pod = Caller::ServiceAccount(format!("{}[{namespace}/{service_account}]", seed::workload_pool()));
    let allowed = may(&resources, &pod, wish, &target.policy);
    if allowed { Ok(email) } else { Err(Refusal::NotGranted(wish.permission())) }
}

fn may(resources: &Resources, pod: &Caller, wish: Wish, policy: &crate::google::policy::Policy) -> bool {
    resources.allows(pod, wish.permission(), Some(policy))
}

/// The e-mail that the caller goes by, whether or not it may.
pub(super) fn email(shared: &Shared, caller: &MetadataCaller) -> Result<String, Refusal> {
    match caller {
        MetadataCaller::Machine(email) => {
            let known = shared.google.resources().service_account(email).is_some();
            if known { Ok(email.clone()) } else { Err(Refusal::NotFound) }
        }
        MetadataCaller::Pod { namespace, service_account } => {
            let annotated = cluster::google_service_account(shared, namespace, service_account);
            annotated.ok_or(Refusal::NotAnnotated)
        }
    }
}
