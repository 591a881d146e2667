//! Very many callers: service principals made at Graph's own door, and declared by their client ids.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::harbour::Harbour;

/// Makes `count` service principals and declares each for pushing.
pub(super) fn declare(harbour: &Harbour, count: usize) {
    let mut identities = String::from("identities:\n");
    for number in 1..=count {
        let name = format!("crowd-{number}");
        let made = graph(harbour, "applications", &json!({ "displayName": name }));
        let client_id = made["appId"].as_str().unwrap();
        graph(harbour, "servicePrincipals", &json!({ "appId": client_id }));
        writeln!(identities, "  - {{ name: {name}, servicePrincipal: {client_id}, may: [push] }}").unwrap();
    }
    harbour.edit("identities:\n", &identities);
}

fn graph(harbour: &Harbour, set: &str, body: &Value) -> Value {
    let token = std::fs::read_to_string(harbour.file("az/graph.token")).unwrap();
    let url = format!("https://{}/v1.0/{set}", harbour.sandbox.addresses().graph);
    let (status, answer) = harbour.send(harbour.client().post(url).bearer_auth(token).json(body));
    assert_eq!(status, 201, "{answer}");
    serde_json::from_str(&answer).unwrap()
}
