//! Drift between one wish and one observation: the declared fields that differ.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Difference, kubernetes};
use crate::resource::{Resource, RoleAssignment};

/// How a wish and an observation of the same key compare.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// In step.
    Equal,
    /// Some fields differ.
    Differs(Vec<Difference>),
    /// Something differs that the service never changes: take it away and make it anew.
    Irreconcilable,
}

pub(super) fn compare(wanted: &Resource, found: &Resource) -> Comparison {
    let differences = match (wanted, found) {
        (Resource::Kubernetes(wanted), Resource::Kubernetes(found)) => {
            kubernetes::differences(&wanted.object, &found.object)
        }
        // An assignment that somebody else made has a name of its own; what it gives is the same.
        (Resource::RoleAssignment(wanted), Resource::RoleAssignment(found)) => {
            let found = RoleAssignment { name: wanted.name.clone(), ..found.clone() };
            typed(&Resource::RoleAssignment(wanted.clone()), &Resource::RoleAssignment(found))
        }
        // The application is being taken over: its id is not known as ours yet, and its principal is the right one.
        (Resource::ServicePrincipal(wanted), Resource::ServicePrincipal(_))
            if wanted.app_id.contains("${") =>
        {
            Vec::new()
        }
        _ => typed(wanted, found),
    };
    if differences.is_empty() {
        Comparison::Equal
    } else if differences.iter().any(|difference| is_immutable(wanted, difference)) {
        Comparison::Irreconcilable
    } else {
        Comparison::Differs(differences)
    }
}

fn is_immutable(resource: &Resource, difference: &Difference) -> bool {
    match resource {
        Resource::RoleAssignment(_) | Resource::AppRoleAssignment(_) | Resource::ServicePrincipal(_) => true,
        Resource::Kubernetes(_) => difference.field.starts_with("roleRef"),
        _ => false,
    }
}

fn typed(wanted: &Resource, found: &Resource) -> Vec<Difference> {
    let mut differences = Vec::new();
    match (serde_json::to_value(wanted), serde_json::to_value(found)) {
        (Ok(wanted), Ok(found)) => walk("", Some(&wanted), Some(&found), &mut differences),
        // Cannot happen for these types; an update is the answer that loses nothing.
        _ => differences.push(Difference { field: String::new(), wanted: None, found: None }),
    }
    differences
}

/// Compares two whole values: here the type itself says which fields we declare.
fn walk(path: &str, wanted: Option<&Value>, found: Option<&Value>, differences: &mut Vec<Difference>) {
    match (wanted, found) {
        (Some(Value::Object(wanted)), Some(Value::Object(found))) => {
            let fields: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
            for field in fields {
                walk(&join(path, field), wanted.get(field), found.get(field), differences);
            }
        }
        (Some(Value::Array(wanted)), Some(Value::Array(found))) => {
            let difference = |wanted, found| Difference { field: path.to_owned(), wanted, found };
            let [in_wanted, in_found] =
                [wanted, found].map(|items| items.iter().map(text).collect::<BTreeSet<_>>());
            let missing = wanted.iter().map(text).filter(|item| !in_found.contains(item));
            differences.extend(missing.map(|item| difference(Some(item), None)));
            let surplus = found.iter().map(text).filter(|item| !in_wanted.contains(item));
            differences.extend(surplus.map(|item| difference(None, Some(item))));
        }
        (wanted, found) if wanted == found => {}
        (wanted, found) => differences.push(Difference {
            field: path.to_owned(),
            wanted: wanted.map(text),
            found: found.map(text),
        }),
    }
}

/// A value as people read it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The path of a field in a field. A name that holds dots itself stands in brackets.
pub(super) fn join(path: &str, field: &str) -> String {
    if field.contains(['.', '/']) {
        format!("{path}[{field}]")
    } else if path.is_empty() {
        field.to_owned()
    } else {
        format!("{path}.{field}")
    }
}
