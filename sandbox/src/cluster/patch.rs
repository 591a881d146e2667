//! Merge patches: JSON merge patch (RFC 7386) and Kubernetes' strategic merge patch with its directives.

use serde_json::{Map, Value};

use super::merge_keys::{KeyField, ListKind, list_kind};

/// JSON merge patch.
pub(crate) fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    let target = super::json::object_mut(target);
    for (name, value) in patch {
        if value.is_null() {
            target.shift_remove(name);
        } else {
            merge_patch(target.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Strategic merge patch: lists with a merge key are merged item by item; `$patch: delete|replace`,
/// `$deleteFromPrimitiveList/…` and `$retainKeys` are followed, `$setElementOrder/…` only orders and is ignored.
pub(crate) fn strategic_merge_patch(target: &mut Value, patch: &Value) {
    strategic(target, patch, "");
}

fn strategic(target: &mut Value, patch: &Value, field: &str) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if directive(patch) == Some("replace") {
        *target = Value::Object(without_directives(patch));
        return;
    }
    let target = super::json::object_mut(target);
    if let Some(retained) = patch.get("$retainKeys").and_then(Value::as_array) {
        target.retain(|name, _| retained.iter().any(|kept| kept == name));
    }
    for (name, value) in patch {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            delete_primitives(target, list, value);
        } else if name.starts_with('$') {
        } else if value.is_null() || value.as_object().and_then(directive) == Some("delete") {
            target.shift_remove(name);
        } else {
            strategic_field(target.entry(name.clone()).or_insert(Value::Null), value, field, name);
        }
    }
}

fn strategic_field(target: &mut Value, patch: &Value, parent: &str, field: &str) {
    match (patch, list_kind(parent, field)) {
        (Value::Array(patches), ListKind::Keyed([key, ..])) => strategic_list(target, patches, key, field),
        (Value::Array(patches), ListKind::Set) => {
            let mut items = target.as_array().cloned().unwrap_or_default();
            items.extend(patches.iter().filter(|item| !items.contains(item)).cloned().collect::<Vec<_>>());
            *target = Value::Array(items);
        }
        (Value::Object(_), _) => strategic(target, patch, field),
        _ => target.clone_from(patch),
    }
}

fn strategic_list(target: &mut Value, patches: &[Value], key: &KeyField, field: &str) {
    let replaced = patches.iter().any(|item| item.as_object().and_then(directive) == Some("replace"));
    let mut items = if replaced { Vec::new() } else { target.as_array().cloned().unwrap_or_default() };
    for patch in patches {
        let Some(map) = patch.as_object() else { continue };
        let same = |item: &Value| item.get(key.name) == map.get(key.name);
        match (directive(map), items.iter().position(same)) {
            (Some("replace"), _) | (Some("delete"), None) => {}
            (Some("delete"), Some(at)) => {
                items.remove(at);
            }
            (_, Some(at)) => {
                if let Some(item) = items.get_mut(at) {
                    strategic(item, patch, field);
                }
            }
            (_, None) => items.push(Value::Object(without_directives(map))),
        }
    }
    *target = Value::Array(items);
}

fn delete_primitives(target: &mut Map<String, Value>, list: &str, dropped: &Value) {
    let dropped = dropped.as_array().map(Vec::as_slice).unwrap_or_default();
    if let Some(items) = target.get_mut(list).and_then(Value::as_array_mut) {
        items.retain(|item| !dropped.contains(item));
    }
}

fn directive(map: &Map<String, Value>) -> Option<&str> {
    map.get("$patch").and_then(Value::as_str)
}

fn without_directives(map: &Map<String, Value>) -> Map<String, Value> {
    map.iter()
        .filter(|(name, _)| !name.starts_with('$'))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn merged(target: Value, patch: &Value, how: fn(&mut Value, &Value)) -> Value {
        let mut target = target;
        how(&mut target, patch);
        target
    }

    #[test]
    fn merge_patch_follows_its_standard() {
        let cases = [
            (json!({ "a": "b" }), json!({ "a": "c" }), json!({ "a": "c" })),
            (json!({ "a": "b", "b": "c" }), json!({ "a": null }), json!({ "b": "c" })),
            (json!({ "a": ["b"] }), json!({ "a": "c" }), json!({ "a": "c" })),
            (
                json!({ "a": { "b": "c" } }),
                json!({ "a": { "b": "d", "c": null } }),
                json!({ "a": { "b": "d" } }),
            ),
            (json!({ "a": [{ "b": "c" }] }), json!({ "a": [1] }), json!({ "a": [1] })),
            (json!({}), json!({ "a": { "bb": { "ccc": null } } }), json!({ "a": { "bb": {} } })),
        ];
        for (target, patch, expected) in cases {
            assert_eq!(merged(target, &patch, merge_patch), expected);
        }
    }

    #[test]
    fn strategic_merge_patch_merges_by_key() {
        let cases = [
            (
                json!({ "containers": [{ "name": "a", "image": "1", "args": ["x"] }, { "name": "b" }] }),
                json!({ "$setElementOrder/containers": [{ "name": "a" }],
                        "containers": [{ "name": "a", "image": "2" }] }),
                json!({ "containers": [{ "name": "a", "image": "2", "args": ["x"] }, { "name": "b" }] }),
            ),
            (
                json!({ "containers": [{ "name": "a" }, { "name": "b" }] }),
                json!({ "containers": [{ "name": "b", "$patch": "delete" }, { "name": "c" }] }),
                json!({ "containers": [{ "name": "a" }, { "name": "c" }] }),
            ),
            (
                json!({ "metadata": { "finalizers": ["a", "b"] } }),
                json!({ "metadata": { "$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c"] } }),
                json!({ "metadata": { "finalizers": ["b", "c"] } }),
            ),
            (
                json!({ "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } } }),
                json!({ "strategy": { "$retainKeys": ["type"], "type": "Recreate" } }),
                json!({ "strategy": { "type": "Recreate" } }),
            ),
            (
                json!({ "conditions": [{ "type": "A", "status": "True" }] }),
                json!({ "conditions": [{ "type": "A", "status": "False" }, { "type": "B" }] }),
                json!({ "conditions": [{ "type": "A", "status": "False" }, { "type": "B" }] }),
            ),
        ];
        for (target, patch, expected) in cases {
            assert_eq!(merged(target, &patch, strategic_merge_patch), expected);
        }
    }
}
