//! Tables, as `kubectl get` asks for them: columns a kind as data, cells made from objects.

use http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::json::{entries, list, number, set, text};
use super::kinds::Kind;
use super::naming;
use super::store::Object;

/// One column: its heading, and the cell of an object.
type Column = (&'static str, fn(&Value) -> String);

const POD: &[Column] = &[("Ready", pod_ready), ("Status", pod_status), ("Restarts", pod_restarts)];
const DEPLOYMENT: &[Column] = &[
    ("Ready", |it| format!("{}/{}", count(it, "/status/readyReplicas"), count(it, "/spec/replicas"))),
    ("Up-to-date", |it| count(it, "/status/updatedReplicas").to_string()),
    ("Available", |it| count(it, "/status/availableReplicas").to_string()),
];
const REPLICA_SET: &[Column] = &[
    ("Desired", |it| count(it, "/spec/replicas").to_string()),
    ("Current", |it| count(it, "/status/replicas").to_string()),
    ("Ready", |it| count(it, "/status/readyReplicas").to_string()),
];
const SERVICE: &[Column] = &[
    ("Type", |it| text(it, "/spec/type").to_owned()),
    ("Cluster-IP", |it| text(it, "/spec/clusterIP").to_owned()),
    ("External-IP", |it| or_none(text(it, "/status/loadBalancer/ingress/0/ip"))),
    ("Port(s)", ports),
];
const NAMESPACE: &[Column] = &[("Status", |it| text(it, "/status/phase").to_owned())];
const CONFIG_MAP: &[Column] = &[("Data", |it| entries(it, "/data").count().to_string())];
const EVENT: &[Column] = &[
    ("Type", |it| text(it, "/type").to_owned()),
    ("Reason", |it| text(it, "/reason").to_owned()),
    ("Object", |it| {
        format!("{}/{}", text(it, "/involvedObject/kind").to_lowercase(), text(it, "/involvedObject/name"))
    }),
    ("Message", |it| text(it, "/message").to_owned()),
];

fn columns(kind: &Kind) -> &'static [Column] {
    match kind.plural {
        "pods" => POD,
        "deployments" => DEPLOYMENT,
        "replicasets" => REPLICA_SET,
        "services" => SERVICE,
        "namespaces" => NAMESPACE,
        "configmaps" => CONFIG_MAP,
        "events" => EVENT,
        _ => &[],
    }
}

/// Whether the client would rather have a table.
pub(crate) fn wanted(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accept| accept.contains("as=Table;v=v1;"))
}

/// The table of some objects.
pub(crate) fn of(kind: &Kind, objects: &[Object], revision: &str, now: Timestamp) -> Value {
    let column = |name: &str| json!({ "name": name, "type": "string", "format": "", "description": "", "priority": 0 });
    let mut headings =
        vec![json!({ "name": "Name", "type": "string", "format": "name", "description": "", "priority": 0 })];
    headings.extend(columns(kind).iter().map(|(name, _)| column(name)));
    headings.push(column("Age"));
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": { "resourceVersion": revision },
        "columnDefinitions": headings,
        "rows": objects.iter().map(|object| row(kind, object, now)).collect::<Vec<_>>(),
    })
}

/// A watch event about one row.
pub(crate) fn event(kind: &Kind, mut event: Value, now: Timestamp) -> Value {
    if matches!(text(&event, "/type"), "BOOKMARK" | "ERROR") {
        return event;
    }
    let object = Object::new(event.get("object").cloned().unwrap_or_default());
    let revision = text(&object, "/metadata/resourceVersion");
    set(&mut event, &["object"], of(kind, std::slice::from_ref(&object), revision, now));
    event
}

fn row(kind: &Kind, object: &Value, now: Timestamp) -> Value {
    let mut cells = vec![text(object, "/metadata/name").to_owned()];
    cells.extend(columns(kind).iter().map(|(_, cell)| cell(object)));
    cells.push(naming::age(text(object, "/metadata/creationTimestamp"), now));
    let metadata = object.get("metadata").cloned().unwrap_or_default();
    let partial =
        json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata });
    json!({ "cells": cells, "object": partial })
}

fn count(object: &Value, pointer: &str) -> i64 {
    number(object, pointer).unwrap_or_default()
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "<none>".to_owned() } else { text.to_owned() }
}

fn ports(service: &Value) -> String {
    let ports: Vec<String> = list(service, "/spec/ports")
        .iter()
        .map(|port| format!("{}/{}", count(port, "/port"), text(port, "/protocol")))
        .collect();
    or_none(&ports.join(","))
}

fn pod_ready(pod: &Value) -> String {
    let statuses = list(pod, "/status/containerStatuses");
    let ready = statuses.iter().filter(|status| super::json::truth(status, "/ready")).count();
    format!("{ready}/{}", list(pod, "/spec/containers").len())
}

fn pod_status(pod: &Value) -> String {
    if super::deletion::is_deleting(pod) {
        return "Terminating".to_owned();
    }
    list(pod, "/status/containerStatuses")
        .iter()
        .flat_map(|status| [text(status, "/state/waiting/reason"), text(status, "/state/terminated/reason")])
        .find(|reason| !reason.is_empty())
        .unwrap_or_else(|| text(pod, "/status/phase"))
        .to_owned()
}

fn pod_restarts(pod: &Value) -> String {
    let restarts: i64 =
        list(pod, "/status/containerStatuses").iter().map(|status| count(status, "/restartCount")).sum();
    restarts.to_string()
}
