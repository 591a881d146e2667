//! The controllers: whenever something changed, each looks at all objects of its kinds and moves them one step nearer to
//! what they say. A step that changed something brings the next round.

mod deployment;
mod deployment_status;
mod endpoints;
mod garbage;
mod namespaces;
mod replica_set;
mod rollout;

use std::time::Duration;

use serde_json::{Value, json};

use super::State;
use super::json::{list, text, truth};
use super::kinds::{self, Kind};
use super::objects::{Part, WriteOptions};
use super::store::{Key, Object};
use super::{deletion, quota};

use crate::world::Shared;
pub(super) use endpoints::SERVICE_LABEL;

/// The field manager of what controllers write.
const MANAGER: &str = "kube-controller-manager";
/// How often a round is made when nothing changed, for what depends on time.
const TICK: Duration = Duration::from_millis(500);

/// Runs the controllers until the cluster stops.
pub(crate) async fn run(shared: Shared) {
    let mut changed = shared.cluster.store.subscribe();
    let mut stopping = shared.cluster.stopping.subscribe();
    let mut replica_sets = replica_set::Backoff::default();
    loop {
        changed.mark_unchanged();
        round(&shared.cluster, &mut replica_sets);
        tokio::select! {
            _ = changed.changed() => {}
            () = tokio::time::sleep(TICK) => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

fn round(state: &State, backoff: &mut replica_set::Backoff) {
    namespaces::sync(state);
    garbage::sync(state);
    deployment::sync(state);
    replica_set::sync(state, backoff);
    deployment::sync(state);
    endpoints::sync(state);
    quotas(state);
    state.expire_events();
}

fn quotas(state: &State) {
    for quota in state.store.list(&kinds::RESOURCE_QUOTA, None).0 {
        let used = quota::used(state, text(&quota, "/metadata/namespace"));
        write_status(state, &kinds::RESOURCE_QUOTA, &quota, quota::status(&quota, &used));
    }
}

/// Writes a status if it differs. A vanished object is no trouble: there is nothing left to tell about.
fn write_status(state: &State, kind: &'static Kind, object: &Value, status: Value) {
    if object.get("status") == Some(&status) {
        return;
    }
    let _gone_is_fine =
        state.modify(&Key::of(kind, object), Part::Status, &WriteOptions::by(MANAGER), |object| {
            super::json::set(object, &["status"], status);
            Ok(())
        });
}

/// The objects of a kind that `owner` controls.
fn controlled(state: &State, kind: &'static Kind, owner: &Value) -> Vec<Object> {
    let uid = text(owner, "/metadata/uid");
    let (mut objects, _) = state.store.list(kind, Some(text(owner, "/metadata/namespace")));
    objects.retain(|object| {
        let references = list(object, "/metadata/ownerReferences");
        references.iter().any(|reference| truth(reference, "/controller") && text(reference, "/uid") == uid)
    });
    objects
}

/// The reference by which `owner` controls something.
fn owner_reference(kind: &Kind, owner: &Value) -> Value {
    json!({
        "apiVersion": kind.api_version(), "kind": kind.name, "name": text(owner, "/metadata/name"),
        "uid": text(owner, "/metadata/uid"), "controller": true, "blockOwnerDeletion": true,
    })
}

/// Whether a pod still counts: neither over nor on its way out.
fn is_active(pod: &Value) -> bool {
    !deletion::is_deleting(pod) && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}
