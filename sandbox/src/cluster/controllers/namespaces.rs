//! Namespaces: each has a service account `default`; a deleted one goes when everything in it is gone.

use serde_json::json;

use super::super::State;
use super::super::deletion::{self, DeleteOptions};
use super::super::json::text;
use super::super::kinds::{ALL, NAMESPACE, SERVICE_ACCOUNT};
use super::super::objects::WriteOptions;
use super::super::store::Key;
use super::MANAGER;

/// One step for every namespace.
pub(super) fn sync(state: &State) {
    for namespace in state.store.list(&NAMESPACE, None).0 {
        let name = text(&namespace, "/metadata/name");
        if deletion::is_deleting(&namespace) {
            empty(state, name);
        } else if state.store.get(&Key::new(&SERVICE_ACCOUNT, name, "default")).is_none() {
            let account = json!({ "metadata": { "name": "default" } });
            let _next_round_tries_again =
                state.create(&SERVICE_ACCOUNT, name, account, &WriteOptions::by(MANAGER));
        }
    }
}

fn empty(state: &State, name: &str) {
    let mut left = 0;
    for kind in ALL.iter().filter(|kind| kind.namespaced) {
        for object in state.store.list(kind, Some(name)).0 {
            if !deletion::is_deleting(&object) {
                let _gone_is_fine = state.delete(&Key::of(kind, &object), &DeleteOptions::default());
            }
        }
        left += state.store.list(kind, Some(name)).0.len();
    }
    if left == 0 {
        state.store.remove(&Key::new(&NAMESPACE, "", name));
    }
}
