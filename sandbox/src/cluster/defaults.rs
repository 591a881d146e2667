//! Defaults that the API server fills in, as far as anything here or a client looks at them.

use serde_json::{Value, json};

use super::json::{list_mut, set, set_default, text};
use super::kinds::{self, Kind};
use super::quantity::canonical;

/// Fills in defaults. Applied to what is stored, never to what a manager owns.
pub(crate) fn fill(kind: &Kind, object: &mut Value) {
    if kind.is(&kinds::DEPLOYMENT) {
        deployment(object);
    } else if kind.is(&kinds::REPLICA_SET) {
        set_default(object, &["spec", "replicas"], json!(1));
        pod_template(object);
    } else if kind.is(&kinds::POD) {
        pod(object, "/spec");
    } else if kind.is(&kinds::SERVICE) {
        service(object);
    } else if kind.is(&kinds::NAMESPACE) {
        let name = text(object, "/metadata/name").to_owned();
        set(object, &["metadata", "labels", "kubernetes.io/metadata.name"], json!(name));
        set_default(object, &["spec", "finalizers"], json!(["kubernetes"]));
    } else if kind.is(&kinds::AUTOSCALER) {
        set_default(object, &["spec", "minReplicas"], json!(1));
    }
}

fn deployment(object: &mut Value) {
    set_default(object, &["spec", "replicas"], json!(1));
    set_default(object, &["spec", "revisionHistoryLimit"], json!(10));
    set_default(object, &["spec", "progressDeadlineSeconds"], json!(600));
    set_default(object, &["spec", "strategy", "type"], json!("RollingUpdate"));
    if text(object, "/spec/strategy/type") == "RollingUpdate" {
        set_default(object, &["spec", "strategy", "rollingUpdate", "maxSurge"], json!("25%"));
        set_default(object, &["spec", "strategy", "rollingUpdate", "maxUnavailable"], json!("25%"));
    }
    pod_template(object);
}

fn pod_template(object: &mut Value) {
    if object.pointer("/spec/template").is_some() {
        pod(object, "/spec/template/spec");
    }
}

fn pod(object: &mut Value, pointer: &str) {
    let Some(spec) = object.pointer_mut(pointer) else { return };
    set_default(spec, &["restartPolicy"], json!("Always"));
    set_default(spec, &["terminationGracePeriodSeconds"], json!(30));
    set_default(spec, &["dnsPolicy"], json!("ClusterFirst"));
    set_default(spec, &["schedulerName"], json!("default-scheduler"));
    set_default(spec, &["securityContext"], json!({}));
    list_mut(spec, "/containers").for_each(container);
}

fn container(container: &mut Value) {
    let policy = image_pull_policy(text(container, "/image"));
    set_default(container, &["imagePullPolicy"], json!(policy));
    set_default(container, &["terminationMessagePath"], json!("/dev/termination-log"));
    set_default(container, &["terminationMessagePolicy"], json!("File"));
    set_default(container, &["resources"], json!({}));
    list_mut(container, "/ports").for_each(|port| set_default(port, &["protocol"], json!("TCP")));
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(name) {
            self::probe(probe);
        }
    }
    for variable in list_mut(container, "/env") {
        if let Some(reference) = variable.pointer_mut("/valueFrom/fieldRef") {
            set_default(reference, &["apiVersion"], json!("v1"));
        }
    }
}

fn probe(probe: &mut Value) {
    for (field, value) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        set_default(probe, &[field], json!(value));
    }
    if let Some(get) = probe.get_mut("httpGet") {
        set_default(get, &["scheme"], json!("HTTP"));
        set_default(get, &["path"], json!("/"));
    }
}

fn image_pull_policy(image: &str) -> &'static str {
    let tag = image.rsplit('/').next().unwrap_or_default();
    let latest = tag.ends_with(":latest") || !tag.contains(':');
    if latest && !image.contains('@') { "Always" } else { "IfNotPresent" }
}

fn service(object: &mut Value) {
    set_default(object, &["spec", "type"], json!("ClusterIP"));
    set_default(object, &["spec", "sessionAffinity"], json!("None"));
    set_default(object, &["spec", "internalTrafficPolicy"], json!("Cluster"));
    set_default(object, &["spec", "ipFamilies"], json!(["IPv4"]));
    set_default(object, &["spec", "ipFamilyPolicy"], json!("SingleStack"));
    for port in list_mut(object, "/spec/ports") {
        set_default(port, &["protocol"], json!("TCP"));
        let number = port.get("port").cloned().unwrap_or(Value::Null);
        set_default(port, &["targetPort"], number);
    }
}

/// Quantities take their one form, numbers become texts, as the API server stores them.
pub(crate) fn normalize_quantities(kind: &Kind, object: &mut Value) {
    let texts = |map: Option<&mut Value>| {
        for value in map.and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut()) {
            if value.is_number() || value.is_string() {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                *value = json!(canonical(&text));
            }
        }
    };
    if kind.is(&kinds::RESOURCE_QUOTA) {
        texts(object.pointer_mut("/spec/hard"));
        return;
    }
    for pointer in ["/spec/containers", "/spec/template/spec/containers"] {
        for container in list_mut(object, pointer) {
            texts(container.pointer_mut("/resources/limits"));
            texts(container.pointer_mut("/resources/requests"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_policy_follows_the_tag() {
        let cases = [
            ("a/b", "Always"),
            ("a/b:latest", "Always"),
            ("host:5000/b", "Always"),
            ("a/b:1", "IfNotPresent"),
            ("a/b@sha256:00", "IfNotPresent"),
        ];
        for (image, expected) in cases {
            assert_eq!(image_pull_policy(image), expected, "{image}");
        }
    }

    #[test]
    fn what_is_given_stays() {
        let mut object = json!({ "spec": { "replicas": 0, "strategy": { "type": "Recreate" } } });
        fill(&kinds::DEPLOYMENT, &mut object);
        assert_eq!(object["spec"]["replicas"], 0);
        assert!(object.pointer("/spec/strategy/rollingUpdate").is_none());
        assert_eq!(object["spec"]["progressDeadlineSeconds"], 600);
    }
}
