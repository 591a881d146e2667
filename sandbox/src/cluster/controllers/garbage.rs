//! Garbage collection: dependents go when their owners are gone; an owner deleted in the foreground waits for them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::State;
use super::super::deletion::{self, DeleteOptions, FOREGROUND, Propagation};
use super::super::json::{list, set, text};
use super::super::kinds::{ALL, Kind};
use super::super::objects::{Part, WriteOptions};
use super::super::store::{Key, Object};
use super::MANAGER;

type Owned = (&'static Kind, Object);

/// One step for everything that is owned or waits for what it owns.
pub(super) fn sync(state: &State) {
    let all: Vec<Owned> = ALL
        .iter()
        .flat_map(|kind| state.store.list(kind, None).0.into_iter().map(move |object| (*kind, object)))
        .collect();
    let uids: BTreeSet<&str> = all.iter().map(|(_, object)| text(object, "/metadata/uid")).collect();
    let waiting: BTreeSet<&str> =
        all.iter().filter(|(_, it)| waits(it)).map(|(_, it)| text(it, "/metadata/uid")).collect();
    for (kind, object) in &all {
        let owners = list(object, "/metadata/ownerReferences");
        if owners.is_empty() || deletion::is_deleting(object) {
            continue;
        }
        let orphaned = owners.iter().all(|owner| !uids.contains(text(owner, "/uid")));
        let owner_waits = owners.iter().any(|owner| waiting.contains(text(owner, "/uid")));
        if orphaned || owner_waits {
            let propagation = if owner_waits { Propagation::Foreground } else { Propagation::Background };
            let options = DeleteOptions { propagation, ..DeleteOptions::default() };
            let _gone_is_fine = state.delete(&Key::of(kind, object), &options);
        }
    }
    for (kind, object) in all.iter().filter(|(_, object)| waits(object)) {
        release(state, kind, object, &all);
    }
}

fn waits(object: &Value) -> bool {
    deletion::is_deleting(object) && list(object, "/metadata/finalizers").iter().any(|one| one == FOREGROUND)
}

/// Lets an owner go whose dependents are gone.
fn release(state: &State, kind: &'static Kind, waiting: &Object, all: &[Owned]) {
    let uid = text(waiting, "/metadata/uid");
    let is_dependent =
        |object: &Value| list(object, "/metadata/ownerReferences").iter().any(|it| text(it, "/uid") == uid);
    let left = all
        .iter()
        .any(|(kind, object)| is_dependent(object) && state.store.get(&Key::of(kind, object)).is_some());
    if left {
        return;
    }
    let finalizers: Vec<Value> =
        list(waiting, "/metadata/finalizers").iter().filter(|one| **one != FOREGROUND).cloned().collect();
    let _gone_is_fine =
        state.modify(&Key::of(kind, waiting), Part::Main, &WriteOptions::by(MANAGER), |object| {
            set(object, &["metadata", "finalizers"], json!(finalizers));
            Ok(())
        });
}
