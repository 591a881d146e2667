//! Deployments: one replica set a pod template, rolled from the old to the new.

use serde_json::{Value, json};

use super::super::State;
use super::super::deletion::{self, DeleteOptions};
use super::super::events::Gravity;
use super::super::json::{number, remove, set, set_default, text, truth};
use super::super::kinds::{DEPLOYMENT, POD, REPLICA_SET};
use super::super::naming;
use super::super::objects::{Part, WriteOptions};
use super::super::status::Failure;
use super::super::store::{Key, Object};
use super::rollout::{self, Count, Room};
use super::{MANAGER, controlled, deployment_status, is_active, owner_reference};

/// The annotation that counts rollouts.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// The label that tells the pods of one replica set from another's.
const HASH: &str = "pod-template-hash";
const COMPONENT: &str = "deployment-controller";

/// The replica sets of one deployment.
pub(super) struct Sets {
    pub(super) new: Option<Object>,
    /// Oldest first.
    pub(super) old: Vec<Object>,
}

/// One step for every deployment.
pub(super) fn sync(state: &State) {
    for deployment in state.store.list(&DEPLOYMENT, None).0 {
        if deletion::is_deleting(&deployment) {
            continue;
        }
        let mut sets = sets(state, &deployment);
        let paused = truth(&deployment, "/spec/paused");
        if !paused && let Err(failure) = with_new_set(state, &deployment, &mut sets) {
            state.tell(COMPONENT, &deployment, Gravity::Warning, "ReplicaSetCreateError", &failure.message);
        }
        if paused {
            keep_scale(state, &deployment, &sets);
        } else if text(&deployment, "/spec/strategy/type") == "Recreate" {
            recreate(state, &deployment, &sets);
        } else {
            roll(state, &deployment, &sets);
        }
        let sets = self::sets(state, &deployment);
        clean_up(state, &deployment, &sets);
        deployment_status::report(state, &deployment, &sets);
    }
}

fn sets(state: &State, deployment: &Value) -> Sets {
    let mut all = controlled(state, &REPLICA_SET, deployment);
    all.sort_by_key(|set| revision(set));
    let template = deployment.pointer("/spec/template").cloned().unwrap_or_default();
    let new = all.iter().position(|set| template_of(set) == template).map(|at| all.remove(at));
    Sets { new, old: all }
}

/// The pod template of a replica set as its deployment had it.
fn template_of(set: &Value) -> Value {
    let mut template = set.pointer("/spec/template").cloned().unwrap_or_default();
    remove(&mut template, &["metadata", "labels", HASH]);
    template
}

fn revision(object: &Value) -> i64 {
    let annotations = object.pointer("/metadata/annotations");
    annotations
        .and_then(|all| all.get(REVISION))
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// Makes the replica set of the current template if it is not there; a returned-to one becomes the newest revision.
fn with_new_set(state: &State, deployment: &Object, sets: &mut Sets) -> Result<(), Failure> {
    let newest = sets.old.iter().map(|set| revision(set)).max().unwrap_or(0);
    let options = WriteOptions::by(MANAGER);
    let new = match &sets.new {
        Some(new) if revision(new) > newest => Object::clone(new),
        Some(new) => annotate(state, &Key::of(&REPLICA_SET, new), newest + 1)?,
        None => {
            let object = new_set(deployment, newest + 1);
            let name = text(&object, "/metadata/name").to_owned();
            let created =
                state.create(&REPLICA_SET, text(deployment, "/metadata/namespace"), object, &options)?;
            let message = format!("Created new replica set \"{name}\"");
            deployment_status::progressed(state, deployment, "NewReplicaSetCreated", &message);
            created.object
        }
    };
    if revision(deployment) != revision(&new) {
        annotate(state, &Key::of(&DEPLOYMENT, deployment), revision(&new))?;
    }
    sets.new = Some(new);
    Ok(())
}

fn annotate(state: &State, key: &Key, revision: i64) -> Result<Object, Failure> {
    let written = state.modify(key, Part::Main, &WriteOptions::by(MANAGER), |object| {
        set(object, &["metadata", "annotations", REVISION], json!(revision.to_string()));
        Ok(())
    })?;
    Ok(written.object)
}

fn new_set(deployment: &Value, revision: i64) -> Value {
    let mut template = deployment.pointer("/spec/template").cloned().unwrap_or_default();
    let hash = naming::template_hash(&template);
    set(&mut template, &["metadata", "labels", HASH], json!(hash));
    let mut selector = deployment.pointer("/spec/selector").cloned().unwrap_or_default();
    set(&mut selector, &["matchLabels", HASH], json!(hash));
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{}-{hash}", text(deployment, "/metadata/name")),
            "labels": template.pointer("/metadata/labels"),
            "annotations": { REVISION: revision.to_string() },
            "ownerReferences": [owner_reference(&DEPLOYMENT, deployment)],
        },
        "spec": { "replicas": 0, "selector": selector, "template": template },
    });
    if let Some(seconds) = number(deployment, "/spec/minReadySeconds") {
        set_default(&mut object, &["spec", "minReadySeconds"], json!(seconds));
    }
    object
}

fn count(set: &Value) -> Count {
    Count {
        wanted: number(set, "/spec/replicas").unwrap_or_default(),
        available: number(set, "/status/availableReplicas").unwrap_or_default(),
    }
}

/// One step of a rolling update: the new set grows first; only then the old ones shrink.
fn roll(state: &State, deployment: &Object, sets: &Sets) {
    let Some(new) = &sets.new else { return };
    let replicas = number(deployment, "/spec/replicas").unwrap_or(1);
    let room = Room::of(deployment, replicas);
    let old: Vec<Count> = sets.old.iter().map(|set| count(set)).collect();
    let grown = rollout::grow(replicas, room, count(new), &old);
    if scale(state, deployment, new, grown) {
        return;
    }
    for (set, wanted) in sets.old.iter().zip(rollout::shrink(replicas, room, count(new), &old)) {
        scale(state, deployment, set, wanted);
    }
}

/// All old pods go before the first new one comes.
fn recreate(state: &State, deployment: &Object, sets: &Sets) {
    for set in &sets.old {
        scale(state, deployment, set, 0);
    }
    let gone = sets
        .old
        .iter()
        .all(|set| controlled(state, &POD, set).iter().all(|pod| !is_active(pod) && is_over(pod)));
    if let (Some(new), true) = (&sets.new, gone) {
        scale(state, deployment, new, number(deployment, "/spec/replicas").unwrap_or(1));
    }
}

fn is_over(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// A paused deployment follows its number of replicas, and nothing else.
fn keep_scale(state: &State, deployment: &Object, sets: &Sets) {
    let live: Vec<&Object> = sets.new.iter().chain(&sets.old).filter(|set| count(set).wanted > 0).collect();
    if let [only] = live.as_slice() {
        scale(state, deployment, only, number(deployment, "/spec/replicas").unwrap_or(1));
    }
}

/// Tells a replica set its number. Returns whether that was news.
fn scale(state: &State, deployment: &Object, replica_set: &Object, wanted: i64) -> bool {
    let before = count(replica_set).wanted;
    if before == wanted {
        return false;
    }
    let key = Key::of(&REPLICA_SET, replica_set);
    let _gone_is_fine = state.modify(&key, Part::Main, &WriteOptions::by(MANAGER), |object| {
        set(object, &["spec", "replicas"], json!(wanted));
        Ok(())
    });
    let way = if wanted > before { "up" } else { "down" };
    let name = text(replica_set, "/metadata/name");
    let message = format!("Scaled {way} replica set {name} from {before} to {wanted}");
    state.tell(COMPONENT, deployment, Gravity::Normal, "ScalingReplicaSet", &message);
    true
}

/// Old replica sets beyond the history limit go.
fn clean_up(state: &State, deployment: &Value, sets: &Sets) {
    let limit = number(deployment, "/spec/revisionHistoryLimit")
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(10);
    let empty: Vec<&Object> = sets
        .old
        .iter()
        .filter(|set| count(set).wanted == 0 && number(set, "/status/replicas").unwrap_or_default() == 0)
        .collect();
    for set in empty.iter().take(empty.len().saturating_sub(limit)) {
        let _gone_is_fine = state.delete(&Key::of(&REPLICA_SET, set), &DeleteOptions::default());
    }
}
