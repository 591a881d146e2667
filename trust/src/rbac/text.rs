//! The words of the API server's 403, with the half that GKE adds because IAM may allow as well.

use super::Attributes;

/// The message of a 403, as Kubernetes writes it; on GKE it ends in the IAM permission that would also do.
pub fn forbidden_text(attributes: &Attributes, gke_permission: Option<&str>) -> String {
    let refusal = match &attributes.non_resource_url {
        Some(path) => {
            format!("forbidden: User {:?} cannot {} path {path:?}", attributes.user, attributes.verb)
        }
        None => resource_text(attributes),
    };
    match gke_permission {
        Some(permission) => format!("{refusal}: requires one of [{permission:?}] permission(s)."),
        None => refusal,
    }
}

fn resource_text(attributes: &Attributes) -> String {
    let Attributes { user, verb, api_group, resource, .. } = attributes;
    let qualified = if api_group.is_empty() { resource.clone() } else { format!("{resource}.{api_group}") };
    let object = match attributes.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{qualified} {name:?}"),
        None => qualified,
    };
    let asked = match attributes.subresource.as_deref().filter(|name| !name.is_empty()) {
        Some(subresource) => format!("{resource}/{subresource}"),
        None => resource.clone(),
    };
    let scope = match attributes.namespace.as_deref().filter(|name| !name.is_empty()) {
        Some(namespace) => format!("in the namespace {namespace:?}"),
        None => "at the cluster scope".to_owned(),
    };
    format!(
        "{object} is forbidden: User {user:?} cannot {verb} resource {asked:?} in API group {api_group:?} {scope}"
    )
}

/// The IAM permission by which GKE would also allow it: `container.deployments.create`. None for paths that are no resource.
pub fn gke_permission(attributes: &Attributes) -> Option<String> {
    if attributes.non_resource_url.is_some() {
        return None;
    }
    let noun = noun(&attributes.api_group, &attributes.resource);
    let verb = match (attributes.subresource.as_deref().unwrap_or_default(), attributes.verb.as_str()) {
        ("log", _) => "getLogs",
        ("exec", _) => "exec",
        ("attach", _) => "attach",
        ("portforward", _) => "portForward",
        ("proxy", _) => "proxy",
        ("token", _) => "createToken",
        ("status", "get") => "getStatus",
        ("status", _) => "updateStatus",
        ("scale", "get") => "getScale",
        ("scale", _) => "updateScale",
        (_, "patch" | "update") => "update",
        // GKE has no permission for watching of its own: whoever may list may watch.
        (_, "list" | "watch") => "list",
        (_, "delete" | "deletecollection") => "delete",
        (_, other) => other,
    };
    Some(format!("container.{noun}.{verb}"))
}

/// Resource names in GKE's permissions keep the capitals of the kind; foreign groups are third-party objects.
fn noun(api_group: &str, resource: &str) -> &'static str {
    let known = NOUNS.iter().find(|(group, plural, _)| *group == api_group && *plural == resource);
    known.map_or("thirdPartyObjects", |(_, _, noun)| noun)
}

const NOUNS: [(&str, &str, &str); 31] = [
    ("", "configmaps", "configMaps"),
    ("", "endpoints", "endpoints"),
    ("", "events", "events"),
    ("events.k8s.io", "events", "events"),
    ("", "limitranges", "limitRanges"),
    ("", "namespaces", "namespaces"),
    ("", "nodes", "nodes"),
    ("", "persistentvolumeclaims", "persistentVolumeClaims"),
    ("", "persistentvolumes", "persistentVolumes"),
    ("", "pods", "pods"),
    ("", "replicationcontrollers", "replicationControllers"),
    ("", "resourcequotas", "resourceQuotas"),
    ("", "secrets", "secrets"),
    ("", "serviceaccounts", "serviceAccounts"),
    ("", "services", "services"),
    ("apps", "daemonsets", "daemonSets"),
    ("apps", "deployments", "deployments"),
    ("apps", "replicasets", "replicaSets"),
    ("apps", "statefulsets", "statefulSets"),
    ("autoscaling", "horizontalpodautoscalers", "horizontalPodAutoscalers"),
    ("batch", "cronjobs", "cronJobs"),
    ("batch", "jobs", "jobs"),
    ("coordination.k8s.io", "leases", "leases"),
    ("discovery.k8s.io", "endpointslices", "endpointSlices"),
    ("networking.k8s.io", "ingresses", "ingresses"),
    ("networking.k8s.io", "networkpolicies", "networkPolicies"),
    ("policy", "poddisruptionbudgets", "podDisruptionBudgets"),
    ("rbac.authorization.k8s.io", "clusterrolebindings", "clusterRoleBindings"),
    ("rbac.authorization.k8s.io", "clusterroles", "clusterRoles"),
    ("rbac.authorization.k8s.io", "rolebindings", "roleBindings"),
    ("rbac.authorization.k8s.io", "roles", "roles"),
];
