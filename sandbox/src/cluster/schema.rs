//! Objects against their published types: wrong types are refused, unknown fields found. The types are Kubernetes' own,
//! generated from its OpenAPI document.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, to_value};

use super::kinds::Kind;
use super::status::Failure;

/// Reads an object as its type and writes it again; what is missing afterwards is no field of the type.
pub(crate) type Typed = fn(&Value) -> Result<Value, String>;

/// [`Typed`] for one type.
pub(crate) fn typed<T: DeserializeOwned + Serialize>(object: &Value) -> Result<Value, String> {
    let read = T::deserialize(object).map_err(|error| error.to_string())?;
    to_value(read).map_err(|error| error.to_string())
}

/// Dotted paths of fields that the type does not have. Fails if a value has the wrong type.
pub(crate) fn unknown_fields(kind: &Kind, object: &Value) -> Result<Vec<String>, Failure> {
    let read = (kind.typed)(object).map_err(|error| cannot_handle(kind, &format!("json: {error}")))?;
    let mut unknown = Vec::new();
    collect(object, &read, "", &mut unknown);
    Ok(unknown)
}

/// 400 in Kubernetes' words.
pub(crate) fn cannot_handle(kind: &Kind, why: &str) -> Failure {
    Failure::bad_request(format!(
        "{} in version \"{}\" cannot be handled as a {}: {why}",
        kind.name, kind.version, kind.name
    ))
}

fn collect(given: &Value, read: &Value, path: &str, unknown: &mut Vec<String>) {
    match (given, read) {
        (Value::Object(given), Value::Object(read)) => {
            for (field, value) in given {
                let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
                match read.get(field) {
                    Some(inner) => collect(value, inner, &path, unknown),
                    None if is_empty(value) => {}
                    None => unknown.push(path),
                }
            }
        }
        (Value::Array(given), Value::Array(read)) => {
            for (at, (value, inner)) in given.iter().zip(read).enumerate() {
                collect(value, inner, &format!("{path}[{at}]"), unknown);
            }
        }
        _ => {}
    }
}

/// Nulls and empty containers may be left out when a type is written again.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// Removes the field at a path of [`unknown_fields`].
pub(crate) fn prune(object: &mut Value, path: &str) {
    let steps = path.split('.').flat_map(|step| step.split('[')).map(|step| step.trim_end_matches(']'));
    let pointer = steps.fold(String::new(), |pointer, step| pointer + "/" + step);
    let Some((parent, field)) = pointer.rsplit_once('/') else { return };
    if let Some(map) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
        map.shift_remove(field);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kinds::DEPLOYMENT;
    use serde_json::json;

    fn deployment(container: &Value) -> Value {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "x" },
                "spec": { "selector": {}, "template": { "spec": { "containers": [container] } } } })
    }

    #[test]
    fn unknown_fields_are_found_and_pruned() {
        let mut object = deployment(&json!({ "name": "a", "imagee": "b", "resources": {} }));
        let unknown = unknown_fields(&DEPLOYMENT, &object).unwrap();
        assert_eq!(unknown, ["spec.template.spec.containers[0].imagee"]);
        prune(&mut object, &unknown[0]);
        assert!(unknown_fields(&DEPLOYMENT, &object).unwrap().is_empty());
    }

    #[test]
    fn wrong_types_are_refused() {
        let failure = unknown_fields(&DEPLOYMENT, &deployment(&json!({ "name": 3 }))).unwrap_err();
        assert!(
            failure
                .message
                .starts_with("Deployment in version \"v1\" cannot be handled as a Deployment: json: ")
        );
    }
}
