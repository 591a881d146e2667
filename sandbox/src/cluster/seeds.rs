//! What a fresh cluster holds: its namespaces, a service account for the team's pipeline, and the roles every cluster has.

use serde_json::{Value, json};

use super::State;
use super::kinds::{CLUSTER_ROLE, CLUSTER_ROLE_BINDING, Kind, NAMESPACE, SERVICE_ACCOUNT};
use super::objects::WriteOptions;
use super::status::Failure;

/// Namespaces; `clinic` is somebody's who lived here before us.
const NAMESPACES: &[&str] = &["default", "kube-system", "ci", "clinic"];

/// Puts them into an empty store.
pub(super) fn plant(state: &State) -> Result<(), Failure> {
    for name in NAMESPACES {
        create(state, &NAMESPACE, "", json!({ "metadata": { "name": name } }))?;
        create(state, &SERVICE_ACCOUNT, name, json!({ "metadata": { "name": "default" } }))?;
    }
    create(state, &SERVICE_ACCOUNT, "ci", json!({ "metadata": { "name": "oncology-ci" } }))?;
    for role in cluster_roles() {
        create(state, &CLUSTER_ROLE, "", role)?;
    }
    for (name, role, group) in [
        ("cluster-admin", "cluster-admin", "system:masters"),
        ("system:basic-user", "system:basic-user", "system:authenticated"),
        ("system:discovery", "system:discovery", "system:authenticated"),
    ] {
        create(state, &CLUSTER_ROLE_BINDING, "", binding(name, role, group))?;
    }
    Ok(())
}

fn create(state: &State, kind: &'static Kind, namespace: &str, object: Value) -> Result<(), Failure> {
    state.create(kind, namespace, object, &WriteOptions::by("kube-apiserver")).map(drop)
}

fn cluster_roles() -> Vec<Value> {
    let all = json!([
        { "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] },
        { "nonResourceURLs": ["*"], "verbs": ["*"] },
    ]);
    let reviews = json!([
        { "apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"], "verbs": ["create"] },
        { "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"] },
    ]);
    let discovery =
        json!([{ "nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/version"], "verbs": ["get"] }]);
    [("cluster-admin", all), ("system:basic-user", reviews), ("system:discovery", discovery)]
        .into_iter()
        .map(|(name, rules)| {
            let labels = json!({ "kubernetes.io/bootstrapping": "rbac-defaults" });
            json!({ "metadata": { "name": name, "labels": labels }, "rules": rules })
        })
        .collect()
}

fn binding(name: &str, role: &str, group: &str) -> Value {
    json!({
        "metadata": { "name": name, "labels": { "kubernetes.io/bootstrapping": "rbac-defaults" } },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group }],
    })
}
