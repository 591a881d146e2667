//! A client counts on GKE's metadata server, and runs where there is none.

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let outside = outside(case);
    let asks = case.says(&[
        "computemetadata",
        "metadata.google.internal",
        "identitybindingtoken",
        "idbindtoken",
        "169.254.169.254",
    ]);
    let store = case
        .objects(&["SecretStore", "ClusterSecretStore"])
        .find(|it| it.get("/spec/provider/gcpsm/auth/workloadIdentity").is_some());
    let (elsewhere, origin) = match outside {
        Some(found) => found,
        // A host that does not answer is no metadata server; GKE's answers at once, whatever it says.
        None if case.says(&["computemetadata"])
            && case.says(&["deadline exceeded", "no such host", "no route to host"])
            && !on_gke(case) =>
        {
            ("an address that does not answer".to_owned(), case.said_in("computemetadata"))
        }
        None => return None,
    };
    if !asks && store.is_none() {
        return None;
    }
    let (asked, place) = store.map_or_else(
        || ("GKE's metadata server".to_owned(), case.talk()),
        |it| {
            (
                "auth.workloadIdentity, which asks GKE's metadata server".to_owned(),
                it.origin("/spec/provider/gcpsm/auth/workloadIdentity"),
            )
        },
    );
    let sure = origin.contains('`');
    Some(
        Finding::new("client/metadata-server-elsewhere", cause::CREDENTIAL_SOURCE, "the client asks GKE's metadata server for a token, and runs where there is none")
            .expected(format!("a cluster of GKE, for {asked}"), place)
            .found(elsewhere, origin)
            .confidence(if sure { Confidence::Certain } else { Confidence::Likely })
            .advice("outside GKE, let the cluster's own issuer be trusted by a workload identity provider, and give the client an `external_account` file with a projected token (`gangplank export cred-config`)"),
    )
}

/// What shows that this is no GKE: its nodes, or what was told of it.
fn outside(case: &Case<'_>) -> Option<(String, String)> {
    let node = case.objects(&["Node"]).find(|it| !is_gke_node(it));
    if let Some(node) = node {
        let id = node.text("/spec/providerID").unwrap_or("no providerID").to_owned();
        return Some((id, node.origin("/spec/providerID")));
    }
    let aks = case.of(Kind::AksCluster).next().map(|it| ("an AKS cluster".to_owned(), it.origin("/name")));
    aks.or_else(|| {
        let (platform, origin) = case.fact("platform")?;
        let gke = ["gke", "google", "gce"].iter().any(|it| platform.to_lowercase().contains(it));
        (!gke).then(|| (platform.to_owned(), origin))
    })
}

fn is_gke_node(node: &Exhibit) -> bool {
    let labels = node.get("/metadata/labels").and_then(serde_json::Value::as_object);
    node.text("/spec/providerID").is_some_and(|it| it.starts_with("gce://"))
        || labels.is_some_and(|all| all.keys().any(|it| it.starts_with("cloud.google.com/gke")))
}

fn on_gke(case: &Case<'_>) -> bool {
    case.of(Kind::GkeCluster).next().is_some() || case.objects(&["Node"]).any(is_gke_node)
}
