//! What is configured as the cluster's project, location or name is not the cluster's.

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

const AUTH: &str = "/spec/provider/gcpsm/auth/workloadIdentity";

/// What a store says of the cluster, and where the cluster itself says it.
const PARTS: [(&str, &str); 2] = [("clusterName", "/name"), ("clusterLocation", "/location")];

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let store = case.objects(&["SecretStore", "ClusterSecretStore"]).find(|it| it.get(AUTH).is_some());
    let cluster = case.of(Kind::GkeCluster).next();
    if let (Some(store), Some(cluster)) = (store, cluster) {
        return PARTS
            .iter()
            .find_map(|(own, theirs)| {
                differs(store, &format!("{AUTH}/{own}"), cluster.text(theirs)?, cluster.origin(theirs))
            })
            .or_else(|| project(case, store, cluster));
    }
    let needle = "idbindtoken token, status: 404";
    if !case.says(&[needle]) {
        return None;
    }
    Some(
        finding("the cluster that is named")
            .expected("project, location and name of a GKE cluster, as `gcloud container clusters list` prints them", "GKE")
            .found("a cluster that is not found (404)", case.said_in(needle))
            .confidence(Confidence::Likely),
    )
}

fn differs(store: &Exhibit, pointer: &str, theirs: &str, origin: String) -> Option<Finding> {
    let own = store.text(pointer)?;
    (own != theirs).then(|| finding(own).expected(theirs, origin).found(own, store.origin(pointer)))
}

/// The project of the pool stands in the pool's name, and in the cluster's own link.
fn project(case: &Case<'_>, store: &Exhibit, cluster: &Exhibit) -> Option<Finding> {
    let pointers = [format!("{AUTH}/clusterProjectID"), "/spec/provider/gcpsm/projectID".to_owned()];
    let pointer = pointers.iter().find(|it| store.text(it).is_some())?;
    let link = cluster.text("/selfLink").and_then(|it| it.split_once("/projects/")?.1.split('/').next());
    let pool =
        cluster.text("/workloadIdentityConfig/workloadPool").and_then(|it| it.strip_suffix(".svc.id.goog"));
    let theirs = link.or(pool)?;
    let own = store.text(pointer)?;
    // Secrets may be kept in another project; only the same name in other letters is a mistake.
    let mistaken = own != theirs
        && (own.eq_ignore_ascii_case(theirs)
            || pointer.ends_with("clusterProjectID")
            || case.says(&["idbindtoken"]));
    mistaken.then(|| {
        finding(own)
            .expected(
                theirs,
                cluster.origin(if link.is_some() {
                    "/selfLink"
                } else {
                    "/workloadIdentityConfig/workloadPool"
                }),
            )
            .found(own, store.origin(pointer))
    })
}

fn finding(own: &str) -> Finding {
    Finding::new("kubernetes/cluster-name-differs", cause::RESOURCE_NAME, format!("`{own}` is not what the cluster is called"))
        .advice("set project id, location (a region for a regional cluster, a zone for a zonal one) and name exactly: capitals count")
        .mend("to see them", "gcloud container clusters list --format='table(name,location,selfLink)'")
}
