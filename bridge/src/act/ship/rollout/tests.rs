//! Tables over Deployments and pods.

use serde_json::json;

use super::*;

fn deployment(spec: &Value, status: &Value) -> Value {
    let mut spec = spec.clone();
    spec["template"] = json!({"spec": {"containers": [{"image": "ours"}]}});
    json!({"metadata": {"generation": 3}, "spec": spec, "status": status})
}

fn counts(replicas: u32, updated: u32, available: u32) -> Value {
    json!({"observedGeneration": 3, "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available})
}

fn waiting(ready: u32, wanted: u32) -> Look {
    Look::Waiting { ready, wanted, why: None }
}

#[test]
fn deployments() {
    let two = || json!({"replicas": 2});
    let mut stale = counts(2, 2, 2);
    stale["observedGeneration"] = json!(2);
    let rows = [
        ("nothing reported yet", two(), json!({}), waiting(0, 2)),
        ("an older generation's good news", two(), stale, waiting(0, 2)),
        ("one new pod, not ready", two(), counts(3, 1, 2), waiting(0, 2)),
        ("one new pod, ready", two(), counts(3, 1, 3), waiting(1, 2)),
        ("all new, an old one stops", two(), counts(3, 2, 3), waiting(2, 2)),
        ("all new, one not ready", two(), counts(2, 2, 1), waiting(1, 2)),
        ("done", two(), counts(2, 2, 2), Look::Done { wanted: 2 }),
        (
            "done, and the autoscaler takes one away",
            json!({"replicas": 1}),
            counts(2, 2, 2),
            Look::Done { wanted: 1 },
        ),
        ("no count declared is one", json!({}), counts(1, 1, 1), Look::Done { wanted: 1 }),
        ("scaled to nothing", json!({"replicas": 0}), counts(0, 0, 0), Look::Done { wanted: 0 }),
    ];
    for (what, spec, status, expected) in rows {
        assert_eq!(judge(&deployment(&spec, &status), "ours"), expected, "{what}");
    }
    let other = deployment(&two(), &counts(2, 2, 2));
    assert_eq!(judge(&other, "theirs"), Look::Superseded("ours".to_owned()));
}

#[test]
fn conditions_tell_of_trouble() {
    let with = |kind: &str, status: &str| {
        let condition = json!({"type": kind, "status": status, "reason": "R", "message": "m"});
        conditions(&json!({"status": {"conditions": [condition]}}))
    };
    assert_eq!(with("Progressing", "False").as_deref(), Some("R: m"));
    assert_eq!(with("ReplicaFailure", "True").as_deref(), Some("R: m"));
    assert_eq!(with("Progressing", "True"), None);
    assert_eq!(with("Available", "False"), None);
    assert_eq!(conditions(&json!({})), None);
}

#[test]
fn pods_on_their_way_say_nothing() {
    let pod = |state: Value| json!({"metadata": {"name": "p"}, "status": {"containerStatuses": [{"state": state}]}});
    assert_eq!(pod_reason(&pod(json!({"waiting": {"reason": "ContainerCreating"}}))), None);
    assert_eq!(pod_reason(&pod(json!({"running": {}}))), None);
    assert_eq!(pod_reason(&json!({})), None);
    assert_eq!(
        pod_reason(&pod(json!({"waiting": {"reason": "ErrImagePull"}}))).as_deref(),
        Some("pod p: ErrImagePull")
    );
    assert_eq!(
        pod_reason(&pod(json!({"terminated": {"exitCode": 1}}))).as_deref(),
        Some("pod p: exit code 1")
    );
}
