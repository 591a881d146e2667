//! Objects on their way in: read as their type, placed in the namespace of the address, held against what is stored.

use serde_json::{Value, json};

use super::json::{self, set, text};
use super::kinds::Kind;
use super::objects::{Part, UnknownFields};
use super::status::Failure;
use super::store::Key;
use super::{defaults, schema};

/// Reads a body as its type.
pub(super) fn read(kind: &Kind, object: &mut Value, mode: UnknownFields) -> Result<Vec<String>, Failure> {
    json::without_nulls(object);
    if let Some(other) = wrong_kind(kind, object) {
        return Err(Failure::bad_request(other));
    }
    set(object, &["apiVersion"], json!(kind.api_version()));
    set(object, &["kind"], json!(kind.name));
    defaults::normalize_quantities(kind, object);
    let unknown = schema::unknown_fields(kind, object)?;
    let texts: Vec<String> = unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
    if mode == UnknownFields::Strict && !texts.is_empty() {
        return Err(schema::cannot_handle(kind, &format!("strict decoding error: {}", texts.join(", "))));
    }
    for field in &unknown {
        schema::prune(object, field);
    }
    Ok(if mode == UnknownFields::Warn { texts } else { Vec::new() })
}

fn wrong_kind(kind: &Kind, object: &Value) -> Option<String> {
    let (version, name) = (text(object, "/apiVersion"), text(object, "/kind"));
    let differs =
        (!version.is_empty() && version != kind.api_version()) || (!name.is_empty() && name != kind.name);
    differs.then(|| {
        format!(
            "{name} in version \"{version}\" cannot be handled as a {}: no kind \"{name}\" is registered for version \
             \"{version}\" at this address",
            kind.name
        )
    })
}

/// Leaves in an applied object only what the address is about: all but the status, or nothing but.
pub(super) fn confine(kind: &Kind, part: Part, applied: &mut Value) {
    match part {
        Part::Main if kind.status => drop(json::remove(applied, &["status"])),
        Part::Main => {}
        Part::Status => {
            if let Some(map) = applied.as_object_mut() {
                map.retain(|field, _| ["apiVersion", "kind", "metadata", "status"].contains(&field.as_str()));
            }
        }
    }
}

/// Unknown fields in an apply, in Kubernetes' words.
pub(super) fn declared_in_schema(key: &Key, applied: &Value) -> Result<(), Failure> {
    let kind = key.kind;
    if let Some(other) = wrong_kind(kind, applied) {
        return Err(Failure::bad_request(other));
    }
    match schema::unknown_fields(kind, applied)?.first() {
        None => Ok(()),
        Some(field) => Err(Failure::unexplained(format!(
            "failed to create typed patch object ({}/{}; {}, Kind={}): .{field}: field not declared in schema",
            key.namespace,
            key.name,
            kind.api_version(),
            kind.name
        ))),
    }
}

/// Puts the namespace of the address into the object, or refuses another one.
pub(super) fn identify(kind: &Kind, namespace: &str, object: &mut Value) -> Result<(), Failure> {
    if !object.is_object() {
        return Err(Failure::bad_request(
            "the body of the request is no object, expected one with `metadata`",
        ));
    }
    if !kind.namespaced {
        json::remove(object, &["metadata", "namespace"]);
        return Ok(());
    }
    let given = text(object, "/metadata/namespace").to_owned();
    if !given.is_empty() && given != namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    set(object, &["metadata", "namespace"], json!(namespace));
    Ok(())
}

pub(super) fn precondition(key: &Key, before: &Value, after: &Value) -> Result<(), Failure> {
    for field in ["/metadata/resourceVersion", "/metadata/uid"] {
        let wanted = text(after, field);
        if !wanted.is_empty() && wanted != text(before, field) {
            return Err(Failure::modified(key.kind, &key.name));
        }
    }
    Ok(())
}
