//! Replica sets: as many pods as they say.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::State;
use super::super::conditions::{self, Condition};
use super::super::deletion::{self, DeleteOptions};
use super::super::events::Gravity;
use super::super::json::{number, set, text};
use super::super::kinds::{POD, REPLICA_SET};
use super::super::objects::WriteOptions;
use super::super::store::{Key, Object};
use super::{MANAGER, controlled, is_active, owner_reference, write_status};

/// How long a replica set that may not create a pod waits before it tries again.
const PATIENCE: Duration = Duration::from_secs(1);
const COMPONENT: &str = "replicaset-controller";

/// When a replica set that failed may try again, and what it was told, by uid.
#[derive(Default)]
pub(super) struct Backoff(BTreeMap<String, (Instant, String)>);

impl Backoff {
    /// What the replica set was told, while it may not try again.
    fn holds(&self, uid: &str) -> Option<String> {
        self.0.get(uid).filter(|(until, _)| Instant::now() < *until).map(|(_, why)| why.clone())
    }

    fn begin(&mut self, uid: &str, why: &str) {
        self.0.insert(uid.to_owned(), (Instant::now() + PATIENCE, why.to_owned()));
    }
}

/// One step for every replica set.
pub(super) fn sync(state: &State, backoff: &mut Backoff) {
    let (sets, _) = state.store.list(&REPLICA_SET, None);
    backoff.0.retain(|uid, _| sets.iter().any(|set| text(set, "/metadata/uid") == uid));
    for set in sets {
        if deletion::is_deleting(&set) {
            continue;
        }
        let refused = match backoff.holds(text(&set, "/metadata/uid")) {
            Some(why) => Some(why),
            None => scale(state, &set).err().inspect(|why| {
                backoff.begin(text(&set, "/metadata/uid"), why);
                let message = format!("Error creating: {why}");
                state.tell(COMPONENT, &set, Gravity::Warning, "FailedCreate", &message);
            }),
        };
        report(state, &set, refused.as_deref());
    }
}

/// Creates or deletes pods. Fails with the words of the one who refused a pod.
fn scale(state: &State, set: &Object) -> Result<(), String> {
    let mut pods = controlled(state, &POD, set);
    pods.retain(|pod| is_active(pod));
    let wanted = usize::try_from(number(set, "/spec/replicas").unwrap_or(1)).unwrap_or_default();
    for _ in pods.len()..wanted {
        let namespace = text(set, "/metadata/namespace");
        let written = state.create(&POD, namespace, new_pod(set), &WriteOptions::by(MANAGER));
        let pod = written.map_err(|failure| failure.message)?.object;
        let message = format!("Created pod: {}", text(&pod, "/metadata/name"));
        state.tell(COMPONENT, set, Gravity::Normal, "SuccessfulCreate", &message);
    }
    // The unready ones go first, then the youngest.
    pods.sort_by_key(|pod| (conditions::holds(status(pod), "Ready"), std::cmp::Reverse(resource_age(pod))));
    let too_many = pods.len().saturating_sub(wanted);
    for pod in pods.iter().take(too_many) {
        let _may_be_gone_already = state.delete(&Key::of(&POD, pod), &DeleteOptions::default());
        let message = format!("Deleted pod: {}", text(pod, "/metadata/name"));
        state.tell(COMPONENT, set, Gravity::Normal, "SuccessfulDelete", &message);
    }
    Ok(())
}

fn resource_age(pod: &Value) -> String {
    text(pod, "/metadata/creationTimestamp").to_owned()
}

fn status(object: &Value) -> &Value {
    object.get("status").unwrap_or(&Value::Null)
}

fn new_pod(replica_set: &Value) -> Value {
    let template = replica_set.pointer("/spec/template").cloned().unwrap_or_else(|| json!({}));
    let mut pod = template;
    set(&mut pod, &["apiVersion"], json!("v1"));
    set(&mut pod, &["kind"], json!("Pod"));
    let prefix = format!("{}-", text(replica_set, "/metadata/name"));
    set(&mut pod, &["metadata", "generateName"], json!(prefix));
    set(&mut pod, &["metadata", "ownerReferences"], json!([owner_reference(&REPLICA_SET, replica_set)]));
    pod
}

fn report(state: &State, set: &Object, refused: Option<&str>) {
    let mut pods = controlled(state, &POD, set);
    pods.retain(|pod| is_active(pod));
    let ready: Vec<&Object> = pods.iter().filter(|pod| conditions::holds(status(pod), "Ready")).collect();
    let patience = number(set, "/spec/minReadySeconds").unwrap_or_default();
    let now = state.clock.now();
    let available = ready.iter().filter(|pod| ready_for(pod, now) >= patience).count();
    let mut next = json!({
        "replicas": pods.len(), "fullyLabeledReplicas": pods.len(), "readyReplicas": ready.len(),
        "availableReplicas": available, "observedGeneration": number(set, "/metadata/generation"),
    });
    if let Some(why) = refused {
        if let Some(conditions) = set.pointer("/status/conditions") {
            super::super::json::set(&mut next, &["conditions"], conditions.clone());
        }
        let failure =
            Condition { kind: "ReplicaFailure", status: true, reason: "FailedCreate", message: why };
        conditions::put(&mut next, &failure, &state.timestamp());
    }
    write_status(state, &REPLICA_SET, set, next);
}

/// For how many seconds a ready pod has been so.
fn ready_for(pod: &Value, now: jiff::Timestamp) -> i64 {
    let since =
        conditions::find(status(pod), "Ready").map(|it| text(it, "/lastTransitionTime")).unwrap_or_default();
    since.parse::<jiff::Timestamp>().map_or(0, |since| now.duration_since(since).as_secs())
}
