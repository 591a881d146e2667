//! Server-side apply and the ownership behind it.
//!
//! Per manager a set of leaf paths says which fields it owns, kept in `metadata.managedFields`. An apply that changes a
//! field of another manager is a conflict unless forced; a field that a manager stops applying goes away unless somebody
//! else owns it; an update takes what it changes.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::fields::{self, Fields, Path};
use super::json;
use super::merge_keys::{ListKind, is_atomic_map, list_kind};
use super::status::{Cause, Failure};

/// Who writes, and how its entry in `managedFields` is stamped.
#[derive(Debug, Clone)]
pub(crate) struct Writer<'a> {
    pub(crate) manager: &'a str,
    /// `status` or `scale`; empty for the object itself.
    pub(crate) subresource: &'a str,
    pub(crate) api_version: String,
    pub(crate) time: &'a str,
}

/// One entry of `managedFields`.
#[derive(Debug, Clone)]
struct Owner {
    manager: String,
    operation: String,
    subresource: String,
    api_version: String,
    time: String,
    fields: Fields,
}

/// `applied` on top of `live`. `live` may be an empty object, for a first apply.
pub(crate) fn apply(
    live: &Value,
    applied: &Value,
    writer: &Writer<'_>,
    force: bool,
) -> Result<Value, Failure> {
    let wanted = fields::leaves(applied);
    let (mine, mut others): (Vec<Owner>, Vec<Owner>) =
        owners(live).into_iter().partition(|owner| owner.is(writer, "Apply"));
    let conflicts = conflicts(live, applied, &wanted, &others);
    if !force && !conflicts.is_empty() {
        return Err(refuse(&conflicts));
    }
    for (loser, lost) in &conflicts {
        for owner in others.iter_mut().filter(|owner| owner.same(loser)) {
            owner.fields.remove(lost);
        }
    }
    let mut merged = live.clone();
    merge(&mut merged, applied, "", "");
    let before: Fields = mine.into_iter().flat_map(|owner| owner.fields).collect();
    give_up(&mut merged, before.difference(&wanted), &others);
    others.push(Owner::new(writer, "Apply", wanted));
    write_owners(&mut merged, &others);
    Ok(merged)
}

/// Ownership after an update, create or patch turned `before` into `after`.
pub(crate) fn track_update(before: &Value, mut after: Value, writer: &Writer<'_>) -> Value {
    let (old, new) = (fields::leaves(before), fields::leaves(&after));
    // What the server itself puts into a status is nobody's but the status writers'.
    let is_ours =
        |path: &Path| writer.subresource == "status" || path.first().is_none_or(|first| first != "f:status");
    let differs = |path: &Path| fields::get(before, path) != fields::get(&after, path);
    let changed: Fields = new.iter().filter(|path| is_ours(path) && differs(path)).cloned().collect();
    let mut all = owners(before);
    for owner in &mut all {
        owner.fields.retain(|path| new.contains(path) && !changed.contains(path));
    }
    if !changed.is_empty() || old.difference(&new).next().is_some() {
        match all.iter_mut().find(|owner| owner.is(writer, "Update")) {
            Some(owner) => {
                owner.fields.extend(changed);
                writer.time.clone_into(&mut owner.time);
            }
            None => all.push(Owner::new(writer, "Update", changed)),
        }
    }
    write_owners(&mut after, &all);
    after
}

type Conflict = (Owner, Path);

fn conflicts(live: &Value, applied: &Value, wanted: &Fields, others: &[Owner]) -> Vec<Conflict> {
    let differs = |path: &Path| fields::get(live, path) != fields::get(applied, path);
    let item = |path: &Path| path.last().is_some_and(|last| last == ".");
    others
        .iter()
        .flat_map(|owner| owner.fields.intersection(wanted).map(move |path| (owner, path)))
        .filter(|(_, path)| !item(path) && differs(path))
        .map(|(owner, path)| (owner.clone(), path.clone()))
        .collect()
}

/// 409 in Kubernetes' words.
fn refuse(conflicts: &[Conflict]) -> Failure {
    let causes: Vec<Cause> = conflicts
        .iter()
        .map(|(owner, path)| Cause {
            reason: "FieldManagerConflict",
            message: format!("conflict with {}", owner.display()),
            field: fields::display(path),
        })
        .collect();
    let message = match conflicts {
        [(owner, path)] => {
            format!(
                "Apply failed with 1 conflict: conflict with {}: {}",
                owner.display(),
                fields::display(path)
            )
        }
        many => format!("Apply failed with {} conflicts: {}", many.len(), by_owner(many)),
    };
    Failure::apply_conflict(message, &causes)
}

fn by_owner(conflicts: &[Conflict]) -> String {
    let mut names: Vec<String> = conflicts.iter().map(|(owner, _)| owner.display()).collect();
    names.sort();
    names.dedup();
    let mut lines = Vec::new();
    for name in names {
        lines.push(format!("conflicts with {name}:"));
        let his = conflicts.iter().filter(|(owner, _)| owner.display() == name);
        lines.extend(his.map(|(_, path)| format!("- {}", fields::display(path))));
    }
    lines.join("\n")
}

/// Removes fields that were applied before and are not any more, unless another manager owns them or something in them.
/// The fields that name a list item go only with the item.
fn give_up<'a>(merged: &mut Value, dropped: impl Iterator<Item = &'a Path>, others: &[Owner]) {
    for path in dropped.filter(|path| !fields::names_its_item(path)) {
        let below: &[String] = if path.last().is_some_and(|last| last == ".") {
            path.split_last().map_or(&[], |(_, item)| item)
        } else {
            path
        };
        let owned = others.iter().any(|owner| owner.fields.iter().any(|other| other.starts_with(below)));
        if !owned {
            fields::remove(merged, path);
        }
    }
}

/// Merges `applied` into `live`, keyed lists item by item.
fn merge(live: &mut Value, applied: &Value, parent: &str, field: &str) {
    match (&mut *live, applied) {
        (Value::Object(live), Value::Object(applied)) if !is_atomic_map(field) => {
            for (name, value) in applied {
                match live.get_mut(name) {
                    Some(inner) => merge(inner, value, field, name),
                    None => {
                        live.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(items), Value::Array(applied)) => match list_kind(parent, field) {
            ListKind::Atomic => items.clone_from(applied),
            ListKind::Set => {
                let new: Vec<Value> = applied.iter().filter(|item| !items.contains(item)).cloned().collect();
                items.extend(new);
            }
            ListKind::Keyed(keys) => {
                for value in applied {
                    match items.iter_mut().find(|item| fields::same_key(item, value, keys)) {
                        Some(item) => merge(item, value, parent, field),
                        None => items.push(value.clone()),
                    }
                }
            }
        },
        _ => live.clone_from(applied),
    }
}

impl Owner {
    fn new(writer: &Writer<'_>, operation: &str, fields: Fields) -> Self {
        Self {
            manager: writer.manager.to_owned(),
            operation: operation.to_owned(),
            subresource: writer.subresource.to_owned(),
            api_version: writer.api_version.clone(),
            time: writer.time.to_owned(),
            fields,
        }
    }

    fn is(&self, writer: &Writer<'_>, operation: &str) -> bool {
        let (manager, subresource) = (writer.manager, writer.subresource);
        self.manager == manager && self.operation == operation && self.subresource == subresource
    }

    fn same(&self, other: &Self) -> bool {
        (&self.manager, &self.operation, &self.subresource)
            == (&other.manager, &other.operation, &other.subresource)
    }

    fn display(&self) -> String {
        let mut text = format!("\"{}\"", self.manager);
        if !self.subresource.is_empty() {
            let _never_fails = write!(text, " with subresource \"{}\"", self.subresource);
        }
        if self.operation == "Update" {
            let _never_fails = write!(text, " using {}", self.api_version);
        }
        text
    }

    fn to_value(&self) -> Value {
        let mut entry = json!({
            "manager": self.manager, "operation": self.operation, "apiVersion": self.api_version, "time": self.time,
            "fieldsType": "FieldsV1", "fieldsV1": fields::to_fields_v1(&self.fields),
        });
        if !self.subresource.is_empty() {
            json::set(&mut entry, &["subresource"], json!(self.subresource));
        }
        entry
    }
}

fn owners(object: &Value) -> Vec<Owner> {
    let read = |entry: &Value| Owner {
        manager: json::text(entry, "/manager").to_owned(),
        operation: json::text(entry, "/operation").to_owned(),
        subresource: json::text(entry, "/subresource").to_owned(),
        api_version: json::text(entry, "/apiVersion").to_owned(),
        time: json::text(entry, "/time").to_owned(),
        fields: entry.get("fieldsV1").map(fields::from_fields_v1).unwrap_or_default(),
    };
    json::list(object, "/metadata/managedFields").iter().map(read).collect()
}

fn write_owners(object: &mut Value, owners: &[Owner]) {
    let entries: Vec<Value> =
        owners.iter().filter(|owner| !owner.fields.is_empty()).map(Owner::to_value).collect();
    if entries.is_empty() {
        json::remove(object, &["metadata", "managedFields"]);
    } else {
        json::set(object, &["metadata", "managedFields"], Value::Array(entries));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(manager: &str) -> Writer<'_> {
        Writer { manager, subresource: "", api_version: "apps/v1".to_owned(), time: "2026-01-01T00:00:00Z" }
    }

    fn object(spec: &Value) -> Value {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "x" }, "spec": spec })
    }

    fn applied(live: &Value, spec: &Value, manager: &str) -> Value {
        apply(live, &object(spec), &writer(manager), false).unwrap()
    }

    #[test]
    fn what_is_no_longer_applied_goes_away() {
        let first = applied(&json!({}), &json!({ "replicas": 2, "paused": true }), "a");
        let second = applied(&first, &json!({ "replicas": 3 }), "a");
        assert_eq!(second["spec"], json!({ "replicas": 3 }));
    }

    #[test]
    fn what_another_manager_owns_too_stays() {
        let first = applied(&json!({}), &json!({ "replicas": 2, "paused": true }), "a");
        let second = applied(&first, &json!({ "paused": true }), "b");
        let third = applied(&second, &json!({ "replicas": 2 }), "a");
        assert_eq!(third["spec"], json!({ "replicas": 2, "paused": true }));
    }

    #[test]
    fn changing_anothers_field_conflicts_unless_forced() {
        let first = applied(&json!({}), &json!({ "replicas": 2, "paused": true }), "a");
        let refusal = apply(&first, &object(&json!({ "replicas": 3 })), &writer("b"), false).unwrap_err();
        assert_eq!(refusal.code, 409);
        assert_eq!(refusal.message, "Apply failed with 1 conflict: conflict with \"a\": .spec.replicas");
        let wish = object(&json!({ "replicas": 3, "paused": false }));
        let refusal = apply(&first, &wish, &writer("b"), false).unwrap_err();
        let text = "Apply failed with 2 conflicts: conflicts with \"a\":\n- .spec.paused\n- .spec.replicas";
        assert_eq!(refusal.message, text);
        let forced = apply(&first, &object(&json!({ "replicas": 3 })), &writer("b"), true).unwrap();
        assert_eq!(forced["spec"]["replicas"], 3);
        let back = apply(&forced, &object(&json!({ "replicas": 2, "paused": true })), &writer("a"), false);
        assert!(back.unwrap_err().message.contains("conflict with \"b\": .spec.replicas"));
    }

    #[test]
    fn an_update_takes_what_it_changes() {
        let first = applied(&json!({}), &json!({ "replicas": 2, "paused": true }), "a");
        let mut edited = first.clone();
        edited["spec"]["replicas"] = json!(5);
        let edited = track_update(&first, edited, &writer("kubectl-edit"));
        let refusal = apply(&edited, &object(&json!({ "replicas": 2, "paused": true })), &writer("a"), false)
            .unwrap_err();
        let text =
            "Apply failed with 1 conflict: conflict with \"kubectl-edit\" using apps/v1: .spec.replicas";
        assert_eq!(refusal.message, text);
        let dropped = applied(&edited, &json!({ "paused": true }), "a");
        assert_eq!(dropped["spec"]["replicas"], 5);
    }

    #[test]
    fn a_subresource_is_a_manager_of_its_own() {
        let first = applied(&json!({}), &json!({ "replicas": 2 }), "a");
        let mut scaled = first.clone();
        scaled["spec"]["replicas"] = json!(5);
        let scale = Writer { subresource: "scale", ..writer("kubectl") };
        let scaled = track_update(&first, scaled, &scale);
        let refusal = apply(&scaled, &object(&json!({ "replicas": 2 })), &writer("a"), false).unwrap_err();
        let whose = "conflict with \"kubectl\" with subresource \"scale\" using apps/v1: .spec.replicas";
        assert_eq!(refusal.message, format!("Apply failed with 1 conflict: {whose}"));
    }

    #[test]
    fn the_first_status_is_nobodys() {
        let born = json!({ "kind": "Pod", "spec": { "a": 1 }, "status": { "phase": "Pending" } });
        let born = track_update(&json!({}), born, &writer("a"));
        assert_eq!(born["metadata"]["managedFields"][0]["fieldsV1"], json!({ "f:spec": { "f:a": {} } }));
        let mut run = born.clone();
        run["status"]["phase"] = json!("Running");
        let run = track_update(&born, run, &Writer { subresource: "status", ..writer("kubelet") });
        let entry = &run["metadata"]["managedFields"][1];
        assert_eq!((&entry["manager"], &entry["subresource"]), (&json!("kubelet"), &json!("status")));
    }

    #[test]
    fn applying_the_same_again_changes_nothing() {
        let spec = json!({ "template": { "spec": { "containers": [
            { "name": "a", "image": "i", "ports": [{ "containerPort": 80, "protocol": "TCP" }] }] } } });
        let first = applied(&json!({}), &spec, "a");
        assert_eq!(applied(&first, &spec, "a"), first);
    }

    #[test]
    fn containers_merge_by_name_and_leave_as_items() {
        let container = |name: &str| json!({ "name": name, "image": "i" });
        let spec = |containers: Vec<Value>| json!({ "template": { "spec": { "containers": containers } } });
        let first = applied(&json!({}), &spec(vec![container("a"), container("b")]), "a");
        let second = applied(&first, &spec(vec![container("c")]), "x");
        let third = applied(&second, &spec(vec![container("b")]), "a");
        let names: Vec<&str> = json::list(&third, "/spec/template/spec/containers")
            .iter()
            .map(|container| json::text(container, "/name"))
            .collect();
        assert_eq!(names, ["b", "c"]);
    }
}
