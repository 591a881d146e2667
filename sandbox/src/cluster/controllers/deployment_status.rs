//! The status of a deployment: numbers, and the conditions `Available`, `Progressing` and `ReplicaFailure` in Kubernetes'
//! words.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::State;
use super::super::conditions::{self, Condition};
use super::super::json::{list_mut, number, set, text};
use super::super::kinds::DEPLOYMENT;
use super::super::store::{Key, Object};
use super::deployment::Sets;
use super::rollout::Room;
use super::write_status;

/// The numbers of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Numbers {
    wanted: i64,
    replicas: i64,
    updated: i64,
    ready: i64,
    available: i64,
}

/// Writes the status.
pub(super) fn report(state: &State, deployment: &Object, sets: &Sets) {
    // Conditions may have been written since this round began; the numbers belong to the generation that it began with.
    let observed = number(deployment, "/metadata/generation");
    let Some(deployment) = state.store.get(&Key::of(&DEPLOYMENT, deployment)) else { return };
    let numbers = Numbers::of(&deployment, sets);
    let now = state.clock.now();
    let before = deployment.get("status").cloned().unwrap_or_else(|| json!({}));
    let mut status = json!({
        "observedGeneration": observed,
        "replicas": numbers.replicas, "updatedReplicas": numbers.updated, "readyReplicas": numbers.ready,
        "availableReplicas": numbers.available,
        "unavailableReplicas": (numbers.wanted.max(numbers.replicas) - numbers.available).max(0),
    });
    if let Some(old) = before.get("conditions") {
        set(&mut status, &["conditions"], old.clone());
    }
    available(&mut status, &deployment, numbers, &state.timestamp());
    replica_failure(&mut status, sets, &state.timestamp());
    if let Some(new) = &sets.new {
        progressing(&mut status, &before, &deployment, (numbers, text(new, "/metadata/name")), now);
    }
    write_status(state, &DEPLOYMENT, &deployment, status);
}

/// Notes that a rollout took its first step.
pub(super) fn progressed(state: &State, deployment: &Object, reason: &str, message: &str) {
    let now = state.timestamp();
    let mut status = deployment.get("status").cloned().unwrap_or_else(|| json!({}));
    conditions::put(&mut status, &Condition { kind: "Progressing", status: true, reason, message }, &now);
    touch(&mut status, "Progressing", &now);
    write_status(state, &DEPLOYMENT, deployment, status);
}

impl Numbers {
    fn of(deployment: &Value, sets: &Sets) -> Self {
        let all = || sets.new.iter().chain(&sets.old);
        let sum = |field: &str| all().map(|set| number(set, field).unwrap_or_default()).sum();
        Self {
            wanted: number(deployment, "/spec/replicas").unwrap_or(1),
            replicas: sum("/status/replicas"),
            updated: sets.new.iter().map(|set| number(set, "/status/replicas").unwrap_or_default()).sum(),
            ready: sum("/status/readyReplicas"),
            available: sum("/status/availableReplicas"),
        }
    }

    fn complete(self) -> bool {
        self.updated == self.wanted && self.replicas == self.wanted && self.available == self.wanted
    }
}

fn available(status: &mut Value, deployment: &Value, numbers: Numbers, now: &str) {
    let least = numbers.wanted - Room::of(deployment, numbers.wanted).unavailable;
    let enough = numbers.available >= least;
    let (reason, message) = if enough {
        ("MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    put(status, &Condition { kind: "Available", status: enough, reason, message }, now);
}

fn replica_failure(status: &mut Value, sets: &Sets, now: &str) {
    let failure = sets.new.iter().chain(&sets.old).find_map(|set| {
        conditions::find(set.get("status")?, "ReplicaFailure").map(|it| text(it, "/message").to_owned())
    });
    match failure {
        Some(message) => {
            let failed =
                Condition { kind: "ReplicaFailure", status: true, reason: "FailedCreate", message: &message };
            put(status, &failed, now);
        }
        None => conditions::remove(status, "ReplicaFailure"),
    }
}

fn progressing(
    status: &mut Value,
    before: &Value,
    deployment: &Value,
    (numbers, new): (Numbers, &str),
    now: Timestamp,
) {
    let stamp = super::super::naming::timestamp(now);
    let was = |field: &str| number(before, &format!("/{field}")).unwrap_or_default();
    let moved = numbers.updated > was("updatedReplicas")
        || numbers.ready > was("readyReplicas")
        || numbers.available > was("availableReplicas")
        || numbers.replicas - numbers.updated < was("replicas") - was("updatedReplicas")
        || number(before, "/observedGeneration") != number(deployment, "/metadata/generation");
    let old = conditions::find(status, "Progressing");
    let deadline = number(deployment, "/spec/progressDeadlineSeconds").unwrap_or(600);
    let last: Option<Timestamp> = old.and_then(|old| text(old, "/lastUpdateTime").parse().ok());
    let finished = old.is_some_and(|old| text(old, "/reason") == "NewReplicaSetAvailable");
    let late = last.is_some_and(|last| now.duration_since(last).as_secs() >= deadline);
    let (holds, reason, message) = if numbers.complete() {
        (true, "NewReplicaSetAvailable", format!("ReplicaSet \"{new}\" has successfully progressed."))
    } else if moved || old.is_none() {
        (true, "ReplicaSetUpdated", format!("ReplicaSet \"{new}\" is progressing."))
    } else if late && !finished {
        (false, "ProgressDeadlineExceeded", format!("ReplicaSet \"{new}\" has timed out progressing."))
    } else {
        return;
    };
    let news = moved || old.is_none_or(|old| text(old, "/reason") != reason);
    let condition = Condition { kind: "Progressing", status: holds, reason, message: &message };
    conditions::put(status, &condition, &stamp);
    if news && reason != "ProgressDeadlineExceeded" {
        touch(status, "Progressing", &stamp);
    }
}

/// Puts a condition whose update time is that of its last change of status.
fn put(status: &mut Value, condition: &Condition<'_>, now: &str) {
    let before = conditions::find(status, condition.kind).cloned();
    conditions::put(status, condition, now);
    let same = before.as_ref().is_some_and(|before| {
        text(before, "/reason") == condition.reason && text(before, "/message") == condition.message
    });
    if !same {
        touch(status, condition.kind, now);
    }
}

fn touch(status: &mut Value, kind: &str, now: &str) {
    for condition in list_mut(status, "/conditions").filter(|condition| text(condition, "/type") == kind) {
        set(condition, &["lastUpdateTime"], json!(now));
    }
}
