//! Wishes in the cluster: one namespace a team, fenced in.

use serde_json::{Value, json};

use crate::convention::DEPLOYER;
use crate::resource::{KubernetesObject, Resource};
use crate::spec::{Bridge, Quota, Team};

/// API group, resources, verbs: what `ship` does in a namespace, and no more. No secrets, no `exec`, no pods of its
/// own making, no RBAC. Foremost, nothing outside the namespace.
const DEPLOYER_RULES: [(&str, &[&str], &[&str]); 8] = [
    ("apps", &["deployments"], &["get", "list", "watch", "create", "patch"]),
    ("", &["services", "configmaps", "serviceaccounts"], &["get", "list", "watch", "create", "patch"]),
    // These come and go with what a service asks for: a single pod has no budget, a fixed number no autoscaler.
    ("autoscaling", &["horizontalpodautoscalers"], &["get", "list", "watch", "create", "patch", "delete"]),
    ("policy", &["poddisruptionbudgets"], &["get", "list", "watch", "create", "patch", "delete"]),
    ("networking.k8s.io", &["networkpolicies"], &["get", "list", "watch", "create", "patch"]),
    // Why a rollout waits is told by its pods.
    ("apps", &["replicasets"], &["get", "list"]),
    ("", &["pods", "pods/log", "events"], &["get", "list"]),
    // The first score of a new version goes through the API server.
    ("", &["services/proxy"], &["get", "create"]),
];

pub(super) fn wanted(bridge: &Bridge, team: &Team) -> Vec<Resource> {
    let mut objects = vec![
        namespace(bridge, team),
        role(bridge, team),
        role_binding(bridge, team),
        default_deny(bridge, team),
        callers(bridge, team),
    ];
    objects.extend(team.quota.as_ref().map(|quota| resource_quota(bridge, team, quota)));
    objects.into_iter().map(|object| Resource::Kubernetes(KubernetesObject { object })).collect()
}

fn namespace(bridge: &Bridge, team: &Team) -> Value {
    let mut labels = bridge.team_labels(team);
    for mode in ["enforce", "warn"] {
        labels.insert(format!("pod-security.kubernetes.io/{mode}"), "restricted".to_owned());
    }
    json!({
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": { "name": team.namespace, "labels": labels },
    })
}

fn role(bridge: &Bridge, team: &Team) -> Value {
    let rules = DEPLOYER_RULES.map(
        |(group, resources, verbs)| json!({ "apiGroups": [group], "resources": resources, "verbs": verbs }),
    );
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": metadata(bridge, team, DEPLOYER),
        "rules": rules,
    })
}

/// Binds the role to the team's Google service account. To the cluster it is a User of that e-mail address; a
/// federated caller has no ServiceAccount there.
fn role_binding(bridge: &Bridge, team: &Team) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata(bridge, team, DEPLOYER),
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": DEPLOYER },
        "subjects": [{
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "User",
            "name": bridge.service_account_email(&team.name),
        }],
    })
}

fn resource_quota(bridge: &Bridge, team: &Team, quota: &Quota) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": metadata(bridge, team, "gangplank"),
        "spec": { "hard": {
            "requests.cpu": quota.cpu,
            "requests.memory": quota.memory,
            "pods": quota.pods.to_string(),
        } },
    })
}

/// Lets nobody in. `ingress` is declared although empty, so that an opening made by hand is drift.
fn default_deny(bridge: &Bridge, team: &Team) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(bridge, team, "gangplank-default-deny"),
        "spec": { "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [] },
    })
}

/// Lets the team itself in, the declared callers, and the API server's tunnel, which carries `services/proxy`.
fn callers(bridge: &Bridge, team: &Team) -> Value {
    let mut from = vec![
        json!({ "podSelector": {} }),
        json!({
            "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
            "podSelector": { "matchLabels": { "k8s-app": "konnectivity-agent" } },
        }),
    ];
    from.extend(team.callers.iter().map(|namespace| {
        json!({ "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } } })
    }));
    json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(bridge, team, "gangplank-callers"),
        "spec": { "podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{ "from": from }] },
    })
}

fn metadata(bridge: &Bridge, team: &Team, name: &str) -> Value {
    json!({ "name": name, "namespace": team.namespace, "labels": bridge.team_labels(team) })
}
