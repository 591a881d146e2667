//! Kinds of objects and where the API server keeps them.

use bridge::port::{ObjectKey, ObjectKind};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};

/// Kinds that set-up and shipping make: looked through for our mark.
pub(super) const OURS: [(&str, &str); 11] = [
    ("v1", "Namespace"),
    ("v1", "ResourceQuota"),
    ("v1", "ServiceAccount"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("apps/v1", "Deployment"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
];

/// Further kinds that people put into a namespace: looked through before it is taken away. Not Secrets: whoever takes
/// a namespace away needs no right to read them, and one that matters is used by something listed here.
pub(super) const OTHERS: [(&str, &str); 7] = [
    ("v1", "Pod"),
    ("v1", "PersistentVolumeClaim"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("networking.k8s.io/v1", "Ingress"),
];

pub(super) fn kind(api_version: &str, kind: &str) -> ObjectKind {
    ObjectKind { api_version: api_version.to_owned(), kind: kind.to_owned() }
}

/// What names an object, or `None` if it has no kind or no name.
pub(super) fn key_of(object: &Value) -> Option<ObjectKey> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    Some(ObjectKey {
        kind: ObjectKind { api_version: text("/apiVersion")?, kind: text("/kind")? },
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name")?,
    })
}

/// The path of one object.
pub(super) fn path(key: &ObjectKey) -> String {
    format!("{}/{}", list_path(&key.kind, key.namespace.as_deref()), key.name)
}

/// The path of all objects of one kind, in one namespace or everywhere.
pub(super) fn list_path(kind: &ObjectKind, namespace: Option<&str>) -> String {
    let (group, version) = kind.api_version.rsplit_once('/').unwrap_or(("", &kind.api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind.kind));
    let root = if group.is_empty() { "/api".to_owned() } else { format!("/apis/{group}") };
    let namespace = namespace.map(|namespace| format!("/namespaces/{namespace}")).unwrap_or_default();
    format!("{root}/{version}{namespace}/{}", resource.plural)
}

/// Objects in lists do not say what they are.
pub(super) fn name_kind(object: &mut Value, kind: &ObjectKind) {
    if let Value::Object(fields) = object {
        fields.entry("apiVersion").or_insert_with(|| json!(kind.api_version));
        fields.entry("kind").or_insert_with(|| json!(kind.kind));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_path() {
        let table = [
            ("v1", "Namespace", None, "/api/v1/namespaces/n"),
            ("v1", "Service", Some("team"), "/api/v1/namespaces/team/services/n"),
            ("apps/v1", "Deployment", Some("team"), "/apis/apps/v1/namespaces/team/deployments/n"),
            (
                "networking.k8s.io/v1",
                "NetworkPolicy",
                Some("team"),
                "/apis/networking.k8s.io/v1/namespaces/team/networkpolicies/n",
            ),
            ("networking.k8s.io/v1", "Ingress", None, "/apis/networking.k8s.io/v1/ingresses/n"),
            (
                "autoscaling/v2",
                "HorizontalPodAutoscaler",
                Some("t"),
                "/apis/autoscaling/v2/namespaces/t/horizontalpodautoscalers/n",
            ),
        ];
        for (api_version, name, namespace, expected) in table {
            let key = ObjectKey {
                kind: kind(api_version, name),
                namespace: namespace.map(str::to_owned),
                name: "n".to_owned(),
            };
            assert_eq!(path(&key), expected);
        }
    }

    #[test]
    fn objects_of_a_list_learn_what_they_are() {
        let mut object = json!({"metadata": {"name": "n"}});
        name_kind(&mut object, &kind("v1", "Pod"));
        assert_eq!(key_of(&object).unwrap().kind, kind("v1", "Pod"));
    }
}
