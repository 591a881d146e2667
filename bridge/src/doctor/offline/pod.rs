//! The pod: under which Kubernetes service account it runs, in which pool.

use serde_json::Value;

use super::case::Case;
use crate::exhibit::{Exhibit, Kind};

/// What has a pod's spec.
pub(super) const WORKLOADS: [&str; 8] =
    ["Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicaSet", "InferenceService"];

/// A pod's Kubernetes service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) namespace: String,
    pub(super) name: String,
    /// Where it is named.
    pub(super) origin: String,
}

/// Where pod specs stand, by kind of the object around them.
const SPECS: [&str; 3] = ["/spec/template", "/spec/jobTemplate/spec/template", ""];

/// The pointer to the pod's own metadata and spec within a workload.
pub(super) fn template(workload: &Exhibit) -> &'static str {
    SPECS.into_iter().find(|at| workload.get(&format!("{at}/spec/containers")).is_some()).unwrap_or("")
}

impl Case<'_> {
    /// The service account that the pod in question runs under.
    pub(super) fn account(&self) -> Option<Account> {
        let store = || self.objects(&["SecretStore", "ClusterSecretStore"]).find_map(store_account);
        let pod = || self.objects(&WORKLOADS).find_map(pod_account);
        let alone = || {
            let mut all = self.objects(&["ServiceAccount"]);
            let it = all.next()?;
            if all.next().is_some() {
                return None;
            }
            Some(Account {
                namespace: namespace(it),
                name: it.text("/metadata/name")?.to_owned(),
                origin: it.origin("/metadata/name"),
            })
        };
        store().or_else(pod).or_else(alone)
    }

    /// The object of that service account.
    pub(super) fn account_object(&self, account: &Account) -> Option<&Exhibit> {
        self.objects(&["ServiceAccount"])
            .find(|it| it.text("/metadata/name") == Some(&account.name) && namespace(it) == account.namespace)
    }

    /// The project whose workload identity pool the cluster uses.
    pub(super) fn pool_project(&self) -> Option<String> {
        let pool = self.of(Kind::GkeCluster).find_map(|it| it.text("/workloadIdentityConfig/workloadPool"));
        if let Some(project) = pool.and_then(|pool| pool.strip_suffix(".svc.id.goog")) {
            return Some(project.to_owned());
        }
        let policies = self.policies();
        let member = policies.iter().flat_map(super::grants::SeenPolicy::members).find_map(|member| {
            let rest = member.text.strip_prefix("serviceAccount:")?;
            Some(rest.split_once(".svc.id.goog")?.0.to_owned())
        });
        let annotated = || {
            let (email, _) = self.target()?;
            Some(email.split_once('@')?.1.strip_suffix(".iam.gserviceaccount.com")?.to_owned())
        };
        member.or_else(annotated)
    }
}

pub(super) fn namespace(object: &Exhibit) -> String {
    object.text("/metadata/namespace").unwrap_or("default").to_owned()
}

fn pod_account(workload: &Exhibit) -> Option<Account> {
    let at = template(workload);
    let pointer = format!("{at}/spec/serviceAccountName");
    workload.get(&format!("{at}/spec"))?;
    let name = workload.text(&pointer).unwrap_or("default").to_owned();
    Some(Account { namespace: namespace(workload), name, origin: workload.origin(&pointer) })
}

/// External Secrets names the account it uses in the store.
fn store_account(store: &Exhibit) -> Option<Account> {
    let pointers = [
        "/spec/provider/gcpsm/auth/workloadIdentity/serviceAccountRef",
        "/spec/provider/gcpsm/auth/workloadIdentityFederation/serviceAccountRef",
        "/spec/provider/azurekv/serviceAccountRef",
    ];
    pointers.into_iter().find_map(|pointer| {
        let found = store.get(pointer)?;
        let text = |name: &str| found.get(name).and_then(Value::as_str);
        Some(Account {
            namespace: text("namespace").map_or_else(|| namespace(store), str::to_owned),
            name: text("name")?.to_owned(),
            origin: store.origin(pointer),
        })
    })
}
