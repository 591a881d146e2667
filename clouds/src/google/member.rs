//! Which IAM members are ours: principals of our pool, service accounts that carry our mark, and the cluster's nodes
//! where they read images.

use std::collections::BTreeSet;

use bridge::convention::is_workload_account;
use bridge::inventory::{Facts, Observed};
use bridge::resource::{GrantTarget, Resource};
use bridge::spec::Bridge;

/// Nodes are ours in this role on the repository alone; whatever else they hold is somebody else's business.
const READER: &str = "roles/artifactregistry.reader";

/// Tells our members from others'.
pub(super) struct Ours {
    /// `//iam.googleapis.com/…/workloadIdentityPools/POOL/`, as it stands in both kinds of principal.
    pool: String,
    service_accounts: BTreeSet<String>,
    /// `serviceAccount:PROJECT.svc.id.goog[`, as pods' members begin.
    pods: String,
    nodes: String,
}

impl Ours {
    /// Ours, as far as `found` (service accounts) and the facts say.
    pub(super) fn of(bridge: &Bridge, facts: &Facts, found: &[Observed]) -> Self {
        let pool = format!(
            "//iam.googleapis.com/projects/{}/locations/global/workloadIdentityPools/{}/",
            facts.project_number, bridge.federation.pool
        );
        let project = &bridge.google.project;
        let service_accounts = found
            .iter()
            .filter(|observed| observed.marked)
            .filter_map(|observed| match &observed.resource {
                Resource::ServiceAccount(account) => {
                    Some(format!("serviceAccount:{}@{project}.iam.gserviceaccount.com", account.id))
                }
                _ => None,
            })
            .collect();
        let pods = format!("serviceAccount:{project}.svc.id.goog[");
        Self { pool, service_accounts, pods, nodes: format!("serviceAccount:{}", facts.node_service_account) }
    }

    /// Whether `member` is ours in this place.
    pub(super) fn holds(&self, target: &GrantTarget, role: &str, member: &str) -> bool {
        let of_pool = ["principal:", "principalSet:"]
            .iter()
            .any(|kind| member.strip_prefix(kind).is_some_and(|rest| rest.starts_with(&self.pool)));
        let node_reads =
            role == READER && matches!(target, GrantTarget::Repository(_)) && member == self.nodes;
        // Whoever becomes a workload's account is up to us; on other accounts pods are somebody else's business.
        let pod_becomes = matches!(target, GrantTarget::ServiceAccount(id) if is_workload_account(id))
            && member.starts_with(&self.pods);
        let living = self.service_accounts.contains(member);
        // What is left of an account of ours that was deleted: it gives nobody anything, not even its successor.
        let dead = member.strip_prefix("deleted:").and_then(|dead| dead.split_once("?uid="));
        let dead = dead.is_some_and(|(name, _)| self.service_accounts.contains(name));
        of_pool || node_reads || pod_becomes || living || dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bridge::inventory::State;
    use bridge::resource::ServiceAccount;

    const POOL: &str = "//iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/quay";

    fn ours() -> Ours {
        let account = |id: &str, marked| Observed {
            resource: Resource::ServiceAccount(ServiceAccount {
                id: id.to_owned(),
                display_name: String::new(),
            }),
            marked,
            state: State::Live,
            holds: None,
        };
        let facts = Facts {
            project_number: "42".to_owned(),
            node_service_account: "nodes@p".to_owned(),
            ..Facts::default()
        };
        Ours::of(
            &super::super::tests::bridge(),
            &facts,
            &[account("gp-a", true), account("gp-theirs", false)],
        )
    }

    #[test]
    fn members_are_told_apart() {
        let (workload, team) = ("gpw-a", "gp-a");
        let [workload, team] = [workload, team].map(|id| GrantTarget::ServiceAccount(id.to_owned()));
        let pod = "serviceAccount:harbour.svc.id.goog[wine/reader]".to_owned();
        let (repository, project) = (GrantTarget::Repository("models".to_owned()), GrantTarget::Project);
        let table = [
            (&project, "roles/any", format!("principal:{POOL}/subject/s"), true),
            (&project, "roles/any", format!("principalSet:{POOL}/group/g"), true),
            (&project, "roles/any", format!("principal:{POOL}-2/subject/s"), false),
            (&project, "roles/any", "serviceAccount:gp-a@harbour.iam.gserviceaccount.com".to_owned(), true),
            (
                &project,
                "roles/any",
                "serviceAccount:gp-theirs@harbour.iam.gserviceaccount.com".to_owned(),
                false,
            ),
            (&project, "roles/any", "user:ada@example.org".to_owned(), false),
            (
                &project,
                "roles/any",
                "deleted:serviceAccount:gp-a@harbour.iam.gserviceaccount.com?uid=17".to_owned(),
                true,
            ),
            (
                &project,
                "roles/any",
                "deleted:serviceAccount:gp-theirs@harbour.iam.gserviceaccount.com?uid=17".to_owned(),
                false,
            ),
            (&repository, READER, "serviceAccount:nodes@p".to_owned(), true),
            (&repository, "roles/artifactregistry.writer", "serviceAccount:nodes@p".to_owned(), false),
            (&project, READER, "serviceAccount:nodes@p".to_owned(), false),
            (&workload, "roles/iam.workloadIdentityUser", pod.clone(), true),
            (&team, "roles/iam.workloadIdentityUser", pod, false),
        ];
        let ours = ours();
        for (target, role, member, wanted) in table {
            assert_eq!(ours.holds(target, role, &member), wanted, "{role} {member}");
        }
    }
}
