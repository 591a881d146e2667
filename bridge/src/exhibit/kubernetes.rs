//! What `kubectl get -o yaml` prints.

use serde_json::Value;

use super::kind::{Kind, Test, has, text};

pub(super) const TESTS: &[(Kind, Test)] = &[
    (Kind::Bridge, |it| text(it, "apiVersion").starts_with("gangplank.dev/") && text(it, "kind") == "Bridge"),
    (Kind::Kubeconfig, |it| text(it, "kind") == "Config" && has(it, &["clusters", "users"])),
    (Kind::Kubernetes, object),
];

fn object(value: &Value) -> bool {
    has(value, &["kind"]) && !text(value, "apiVersion").is_empty() && text(value, "kind") != "ExecCredential"
}
