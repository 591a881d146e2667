//! The cluster's nodes pull what is shipped: their service account must read the repository, and on nodes with narrow
//! OAuth scopes the scopes must let it.

use std::collections::BTreeSet;

use trust::iam::{self, Policy};
use trust::principal::Caller as Principal;

use super::evidence::{Node, NodePool, Sight, unseen};
use super::{Ask, Evidence, Verdict, Way};
use crate::finding::{Confidence, Finding, cause};

const ROLE: &str = "roles/artifactregistry.reader";
const PERMISSION: &str = "artifactregistry.repositories.downloadArtifacts";

/// Scopes of which one is enough to pull: `docs.cloud.google.com/kubernetes-engine/docs/how-to/access-scopes`.
const SCOPES: [&str; 4] = [
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/devstorage.read_only",
    "https://www.googleapis.com/auth/devstorage.read_write",
    "https://www.googleapis.com/auth/devstorage.full_control",
];

pub(super) fn look(way: &Way<'_>, evidence: &Evidence) -> Verdict {
    let google = &way.bridge.google;
    let named = way.bridge.repository_of(way.team);
    let (project, location) = (google.project.clone(), google.location.clone());
    let Some(node) = &evidence.node else {
        let service_account = way.bridge.service_account_email(&way.team.name);
        return Verdict::Need(Ask::Node {
            project,
            location,
            cluster: google.cluster.clone(),
            service_account,
        });
    };
    let Some(policy) = &evidence.repository_policy else {
        let (location, repository) = (google.region().to_owned(), named.to_owned());
        return Verdict::Need(Ask::RepositoryPolicy { project, location, repository });
    };
    let Some(above) = &evidence.project_policy else { return Verdict::Need(Ask::ProjectPolicy { project }) };
    let Some(node) = node.seen() else {
        return Verdict::Unseen(unseen("who the nodes are", Some(node), "roles/container.clusterViewer"));
    };
    let narrow: Vec<&NodePool> = node.pools.iter().filter(|pool| is_narrow(pool)).collect();
    if !narrow.is_empty() {
        return Verdict::Broken(Box::new(scope_too_narrow(way, node, &narrow)));
    }
    let Some(policy) = policy.seen() else {
        return Verdict::Unseen(unseen(
            "the repository's policy",
            Some(policy),
            "roles/iam.securityReviewer",
        ));
    };
    let account = Principal::ServiceAccount(node.service_account.clone());
    let nothing = Policy::default();
    let layers = [(named, policy), (google.project.as_str(), above.seen().unwrap_or(&nothing))];
    let decision = iam::decide(&layers, &account, PERMISSION);
    if decision.allowed {
        return Verdict::Sound(format!("{} may read {named}", node.service_account));
    }
    if let Sight::Unseen { .. } | Sight::Refused(_) = above {
        let what = "a right that the nodes have on the project";
        return Verdict::Unseen(unseen(what, Some(above), "roles/iam.securityReviewer"));
    }
    Verdict::Broken(Box::new(
        may_not_pull(way, node, policy).confidence(super::caller::confidence(&decision)),
    ))
}

fn may_not_pull(way: &Way<'_>, node: &Node, policy: &Policy) -> Finding {
    let google = &way.bridge.google;
    let named = way.bridge.repository_of(way.team);
    let member = format!("serviceAccount:{}", node.service_account);
    let command = format!(
        "gcloud artifacts repositories add-iam-policy-binding {named} --project={} --location={} --role={ROLE} --member='{member}'",
        google.project,
        google.region()
    );
    Finding::new(
        "google/node-may-not-pull",
        cause::GRANT_MISSING,
        format!("the nodes of cluster `{}` may not pull from repository `{named}`", google.cluster),
    )
    .expected(member, "the bridge: the nodes pull what is shipped")
    .found(super::caller::members(policy, &[ROLE]), format!("members of {ROLE} on {named}"))
    .mend("give what the bridge declares", "gangplank apply")
    .mend("or give that one grant, on this repository alone", command)
    .advice("pods meanwhile say ImagePullBackOff, with 403 Forbidden; no image pull secret is needed")
}

fn is_narrow(pool: &NodePool) -> bool {
    !pool.scopes.iter().any(|scope| SCOPES.contains(&scope.as_str()))
}

/// Pods may land on any pool, so that one narrow pool is trouble; only pods that must keep away from it have none.
fn scope_too_narrow(way: &Way<'_>, node: &Node, narrow: &[&NodePool]) -> Finding {
    let google = &way.bridge.google;
    let scopes: BTreeSet<&str> = narrow.iter().flat_map(|pool| &pool.scopes).map(String::as_str).collect();
    let scopes: Vec<&str> = scopes.into_iter().collect();
    let names: Vec<&str> = narrow.iter().map(|pool| pool.name.as_str()).collect();
    let at =
        format!("--project={} --cluster={} --location={}", google.project, google.cluster, google.location);
    let create = format!(
        "gcloud container node-pools create wider {at} --service-account={} --scopes=cloud-platform",
        node.service_account
    );
    let delete = names.iter().map(|name| format!(" && gcloud container node-pools delete {name} {at}"));
    let all = narrow.len() == node.pools.len();
    Finding::new(
        "google/node-scope-too-narrow",
        cause::SCOPE,
        format!(
            "nodes of cluster `{}` get no token that may read images, whatever their role: pool `{}`",
            google.cluster,
            names.join("`, `")
        ),
    )
    .confidence(if all { Confidence::Certain } else { Confidence::Likely })
    .expected("cloud-platform, or at least devstorage.read_only", "what pulling takes")
    .found(scopes.join(", "), "the node pool's `oauthScopes`")
    .mend(
        "make a node pool with the scope, then delete the old one, which moves its pods: scopes of nodes cannot be changed",
        create + &delete.collect::<String>(),
    )
    .advice("the scope is no grant: what the nodes may do stays what their service account's roles say")
}
