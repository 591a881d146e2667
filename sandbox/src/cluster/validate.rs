//! Validation in Kubernetes' words, of the rules that our users meet: names, selectors, images, ports, quantities,
//! immutable fields.

use serde_json::{Value, json};

use super::json::{entries, list, number, text};
use super::kinds::{self, Kind};
use super::quantity;
use super::selectors::label_selector_matches;
use super::status::{Cause, Failure};

const LABEL_RULE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN_RULE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const SERVICE_RULE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const LABEL_VALUE_RULE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// Every fault of `object`; `before` is its stored form on an update.
pub(crate) fn check(kind: &Kind, object: &Value, before: Option<&Value>) -> Result<(), Failure> {
    let mut faults = Vec::new();
    name(kind, object, &mut faults);
    labels(object, &mut faults);
    if kind.is(&kinds::DEPLOYMENT) || kind.is(&kinds::REPLICA_SET) {
        workload(object, &mut faults);
    } else if kind.is(&kinds::POD) {
        pod(object, "spec", &mut faults);
    } else if kind.is(&kinds::SERVICE) {
        service(object, &mut faults);
    } else if kind.is(&kinds::RESOURCE_QUOTA) {
        quantities(object, "/spec/hard", "spec.hard", &mut faults);
    } else if kind.is(&kinds::AUTOSCALER) {
        autoscaler(object, &mut faults);
    }
    if let Some(before) = before {
        immutable(kind, object, before, &mut faults);
    }
    if faults.is_empty() {
        Ok(())
    } else {
        Err(Failure::invalid(kind, text(object, "/metadata/name"), &faults))
    }
}

fn name(kind: &Kind, object: &Value, faults: &mut Vec<Cause>) {
    let name = text(object, "/metadata/name");
    if name.is_empty() {
        faults.push(Cause::required("metadata.name", "name or generateName is required"));
        return;
    }
    let (fine, longest, rule) = if kind.is(&kinds::NAMESPACE) {
        (is_label(name), 63, LABEL_RULE)
    } else if kind.is(&kinds::SERVICE) {
        (is_label(name) && name.starts_with(|first: char| first.is_ascii_lowercase()), 63, SERVICE_RULE)
    } else if kind.group == kinds::ROLE.group {
        let path_like = name != "." && name != ".." && !name.contains(['/', '%']);
        (path_like, 253, "a valid path segment name may not contain '/' or '%'")
    } else {
        (name.split('.').all(is_label), 253, SUBDOMAIN_RULE)
    };
    if !fine {
        faults.push(Cause::invalid("metadata.name", &json!(name), rule));
    }
    if name.len() > longest {
        faults.push(Cause::invalid(
            "metadata.name",
            &json!(name),
            &format!("must be no more than {longest} characters"),
        ));
    }
}

fn is_label(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inside) && !text.starts_with('-') && !text.ends_with('-')
}

fn labels(object: &Value, faults: &mut Vec<Cause>) {
    for (key, value) in entries(object, "/metadata/labels") {
        let value = value.as_str().unwrap_or_default();
        let name = key.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || name.len() > 63 || !is_label_value(name) {
            let rule = LABEL_VALUE_RULE.replace("a valid label must be an empty string or", "name part must");
            faults.push(Cause::invalid("metadata.labels", &json!(key), &rule));
        }
        if value.len() > 63 {
            faults.push(Cause::invalid(
                "metadata.labels",
                &json!(value),
                "must be no more than 63 characters",
            ));
        } else if !is_label_value(value) {
            faults.push(Cause::invalid("metadata.labels", &json!(value), LABEL_VALUE_RULE));
        }
    }
}

fn is_label_value(text: &str) -> bool {
    let edge = |character: char| character.is_ascii_alphanumeric();
    let inside = |character: char| edge(character) || "-_.".contains(character);
    text.is_empty() || (text.starts_with(edge) && text.ends_with(edge) && text.chars().all(inside))
}

fn workload(object: &Value, faults: &mut Vec<Cause>) {
    let selector = object.pointer("/spec/selector").unwrap_or(&Value::Null);
    let labels = object.pointer("/spec/template/metadata/labels").unwrap_or(&Value::Null);
    let empty =
        entries(selector, "/matchLabels").next().is_none() && list(selector, "/matchExpressions").is_empty();
    if selector.is_null() {
        faults.push(Cause::required("spec.selector", ""));
    } else if empty {
        faults.push(Cause::invalid("spec.selector", selector, "empty selector is invalid for deployment"));
    } else if !label_selector_matches(selector, labels) {
        let why = "`selector` does not match template `labels`";
        faults.push(Cause::invalid("spec.template.metadata.labels", labels, why));
    }
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"] {
        not_negative(object, "/spec", "spec", field, faults);
    }
    rolling_update(object, faults);
    pod(object, "spec.template.spec", faults);
}

fn rolling_update(object: &Value, faults: &mut Vec<Cause>) {
    let zero = |field: &str| {
        let value = object.pointer(&format!("/spec/strategy/rollingUpdate/{field}"));
        value.is_some_and(|value| value == 0 || value == "0%" || value == "0")
    };
    if zero("maxSurge") && zero("maxUnavailable") {
        let why = "may not be 0 when `maxSurge` is 0";
        faults.push(Cause::invalid("spec.strategy.rollingUpdate.maxUnavailable", &json!(0), why));
    }
}

fn not_negative(object: &Value, pointer: &str, path: &str, field: &str, faults: &mut Vec<Cause>) {
    if let Some(value) = number(object, &format!("{pointer}/{field}")).filter(|value| *value < 0) {
        let why = "must be greater than or equal to 0";
        faults.push(Cause::invalid(format!("{path}.{field}"), &json!(value), why));
    }
}

fn pod(object: &Value, path: &str, faults: &mut Vec<Cause>) {
    let pointer = format!("/{}", path.replace('.', "/"));
    let containers = list(object, &format!("{pointer}/containers"));
    if containers.is_empty() {
        faults.push(Cause::required(format!("{path}.containers"), ""));
    }
    let volumes: Vec<&str> =
        list(object, &format!("{pointer}/volumes")).iter().map(|volume| text(volume, "/name")).collect();
    for (at, one) in containers.iter().enumerate() {
        container(one, &format!("{path}.containers[{at}]"), faults);
        for (mount_at, mount) in list(one, "/volumeMounts").iter().enumerate() {
            let name = text(mount, "/name");
            if !volumes.contains(&name) {
                faults.push(Cause {
                    reason: "FieldValueNotFound",
                    message: format!("Not found: \"{name}\""),
                    field: format!("{path}.containers[{at}].volumeMounts[{mount_at}].name"),
                });
            }
        }
    }
    let names: Vec<&str> = containers.iter().map(|container| text(container, "/name")).collect();
    for (at, name) in names.iter().enumerate() {
        if names.iter().take(at).any(|earlier| earlier == name) {
            faults.push(Cause::duplicate(format!("{path}.containers[{at}].name"), &json!(name)));
        }
    }
}

fn container(container: &Value, path: &str, faults: &mut Vec<Cause>) {
    let name = text(container, "/name");
    if name.is_empty() {
        faults.push(Cause::required(format!("{path}.name"), ""));
    } else if !is_label(name) {
        faults.push(Cause::invalid(format!("{path}.name"), &json!(name), LABEL_RULE));
    }
    if text(container, "/image").is_empty() {
        faults.push(Cause::required(format!("{path}.image"), ""));
    }
    for (at, port) in list(container, "/ports").iter().enumerate() {
        port_number(port, "containerPort", &format!("{path}.ports[{at}]"), faults);
    }
    for (at, variable) in list(container, "/env").iter().enumerate() {
        if text(variable, "/name").is_empty() {
            faults.push(Cause::required(format!("{path}.env[{at}].name"), ""));
        }
    }
    for which in ["limits", "requests"] {
        quantities(container, &format!("/resources/{which}"), &format!("{path}.resources.{which}"), faults);
    }
    requests_within_limits(container, path, faults);
}

fn requests_within_limits(container: &Value, path: &str, faults: &mut Vec<Cause>) {
    for (name, request) in entries(container, "/resources/requests") {
        let limit = text(container, &format!("/resources/limits/{name}"));
        let asked = request.as_str().unwrap_or_default();
        if let (Some(most), Some(wanted)) = (quantity::thousandths(limit), quantity::thousandths(asked))
            && wanted > most
        {
            let why = format!("must be less than or equal to {name} limit of {limit}");
            faults.push(Cause::invalid(format!("{path}.resources.requests"), request, &why));
        }
    }
}

fn quantities(object: &Value, pointer: &str, path: &str, faults: &mut Vec<Cause>) {
    for (name, value) in entries(object, pointer) {
        match quantity::thousandths(value.as_str().unwrap_or_default()) {
            None => faults.push(Cause::invalid(format!("{path}[{name}]"), value, quantity::MALFORMED)),
            Some(negative) if negative < 0 => {
                let why = "must be greater than or equal to 0";
                faults.push(Cause::invalid(format!("{path}[{name}]"), value, why));
            }
            Some(_) => {}
        }
    }
}

fn port_number(port: &Value, field: &str, path: &str, faults: &mut Vec<Cause>) {
    match number(port, &format!("/{field}")) {
        None => faults.push(Cause::required(format!("{path}.{field}"), "")),
        Some(value) if !(1..=65535).contains(&value) => {
            let why = "must be between 1 and 65535, inclusive";
            faults.push(Cause::invalid(format!("{path}.{field}"), &json!(value), why));
        }
        Some(_) => {}
    }
}

fn service(object: &Value, faults: &mut Vec<Cause>) {
    let kinds = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    let kind = text(object, "/spec/type");
    if !kinds.contains(&kind) {
        faults.push(Cause::unsupported("spec.type", &json!(kind), &kinds));
    }
    let ports = list(object, "/spec/ports");
    if ports.is_empty() && text(object, "/spec/clusterIP") != "None" && kind != "ExternalName" {
        faults.push(Cause::required("spec.ports", ""));
    }
    for (at, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{at}]");
        port_number(port, "port", &path, faults);
        if ports.len() > 1 && text(port, "/name").is_empty() {
            faults.push(Cause::required(format!("{path}.name"), ""));
        }
    }
}

fn autoscaler(object: &Value, faults: &mut Vec<Cause>) {
    let most = number(object, "/spec/maxReplicas").unwrap_or_default();
    let least = number(object, "/spec/minReplicas").unwrap_or(1);
    if most < 1 {
        faults.push(Cause::invalid("spec.maxReplicas", &json!(most), "must be greater than 0"));
    }
    if most < least {
        let why = "must be greater than or equal to `minReplicas`";
        faults.push(Cause::invalid("spec.maxReplicas", &json!(most), why));
    }
}

fn immutable(kind: &Kind, object: &Value, before: &Value, faults: &mut Vec<Cause>) {
    let fields: &[&str] =
        if kind.is(&kinds::DEPLOYMENT) || kind.is(&kinds::REPLICA_SET) { &["/spec/selector"] } else { &[] };
    for pointer in fields {
        let (old, new) = (before.pointer(pointer), object.pointer(pointer));
        if old != new {
            let path = pointer.trim_start_matches('/').replace('/', ".");
            faults.push(Cause::invalid(path, new.unwrap_or(&Value::Null), "field is immutable"));
        }
    }
    if kind.is(&kinds::ROLE_BINDING) || kind.is(&kinds::CLUSTER_ROLE_BINDING) {
        let role = object.pointer("/roleRef").unwrap_or(&Value::Null);
        if before.pointer("/roleRef") != Some(role) {
            faults.push(Cause::invalid("roleRef", role, "cannot change roleRef"));
        }
    }
    if kind.is(&kinds::SERVICE) {
        let (old, new) = (text(before, "/spec/clusterIP"), text(object, "/spec/clusterIP"));
        if !old.is_empty() && old != new {
            let value = json!([new]);
            faults.push(Cause::invalid("spec.clusterIPs[0]", &value, "may not change once set"));
        }
    }
    if kind.is(&kinds::CONFIG_MAP) && super::json::truth(before, "/immutable") {
        let same =
            ["/data", "/binaryData"].iter().all(|pointer| before.pointer(pointer) == object.pointer(pointer));
        if !same {
            faults.push(Cause {
                reason: "FieldValueForbidden",
                message: "Forbidden: field is immutable when `immutable` is set".to_owned(),
                field: "data".to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(kind: &Kind, object: &Value) -> String {
        check(kind, object, None).err().map_or_else(|| "fine".to_owned(), |failure| failure.message)
    }

    fn deployment(labels: &Value, image: &str) -> Value {
        json!({ "metadata": { "name": "x" }, "spec": {
            "selector": { "matchLabels": { "app": "x" } },
            "template": { "metadata": { "labels": labels },
                          "spec": { "containers": [{ "name": "c", "image": image }] } } } })
    }

    #[test]
    fn faults_are_worded_as_kubernetes_does() {
        let sound = deployment(&json!({ "app": "x" }), "i");
        assert_eq!(refusal(&kinds::DEPLOYMENT, &sound), "fine");
        assert_eq!(
            refusal(&kinds::DEPLOYMENT, &deployment(&json!({ "app": "y" }), "i")),
            "Deployment.apps \"x\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"y\"}: \
             `selector` does not match template `labels`"
        );
        assert_eq!(
            refusal(&kinds::DEPLOYMENT, &deployment(&json!({ "app": "x" }), "")),
            "Deployment.apps \"x\" is invalid: spec.template.spec.containers[0].image: Required value"
        );
        let namespace = json!({ "metadata": { "name": "Not_A_Label" } });
        assert!(refusal(&kinds::NAMESPACE, &namespace).starts_with(
            "Namespace \"Not_A_Label\" is invalid: metadata.name: Invalid value: \"Not_A_Label\": a lowercase RFC 1123"
        ));
    }

    #[test]
    fn the_selector_never_changes() {
        let before = deployment(&json!({ "app": "x" }), "i");
        let mut after = before.clone();
        after["spec"]["selector"]["matchLabels"]["b"] = json!("c");
        after["spec"]["template"]["metadata"]["labels"]["b"] = json!("c");
        let failure = check(&kinds::DEPLOYMENT, &after, Some(&before)).unwrap_err();
        assert!(failure.message.ends_with("field is immutable"), "{}", failure.message);
        assert_eq!(failure.code, 422);
    }

    #[test]
    fn quantities_are_checked() {
        let quota =
            |value: &str| json!({ "metadata": { "name": "q" }, "spec": { "hard": { "cpu": value } } });
        assert_eq!(refusal(&kinds::RESOURCE_QUOTA, &quota("2")), "fine");
        assert!(refusal(&kinds::RESOURCE_QUOTA, &quota("two")).contains("quantities must match the regular"));
    }
}
