//! Drift of Kubernetes objects: what we declare must be found, what others or the API server add is theirs. A field
//! that we own on the server (`managedFields`) and no longer declare is drift too.

use serde_json::{Map, Value};

use super::Difference;
use super::compare::{join, text};
use crate::quantity::Quantity;

/// The field manager of everything we apply.
pub const FIELD_MANAGER: &str = "gangplank";

/// Maps that have one owner as a whole: anything added to a selector changes what it selects.
const ATOMIC_MAPS: [&str; 4] = ["selector", "podSelector", "namespaceSelector", "roleRef"];

/// Maps of quantities.
const QUANTITY_MAPS: [&str; 3] = ["requests", "limits", "hard"];

/// Lists that several owners share, with the field that tells their items apart. All other lists have one owner.
const SHARED_LISTS: [(&str, &[&str]); 7] = [
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("env", &["name"]),
    ("volumes", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("imagePullSecrets", &["name"]),
    ("ports", &["containerPort", "port"]),
];

/// Kinds in which the shared lists stand. A port in a NetworkPolicy is an opening, not an addition.
const KINDS_WITH_SHARED_LISTS: [&str; 6] =
    ["Deployment", "StatefulSet", "Job", "Pod", "Service", "ServiceAccount"];

/// The declared fields in which a live object differs from the declared one.
pub fn differences(wanted: &Value, found: &Value) -> Vec<Difference> {
    let kind = wanted.get("kind").and_then(Value::as_str).unwrap_or_default();
    let mut walk = Walk { shares_lists: KINDS_WITH_SHARED_LISTS.contains(&kind), differences: Vec::new() };
    if let (Value::Object(wanted), Value::Object(found)) = (wanted, found) {
        for (field, value) in
            wanted.iter().filter(|(field, _)| !["apiVersion", "kind"].contains(&field.as_str()))
        {
            walk.value(field, field, value, found.get(field));
        }
    }
    for owned in owned_fields(found) {
        walk.owned("", owned, Some(wanted), Some(found));
    }
    walk.differences
}

struct Walk {
    shares_lists: bool,
    differences: Vec<Difference>,
}

impl Walk {
    fn value(&mut self, path: &str, field: &str, wanted: &Value, found: Option<&Value>) {
        let found = found.filter(|found| !is_empty(found));
        match (wanted, found) {
            (wanted, None) if is_empty(wanted) => {}
            (Value::Object(wanted), Some(Value::Object(found))) if !ATOMIC_MAPS.contains(&field) => {
                let quantities = QUANTITY_MAPS.contains(&field);
                for (name, value) in wanted {
                    let found = found.get(name);
                    if !(quantities && same_amount(value, found)) {
                        self.value(&join(path, name), name, value, found);
                    }
                }
            }
            (Value::Array(wanted), Some(Value::Array(found))) => self.list(path, field, wanted, found),
            (wanted, Some(found)) if wanted == found => {}
            (wanted, found) => self.differs(path, Some(wanted), found),
        }
    }

    fn list(&mut self, path: &str, field: &str, wanted: &[Value], found: &[Value]) {
        if let Some(key) = self.merge_key(field, wanted) {
            for item in wanted {
                let name = item.get(key);
                let path = format!("{path}[{key}={}]", name.map(text).unwrap_or_default());
                self.value(&path, "", item, found.iter().find(|found| found.get(key) == name));
            }
        } else if wanted.len() == found.len() {
            for (index, (wanted, found)) in wanted.iter().zip(found).enumerate() {
                self.value(&format!("{path}[{index}]"), "", wanted, Some(found));
            }
        } else {
            self.other_length(path, wanted, found);
        }
    }

    /// Names the items that one list has and the other has not.
    fn other_length(&mut self, path: &str, wanted: &[Value], found: &[Value]) {
        let same = |wanted: &Value, found: &Value| {
            let mut walk = Walk { shares_lists: self.shares_lists, differences: Vec::new() };
            walk.value("", "", wanted, Some(found));
            walk.differences.is_empty()
        };
        let missing: Vec<&Value> =
            wanted.iter().filter(|item| !found.iter().any(|it| same(item, it))).collect();
        let surplus: Vec<&Value> =
            found.iter().filter(|item| !wanted.iter().any(|it| same(it, item))).collect();
        if missing.is_empty() && surplus.is_empty() {
            // The same items, some of them repeated.
            self.differs(path, Some(&Value::from(wanted)), Some(&Value::from(found)));
        }
        for item in missing {
            self.differs(path, Some(item), None);
        }
        for item in surplus {
            self.differs(path, None, Some(item));
        }
    }

    fn merge_key(&self, field: &str, items: &[Value]) -> Option<&'static str> {
        let (_, keys) = SHARED_LISTS.iter().find(|(name, _)| self.shares_lists && *name == field)?;
        keys.iter().copied().find(|key| items.iter().all(|item| item.get(key).is_some()))
    }

    /// Follows the tree of fields that we own on the server down to those we declare no longer.
    fn owned(
        &mut self,
        path: &str,
        owned: &Map<String, Value>,
        wanted: Option<&Value>,
        found: Option<&Value>,
    ) {
        for (entry, below) in owned {
            let step = Step::of(entry);
            let (wanted, found) = (step.take(wanted), step.take(found));
            let path = step.path(path);
            match (wanted, found, below.as_object()) {
                (None, Some(found), _) if !is_empty(found) => self.differs(&path, None, Some(found)),
                (Some(_), Some(_), Some(below)) => self.owned(&path, below, wanted, found),
                _ => {}
            }
        }
    }

    fn differs(&mut self, path: &str, wanted: Option<&Value>, found: Option<&Value>) {
        self.differences.push(Difference {
            field: path.to_owned(),
            wanted: wanted.map(text),
            found: found.map(text),
        });
    }
}

/// One step in a tree of owned fields.
enum Step<'a> {
    /// `f:NAME`, a field.
    Field(&'a str),
    /// `k:{"name":"x"}`, an item of a list.
    Item(Map<String, Value>),
    /// `.` or `v:…`: nothing below that we could compare.
    Other,
}

impl<'a> Step<'a> {
    fn of(entry: &'a str) -> Self {
        match entry.split_once(':') {
            Some(("f", name)) => Self::Field(name),
            Some(("k", key)) => serde_json::from_str(key).map_or(Self::Other, Self::Item),
            _ => Self::Other,
        }
    }

    fn take<'v>(&self, value: Option<&'v Value>) -> Option<&'v Value> {
        match self {
            Self::Field(name) => value?.get(*name),
            Self::Item(key) => value?.as_array()?.iter().find(|item| {
                key.iter().all(|(name, value)| item.get(name).is_none_or(|found| found == value))
            }),
            Self::Other => None,
        }
    }

    fn path(&self, path: &str) -> String {
        match self {
            Self::Field(name) => join(path, name),
            Self::Item(key) => {
                let key: Vec<String> =
                    key.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
                format!("{path}[{}]", key.join(","))
            }
            Self::Other => path.to_owned(),
        }
    }
}

fn owned_fields(found: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let entries = found.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    entries
        .filter(|entry| entry.get("manager").and_then(Value::as_str) == Some(FIELD_MANAGER))
        .filter(|entry| entry.get("operation").and_then(Value::as_str) == Some("Apply"))
        .filter(|entry| entry.get("subresource").is_none())
        .filter_map(|entry| entry.get("fieldsV1")?.as_object())
}

/// The API server drops empty lists and maps, so that empty and absent are the same.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn same_amount(wanted: &Value, found: Option<&Value>) -> bool {
    let amount = |value: &Value| Quantity::parse(&text(value));
    amount(wanted).is_some_and(|wanted| found.and_then(amount) == Some(wanted))
}
