//! The words of the API server's 403, with the half that GKE adds because IAM may allow as well.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Attributes, Decision, Reason};

/// The message of a 403, as Kubernetes writes it; on GKE it ends in the IAM permission that would also do.
pub fn forbidden_text(attributes: &Attributes, gke_permission: Option<&str>) -> String {
    let refusal = refusal(attributes);
    match gke_permission {
        Some(permission) => format!("{refusal}: requires one of [{}] permission(s).", quoted(permission)),
        None => refusal,
    }
}

/// What the API server adds to a 403 where bindings name roles that are not there, each role once; nothing without such.
pub fn missing_roles_text(decision: &Decision) -> Option<String> {
    let mut missing: Vec<String> = Vec::new();
    let mut once = BTreeSet::new();
    for reason in &decision.because {
        if let Reason::MissingRole(grant) = reason
            && once.insert((&grant.role_kind, &grant.role))
        {
            let kind = grant.role_kind.to_lowercase();
            missing.push(format!("{kind}.rbac.authorization.k8s.io {} not found", quoted(&grant.role)));
        }
    }
    match missing.as_slice() {
        [] => None,
        [only] => Some(format!("RBAC: {only}")),
        several => Some(format!("RBAC: [{}]", several.join(", "))),
    }
}

/// The name stands in front unescaped; what follows has HTML's own characters escaped.
/// Source: <https://pkg.go.dev/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters#ForbiddenStatusError>
fn refusal(attributes: &Attributes) -> String {
    let user = quoted(&attributes.user);
    let Attributes { verb, api_group, resource, .. } = attributes;
    if let Some(path) = &attributes.non_resource_url {
        return format!(
            "forbidden: {}",
            escaped(&format!("User {user} cannot {verb} path {}", quoted(path)))
        );
    }
    let qualified = if api_group.is_empty() { resource.clone() } else { format!("{resource}.{api_group}") };
    let object = match attributes.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => format!("{qualified} {}", quoted(name)),
        None => qualified,
    };
    let asked = match attributes.subresource.as_deref().filter(|name| !name.is_empty()) {
        Some(subresource) => quoted(&format!("{resource}/{subresource}")),
        None => quoted(resource),
    };
    let scope = match attributes.namespace.as_deref().filter(|name| !name.is_empty()) {
        Some(namespace) => format!("in the namespace {}", quoted(namespace)),
        None => "at the cluster scope".to_owned(),
    };
    let group = quoted(api_group);
    let what = format!("User {user} cannot {verb} resource {asked} in API group {group} {scope}");
    format!("{object} is forbidden: {}", escaped(&what))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A text in quotes as Go's `%q` writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{b}' => quoted.push_str("\\v"),
            '\u{c}' => quoted.push_str("\\f"),
            // Writing to a String cannot fail.
            '\0'..='\u{1f}' | '\u{7f}' => {
                let _written = write!(quoted, "\\x{:02x}", u32::from(character));
            }
            '\u{80}'..='\u{9f}' | '\u{feff}' => {
                let _written = write!(quoted, "\\u{:04x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
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
        ("eviction", _) => "evict",
        ("finalize", _) => "finalize",
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

/// The API groups that have a resource of this plural, as far as they are known here; `""` is the core group.
pub fn api_groups_of(resource: &str) -> Vec<&'static str> {
    NOUNS.iter().filter(|(_, plural, _)| *plural == resource).map(|(group, ..)| *group).collect()
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
