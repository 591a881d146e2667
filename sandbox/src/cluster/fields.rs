//! Field paths and sets of them, as server-side apply tracks who owns what.
//!
//! A path is a list of steps in the notation of `fieldsV1`: `f:NAME` for a field, `k:{…}` for a keyed list item, `v:…` for
//! an item of a set, `.` for the item itself. A set holds leaf paths only (and `.` of keyed items); Kubernetes also tracks
//! some inner nodes, which makes no difference to who conflicts with whom over a value.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::json::object_mut;
use super::merge_keys::{KeyField, ListKind, is_atomic_map, list_kind};

/// Steps from the root of an object to a field.
pub(crate) type Path = Vec<String>;

/// A set of leaf paths.
pub(crate) type Fields = BTreeSet<Path>;

/// Fields that the server keeps and nobody owns.
const UNOWNED: &[&[&str]] = &[
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "generateName"],
    &["metadata", "uid"],
    &["metadata", "resourceVersion"],
    &["metadata", "generation"],
    &["metadata", "creationTimestamp"],
    &["metadata", "deletionTimestamp"],
    &["metadata", "deletionGracePeriodSeconds"],
    &["metadata", "managedFields"],
    &["metadata", "selfLink"],
];

/// The leaves of an object that somebody can own.
pub(crate) fn leaves(object: &Value) -> Fields {
    let mut object = object.clone();
    for steps in UNOWNED {
        super::json::remove(&mut object, steps);
    }
    let mut fields = Fields::new();
    if let Value::Object(map) = &object {
        for (name, value) in map {
            collect(value, "", name, &[format!("f:{name}")], &mut fields);
        }
    }
    fields.retain(|path| path.as_slice() != ["f:metadata"]);
    fields
}

fn collect(value: &Value, parent: &str, field: &str, path: &[String], fields: &mut Fields) {
    match value {
        Value::Object(map) if !map.is_empty() && !is_atomic_map(field) => {
            for (name, inner) in map {
                collect(inner, field, name, &step(path, format!("f:{name}")), fields);
            }
        }
        Value::Array(items) if !items.is_empty() => collect_list(items, parent, field, path, fields),
        _ => {
            fields.insert(path.to_vec());
        }
    }
}

fn collect_list(items: &[Value], parent: &str, field: &str, path: &[String], fields: &mut Fields) {
    match list_kind(parent, field) {
        ListKind::Atomic => {
            fields.insert(path.to_vec());
        }
        ListKind::Set => fields.extend(items.iter().map(|item| step(path, format!("v:{item}")))),
        ListKind::Keyed(keys) => {
            for item in items {
                let path = step(path, key_step(item, keys));
                fields.insert(step(&path, ".".to_owned()));
                collect(item, parent, field, &path, fields);
            }
        }
    }
}

fn step(path: &[String], next: String) -> Path {
    let mut path = path.to_vec();
    path.push(next);
    path
}

/// `k:{…}` of a list item.
pub(crate) fn key_step(item: &Value, keys: &[KeyField]) -> String {
    let named: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), key_value(item, key))).collect();
    format!("k:{}", Value::Object(named))
}

fn key_value(item: &Value, key: &KeyField) -> Value {
    item.get(key.name).cloned().unwrap_or_else(|| key.default.map_or(Value::Null, |text| json!(text)))
}

/// Whether the path ends at a field that is part of its list item's key.
pub(crate) fn names_its_item(path: &[String]) -> bool {
    let [.., item, field] = path else { return false };
    let (Some(keys), Some(name)) = (item.strip_prefix("k:"), field.strip_prefix("f:")) else { return false };
    serde_json::from_str::<Map<String, Value>>(keys).is_ok_and(|keys| keys.contains_key(name))
}

/// Whether two list items have the same key.
pub(crate) fn same_key(one: &Value, other: &Value, keys: &[KeyField]) -> bool {
    keys.iter().all(|key| key_value(one, key) == key_value(other, key))
}

/// What stands at `path`.
pub(crate) fn get<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    let mut at = object;
    for next in path {
        at = match split(next) {
            ("f", name) => at.get(name)?,
            (".", _) => at,
            (_, item) => at.as_array()?.get(position(at, next, item)?)?,
        };
    }
    Some(at)
}

/// Removes what stands at `path`, and the containers that are empty after it.
pub(crate) fn remove(object: &mut Value, path: &[String]) {
    let Some((next, rest)) = path.split_first() else { return };
    match split(next) {
        ("f", name) => {
            if rest.is_empty() {
                object.as_object_mut().map(|map| map.shift_remove(name));
            } else if let Some(inner) = object.get_mut(name) {
                remove(inner, rest);
                if is_hollow(inner) {
                    object.as_object_mut().map(|map| map.shift_remove(name));
                }
            }
        }
        (_, item) => {
            let Some(at) = position(object, next, item) else { return };
            let Some(items) = object.as_array_mut() else { return };
            if rest.is_empty() || rest == ["."] {
                items.remove(at);
            } else if let Some(inner) = items.get_mut(at) {
                remove(inner, rest);
            }
        }
    }
}

fn is_hollow(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

fn split(next: &str) -> (&str, &str) {
    next.split_once(':').unwrap_or((".", ""))
}

/// The index of the list item that a `k:` or `v:` step names.
fn position(list: &Value, next: &str, item: &str) -> Option<usize> {
    let wanted: Value = serde_json::from_str(item).ok()?;
    let items = list.as_array()?;
    if next.starts_with("v:") {
        return items.iter().position(|item| *item == wanted);
    }
    let wanted = wanted.as_object()?;
    items.iter().position(|item| {
        wanted.iter().all(|(name, value)| match item.get(name) {
            Some(found) => found == value,
            None => name == "protocol" && value == "TCP",
        })
    })
}

/// A set in the nested notation of `fieldsV1`.
pub(crate) fn to_fields_v1(fields: &Fields) -> Value {
    let mut root = json!({});
    for path in fields {
        let mut at = &mut root;
        for next in path {
            at = object_mut(at).entry(next.clone()).or_insert_with(|| json!({}));
        }
    }
    root
}

/// The set that [`to_fields_v1`] wrote.
pub(crate) fn from_fields_v1(value: &Value) -> Fields {
    let mut fields = Fields::new();
    read(value, &mut Vec::new(), &mut fields);
    fields
}

fn read(value: &Value, path: &mut Path, fields: &mut Fields) {
    match value.as_object() {
        Some(map) if !map.is_empty() => {
            for (next, inner) in map {
                path.push(next.clone());
                read(inner, path, fields);
                path.pop();
            }
        }
        _ if path.is_empty() => {}
        _ => {
            fields.insert(path.clone());
        }
    }
}

/// A path as Kubernetes prints it: `.spec.containers[name="a"].image`.
pub(crate) fn display(path: &[String]) -> String {
    let steps: Vec<String> = path
        .iter()
        .map(|next| match split(next) {
            ("f", name) => format!(".{name}"),
            (".", _) => String::new(),
            ("v", item) => format!("[={item}]"),
            (_, item) => format!("[{}]", display_key(item)),
        })
        .collect();
    steps.concat()
}

fn display_key(item: &str) -> String {
    let keys: Map<String, Value> = serde_json::from_str(item).unwrap_or_default();
    let parts: Vec<String> = keys.iter().map(|(name, value)| format!("{name}={value}")).collect();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> Value {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "x", "labels": { "app": "x" }, "finalizers": ["a"] },
            "spec": { "replicas": 2, "selector": { "matchLabels": { "app": "x" } }, "template": { "spec": {
                "containers": [{ "name": "c", "image": "i", "ports": [{ "containerPort": 80 }], "args": ["a", "b"] }],
                "volumes": [{ "name": "v", "emptyDir": {} }] } } } })
    }

    #[test]
    fn leaves_follow_merge_keys() {
        let shown: Vec<String> = leaves(&deployment()).iter().map(|path| display(path)).collect();
        let expected = [
            ".metadata.finalizers[=\"a\"]",
            ".metadata.labels.app",
            ".spec.replicas",
            ".spec.selector",
            ".spec.template.spec.containers[name=\"c\"]",
            ".spec.template.spec.containers[name=\"c\"].args",
            ".spec.template.spec.containers[name=\"c\"].image",
            ".spec.template.spec.containers[name=\"c\"].name",
            ".spec.template.spec.containers[name=\"c\"].ports[containerPort=80,protocol=\"TCP\"]",
            ".spec.template.spec.containers[name=\"c\"].ports[containerPort=80,protocol=\"TCP\"].containerPort",
            ".spec.template.spec.volumes[name=\"v\"]",
            ".spec.template.spec.volumes[name=\"v\"].emptyDir",
            ".spec.template.spec.volumes[name=\"v\"].name",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn every_leaf_is_found_again_and_survives_the_notation() {
        let object = deployment();
        let fields = leaves(&object);
        assert!(fields.iter().all(|path| get(&object, path).is_some()));
        assert_eq!(from_fields_v1(&to_fields_v1(&fields)), fields);
    }

    #[test]
    fn removing_every_leaf_leaves_only_what_nobody_owns() {
        let mut object = deployment();
        for path in leaves(&object) {
            remove(&mut object, &path);
        }
        let rest = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "x" } });
        assert_eq!(object, rest);
    }
}
