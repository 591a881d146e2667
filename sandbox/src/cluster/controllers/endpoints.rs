//! Endpoint slices: the pods behind each service, with the ports they really listen on. A pod that is ready and not on its
//! way out is ready to be sent to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::State;
use super::super::conditions;
use super::super::deletion::{self, DeleteOptions};
use super::super::json::{list, number, set, text};
use super::super::kinds::{ENDPOINT_SLICE, POD, SERVICE};
use super::super::naming;
use super::super::objects::{Part, WriteOptions};
use super::super::selectors::map_matches;
use super::super::store::{Key, Object};
use super::{MANAGER, controlled, owner_reference, write_status};

/// The label that names the service of a slice.
pub(in super::super) const SERVICE_LABEL: &str = "kubernetes.io/service-name";

/// One step for every service.
pub(super) fn sync(state: &State) {
    for service in state.store.list(&SERVICE, None).0 {
        write_status(state, &SERVICE, &service, load_balancer(&service));
        if service.pointer("/spec/selector").is_some() {
            reconcile(state, &service);
        }
    }
}

/// The address at which a load balancer would be reached: here the service's own.
fn load_balancer(service: &Value) -> Value {
    if text(service, "/spec/type") != "LoadBalancer" {
        return json!({ "loadBalancer": {} });
    }
    json!({ "loadBalancer": { "ingress": [{ "ip": text(service, "/spec/clusterIP"), "ipMode": "VIP" }] } })
}

fn reconcile(state: &State, service: &Object) {
    let wanted = wanted(state, service);
    let present = controlled(state, &ENDPOINT_SLICE, service);
    for slice in &present {
        if !wanted.contains_key(text(slice, "/metadata/name")) {
            let _gone_is_fine = state.delete(&Key::of(&ENDPOINT_SLICE, slice), &DeleteOptions::default());
        }
    }
    let namespace = text(service, "/metadata/namespace");
    let options = WriteOptions::by(MANAGER);
    for (name, slice) in wanted {
        let key = Key::new(&ENDPOINT_SLICE, namespace, &name);
        let _next_round_tries_again = match state.store.get(&key) {
            None => state.create(&ENDPOINT_SLICE, namespace, slice, &options),
            Some(_) => state.modify(&key, Part::Main, &options, |stored| {
                for field in ["endpoints", "ports"] {
                    set(stored, &[field], slice.get(field).cloned().unwrap_or_else(|| json!([])));
                }
                Ok(())
            }),
        };
    }
}

/// The slices a service should have, by name: one for each set of target ports among its pods.
fn wanted(state: &State, service: &Value) -> BTreeMap<String, Value> {
    let (pods, _) = state.store.list(&POD, Some(text(service, "/metadata/namespace")));
    let mut by_ports: BTreeMap<String, (Value, Vec<Value>)> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| is_behind(service, pod)) {
        let ports = target_ports(service, pod);
        let group = by_ports.entry(ports.to_string()).or_insert_with(|| (ports, Vec::new()));
        group.1.push(endpoint(pod));
    }
    let service_name = text(service, "/metadata/name");
    let slice = |(ports_text, (ports, endpoints)): (String, (Value, Vec<Value>))| {
        let name = format!("{service_name}-{}", naming::short_hash(&ports_text));
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {
                "name": name,
                "labels": { SERVICE_LABEL: service_name, "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io" },
                "ownerReferences": [owner_reference(&SERVICE, service)],
            },
            "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
        });
        (name, slice)
    };
    by_ports.into_iter().map(slice).collect()
}

fn is_behind(service: &Value, pod: &Value) -> bool {
    let labels = pod.pointer("/metadata/labels").unwrap_or(&Value::Null);
    let selector = service.pointer("/spec/selector").unwrap_or(&Value::Null);
    let over = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    map_matches(selector, labels) && !text(pod, "/status/podIP").is_empty() && !over
}

fn endpoint(pod: &Value) -> Value {
    let status = pod.get("status").unwrap_or(&Value::Null);
    let (serving, terminating) = (conditions::holds(status, "Ready"), deletion::is_deleting(pod));
    json!({
        "addresses": [text(pod, "/status/podIP")],
        "conditions": { "ready": serving && !terminating, "serving": serving, "terminating": terminating },
        "nodeName": text(pod, "/spec/nodeName"),
        "targetRef": {
            "kind": "Pod", "name": text(pod, "/metadata/name"), "namespace": text(pod, "/metadata/namespace"),
            "uid": text(pod, "/metadata/uid"),
        },
    })
}

/// The service's ports as this pod has them; a named target is looked up among the containers' ports.
fn target_ports(service: &Value, pod: &Value) -> Value {
    let resolve = |port: &Value| {
        let target = port.get("targetPort").unwrap_or(&Value::Null);
        let number = target.as_i64().or_else(|| named_port(pod, target.as_str()?))?;
        let mut resolved =
            json!({ "name": text(port, "/name"), "port": number, "protocol": text(port, "/protocol") });
        if let Some(protocol) = port.get("appProtocol") {
            set(&mut resolved, &["appProtocol"], protocol.clone());
        }
        Some(resolved)
    };
    Value::Array(list(service, "/spec/ports").iter().filter_map(resolve).collect())
}

fn named_port(pod: &Value, name: &str) -> Option<i64> {
    list(pod, "/spec/containers")
        .iter()
        .flat_map(|container| list(container, "/ports"))
        .find(|port| text(port, "/name") == name)
        .and_then(|port| number(port, "/containerPort"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_targets_are_looked_up_in_the_pod() {
        let service = json!({ "spec": { "ports": [{ "name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP" },
                                                  { "name": "raw", "port": 1, "targetPort": 2, "protocol": "TCP" },
                                                  { "name": "none", "port": 3, "targetPort": "absent" }] } });
        let pod =
            json!({ "spec": { "containers": [{ "ports": [{ "name": "http", "containerPort": 5001 }] }] } });
        let ports = target_ports(&service, &pod);
        assert_eq!(
            ports,
            json!([{ "name": "http", "port": 5001, "protocol": "TCP" }, { "name": "raw", "port": 2, "protocol": "TCP" }])
        );
    }
}
