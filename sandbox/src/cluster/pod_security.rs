//! Pod security admission: what the level `restricted` asks of a pod, where the namespace's label enforces it.

use serde_json::Value;

use super::json::{list, text, truth};

/// The label by which a namespace enforces a level.
pub(crate) const LABEL: &str = "pod-security.kubernetes.io/enforce";

/// Why a pod with this specification is refused at level `restricted`, in Kubernetes' words.
pub(crate) fn violations(spec: &Value) -> Option<String> {
    let checks =
        [privileges(spec), capabilities(spec), non_root(spec), seccomp(spec), host(spec), volumes(spec)];
    let found: Vec<String> = checks.into_iter().flatten().collect();
    (!found.is_empty()).then(|| format!("violates PodSecurity \"restricted:latest\": {}", found.join(", ")))
}

fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    list(spec, "/initContainers").iter().chain(list(spec, "/containers"))
}

/// `container "a"` or `containers "a", "b"`.
fn named(guilty: &[&Value]) -> Option<String> {
    let names: Vec<String> =
        guilty.iter().map(|container| format!("\"{}\"", text(container, "/name"))).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("container {one}")),
        many => Some(format!("containers {}", many.join(", "))),
    }
}

fn privileges(spec: &Value) -> Option<String> {
    let denied = |container: &&Value| {
        container.pointer("/securityContext/allowPrivilegeEscalation") != Some(&Value::Bool(false))
            || truth(container, "/securityContext/privileged")
    };
    let guilty: Vec<&Value> = containers(spec).filter(denied).collect();
    let who = named(&guilty)?;
    Some(format!(
        "allowPrivilegeEscalation != false ({who} must set securityContext.allowPrivilegeEscalation=false)"
    ))
}

fn capabilities(spec: &Value) -> Option<String> {
    let fine = |container: &Value| {
        let drops_all = list(container, "/securityContext/capabilities/drop").iter().any(|one| one == "ALL");
        let added = list(container, "/securityContext/capabilities/add");
        drops_all && added.iter().all(|one| one == "NET_BIND_SERVICE")
    };
    let guilty: Vec<&Value> = containers(spec).filter(|container| !fine(container)).collect();
    let who = named(&guilty)?;
    Some(format!("unrestricted capabilities ({who} must set securityContext.capabilities.drop=[\"ALL\"])"))
}

fn non_root(spec: &Value) -> Option<String> {
    let pod = truth(spec, "/securityContext/runAsNonRoot");
    let fine =
        |container: &Value| match container.pointer("/securityContext/runAsNonRoot").and_then(Value::as_bool)
        {
            Some(own) => own,
            None => pod,
        };
    let guilty: Vec<&Value> = containers(spec).filter(|container| !fine(container)).collect();
    let who = named(&guilty)?;
    Some(format!("runAsNonRoot != true (pod or {who} must set securityContext.runAsNonRoot=true)"))
}

fn seccomp(spec: &Value) -> Option<String> {
    let good = |kind: &str| matches!(kind, "RuntimeDefault" | "Localhost");
    let pod = good(text(spec, "/securityContext/seccompProfile/type"));
    let fine = |container: &Value| match text(container, "/securityContext/seccompProfile/type") {
        "" => pod,
        own => good(own),
    };
    let guilty: Vec<&Value> = containers(spec).filter(|container| !fine(container)).collect();
    let who = named(&guilty)?;
    Some(format!(
        "seccompProfile (pod or {who} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
    ))
}

fn host(spec: &Value) -> Option<String> {
    let set: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|field| truth(spec, &format!("/{field}")))
        .map(|field| format!("{field}=true"))
        .collect();
    (!set.is_empty()).then(|| format!("host namespaces ({})", set.join(", ")))
}

fn volumes(spec: &Value) -> Option<String> {
    const ALLOWED: &[&str] = &[
        "name",
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    ];
    let restricted = |volume: &&Value| {
        volume.as_object().is_some_and(|map| map.keys().any(|field| !ALLOWED.contains(&field.as_str())))
    };
    let guilty: Vec<String> = list(spec, "/volumes")
        .iter()
        .filter(restricted)
        .map(|volume| format!("volume \"{}\"", text(volume, "/name")))
        .collect();
    (!guilty.is_empty())
        .then(|| format!("restricted volume types ({} uses a restricted volume type)", guilty.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn restricted() -> Value {
        json!({ "securityContext": { "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } },
            "containers": [{ "name": "c", "securityContext": {
                "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } } }] })
    }

    #[test]
    fn a_restricted_pod_passes_and_every_gap_is_named() {
        assert_eq!(violations(&restricted()), None);
        let bare = violations(&json!({ "containers": [{ "name": "c" }] })).unwrap();
        assert_eq!(
            bare,
            "violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"c\" must set \
             securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"c\" must set \
             securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"c\" must set \
             securityContext.runAsNonRoot=true), seccompProfile (pod or container \"c\" must set \
             securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")"
        );
    }

    #[test]
    fn a_container_can_undo_the_pods_settings() {
        let mut spec = restricted();
        spec["containers"][0]["securityContext"]["runAsNonRoot"] = json!(false);
        assert!(violations(&spec).unwrap().contains("runAsNonRoot != true"));
    }
}
