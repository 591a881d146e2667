//! Conditions in a status: setting one keeps the time of its last real change.

use serde_json::{Value, json};

use super::json::{list, set, set_default, text};

/// One condition's new state.
pub(crate) struct Condition<'a> {
    pub(crate) kind: &'a str,
    pub(crate) status: bool,
    pub(crate) reason: &'a str,
    pub(crate) message: &'a str,
}

/// The condition of this type.
pub(crate) fn find<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    list(status, "/conditions").iter().find(|condition| text(condition, "/type") == kind)
}

/// Whether the condition of this type is true.
pub(crate) fn holds(status: &Value, kind: &str) -> bool {
    find(status, kind).is_some_and(|condition| text(condition, "/status") == "True")
}

/// Puts a condition into a status; returns it for fields of its own.
pub(crate) fn put(status: &mut Value, new: &Condition<'_>, now: &str) {
    let truth = if new.status { "True" } else { "False" };
    let old = find(status, new.kind);
    let since =
        old.filter(|old| text(old, "/status") == truth).map_or(now, |old| text(old, "/lastTransitionTime"));
    let mut condition = json!({ "type": new.kind, "status": truth, "lastTransitionTime": since });
    for (field, value) in [("reason", new.reason), ("message", new.message)] {
        if !value.is_empty() {
            set(&mut condition, &[field], json!(value));
        }
    }
    if let Some(updated) = old.and_then(|old| old.get("lastUpdateTime")) {
        set(&mut condition, &["lastUpdateTime"], updated.clone());
    }
    remove(status, new.kind);
    set_default(status, &["conditions"], json!([]));
    if let Some(conditions) = status.pointer_mut("/conditions").and_then(Value::as_array_mut) {
        conditions.push(condition);
        conditions.sort_by_key(|condition| text(condition, "/type").to_owned());
    }
}

/// Takes a condition out of a status.
pub(crate) fn remove(status: &mut Value, kind: &str) {
    if let Some(conditions) = status.pointer_mut("/conditions").and_then(Value::as_array_mut) {
        conditions.retain(|condition| text(condition, "/type") != kind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_condition_moves_only_with_its_status() {
        let mut status = json!({});
        let ready =
            |status: bool, reason: &'static str| Condition { kind: "Ready", status, reason, message: "" };
        put(&mut status, &ready(false, "A"), "1");
        put(&mut status, &ready(false, "B"), "2");
        let condition = find(&status, "Ready").unwrap();
        assert_eq!((text(condition, "/lastTransitionTime"), text(condition, "/reason")), ("1", "B"));
        put(&mut status, &ready(true, ""), "3");
        assert!(holds(&status, "Ready"));
        assert_eq!(text(find(&status, "Ready").unwrap(), "/lastTransitionTime"), "3");
    }
}
