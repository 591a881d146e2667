//! Admission: what the cluster as a whole has to say to a new object. Its namespace must live, a pod's service account
//! must exist, pod security and quota must allow it; services get their address here.

use serde_json::{Value, json};

use super::State;
use super::json::{list, set, set_default, text};
use super::kinds::{self, Kind};
use super::status::Failure;
use super::store::Key;
use super::{deletion, pod_security, quota};

/// Fields that admission fills in before validation looks.
pub(crate) fn before_validation(kind: &Kind, object: &mut Value) {
    if kind.is(&kinds::POD) {
        set_default(object, &["spec", "serviceAccountName"], json!("default"));
        set(
            object,
            &["status"],
            json!({ "phase": "Pending", "qosClass": quota::quality_of_service(object) }),
        );
    } else if kind.is(&kinds::NAMESPACE) {
        set(object, &["status"], json!({ "phase": "Active" }));
    } else if kind.is(&kinds::SERVICE) {
        set(object, &["status"], json!({ "loadBalancer": {} }));
    }
}

/// Refuses a new object, or completes it.
pub(crate) fn admit(state: &State, kind: &'static Kind, object: &mut Value) -> Result<(), Failure> {
    let name = text(object, "/metadata/name").to_owned();
    if kind.namespaced {
        living_namespace(state, kind, object, &name)?;
    }
    if kind.is(&kinds::POD) {
        pod(state, object, &name)?;
    } else if kind.is(&kinds::SERVICE) {
        service_address(state, object, &name)?;
    }
    Ok(())
}

/// Refuses a change.
pub(crate) fn admit_change(
    state: &State,
    kind: &'static Kind,
    before: &Value,
    after: &Value,
) -> Result<(), Failure> {
    let name = text(after, "/metadata/name");
    if kind.is(&kinds::POD) && before.get("spec") != after.get("spec") && !only_images_differ(before, after) {
        let why = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`";
        let cause = super::status::Cause {
            reason: "FieldValueForbidden",
            message: why.to_owned(),
            field: "spec".to_owned(),
        };
        return Err(Failure::invalid(kind, name, &[cause]));
    }
    if kind.is(&kinds::RESOURCE_QUOTA) || !kind.is(&kinds::POD) {
        return Ok(());
    }
    security(state, kind, after, name)
}

/// Server-chosen values that a replacement may leave out.
pub(crate) fn carry_over(kind: &Kind, before: &Value, after: &mut Value) {
    if kind.is(&kinds::SERVICE) {
        for field in ["clusterIP", "clusterIPs"] {
            if let Some(value) = before.pointer(&format!("/spec/{field}")) {
                set_default(after, &["spec", field], value.clone());
            }
        }
    } else if kind.is(&kinds::POD) {
        for field in ["nodeName", "serviceAccountName"] {
            if let Some(value) = before.pointer(&format!("/spec/{field}")) {
                set_default(after, &["spec", field], value.clone());
            }
        }
    }
}

fn only_images_differ(before: &Value, after: &Value) -> bool {
    let without_images = |object: &Value| {
        let mut spec = object.get("spec").cloned().unwrap_or_default();
        super::json::list_mut(&mut spec, "/containers")
            .for_each(|container| set(container, &["image"], Value::Null));
        set(&mut spec, &["nodeName"], Value::Null);
        spec
    };
    without_images(before) == without_images(after)
}

fn living_namespace(state: &State, kind: &'static Kind, object: &Value, name: &str) -> Result<(), Failure> {
    let namespace = text(object, "/metadata/namespace");
    let found = state.store.get(&Key::new(&kinds::NAMESPACE, "", namespace));
    let found = found.ok_or_else(|| Failure::not_found(&kinds::NAMESPACE, namespace))?;
    if deletion::is_deleting(&found) {
        let why =
            format!("unable to create new content in namespace {namespace} because it is being terminated");
        return Err(Failure::not_admitted(kind, name, &why));
    }
    Ok(())
}

fn pod(state: &State, pod: &Value, name: &str) -> Result<(), Failure> {
    let namespace = text(pod, "/metadata/namespace");
    let account = text(pod, "/spec/serviceAccountName");
    if state.store.get(&Key::new(&kinds::SERVICE_ACCOUNT, namespace, account)).is_none() {
        let why = format!(
            "error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found"
        );
        return Err(Failure::not_admitted(&kinds::POD, name, &why));
    }
    security(state, &kinds::POD, pod, name)?;
    quota::admit(state, pod, name)
}

fn security(state: &State, kind: &Kind, pod: &Value, name: &str) -> Result<(), Failure> {
    let namespace = state.store.get(&Key::new(&kinds::NAMESPACE, "", text(pod, "/metadata/namespace")));
    let labels = namespace.as_deref().and_then(|namespace| namespace.pointer("/metadata/labels"));
    let level = labels.and_then(|labels| labels.get(pod_security::LABEL)).and_then(Value::as_str);
    match level {
        Some("restricted") => match pod_security::violations(pod.get("spec").unwrap_or(&Value::Null)) {
            Some(why) => Err(Failure::not_admitted(kind, name, &why)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn service_address(state: &State, service: &mut Value, name: &str) -> Result<(), Failure> {
    if text(service, "/spec/type") == "ExternalName" || text(service, "/spec/clusterIP") == "None" {
        return Ok(());
    }
    let wanted = text(service, "/spec/clusterIP").to_owned();
    let ports: Vec<u16> = list(service, "/spec/ports")
        .iter()
        .filter_map(|port| u16::try_from(super::json::number(port, "/port")?).ok())
        .collect();
    let address = match wanted.as_str() {
        "" => state
            .addresses
            .service(&ports)
            .ok_or_else(|| Failure::internal("failed to allocate a serviceIP: no free address"))?,
        asked => state.addresses.this_service(asked).ok_or_else(|| {
            let why = "failed to allocate IP: the provided IP is not in the valid range or already allocated";
            let cause = super::status::Cause::invalid("spec.clusterIPs", &json!([asked]), why);
            Failure::invalid(&kinds::SERVICE, name, &[cause])
        })?,
    };
    set(service, &["spec", "clusterIP"], json!(address.to_string()));
    set(service, &["spec", "clusterIPs"], json!([address.to_string()]));
    Ok(())
}
