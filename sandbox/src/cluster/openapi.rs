//! The OpenAPI documents as far as kubectl needs them before it writes: which kinds can be patched, and that the server
//! itself checks fields. Schemas are not served.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kinds::{ALL, Kind, Storage};

/// The document at `path`: the index, or that of one group and version.
pub(crate) fn document(path: &str) -> Option<Value> {
    let group_version = path.strip_prefix("/openapi/v3")?;
    if group_version.is_empty() {
        return Some(index());
    }
    let kinds: Vec<&Kind> =
        ALL.iter().copied().filter(|kind| format!("/{}", folder(kind)) == group_version).collect();
    (!kinds.is_empty()).then(|| one(&kinds))
}

fn folder(kind: &Kind) -> String {
    if kind.group.is_empty() {
        format!("api/{}", kind.version)
    } else {
        format!("apis/{}", kind.api_version())
    }
}

fn index() -> Value {
    let paths: BTreeMap<String, Value> = ALL
        .iter()
        .map(|kind| {
            let folder = folder(kind);
            let address = json!({ "serverRelativeURL": format!("/openapi/v3/{folder}") });
            (folder, address)
        })
        .collect();
    json!({ "paths": paths })
}

fn one(kinds: &[&Kind]) -> Value {
    let paths: BTreeMap<String, Value> = kinds.iter().map(|kind| (address(kind), operations(kind))).collect();
    json!({
        "openapi": "3.0.0", "info": { "title": "Kubernetes", "version": "unversioned" },
        "paths": paths, "components": { "schemas": {} },
    })
}

fn address(kind: &Kind) -> String {
    let within = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
    format!("/{}/{within}{}/{{name}}", folder(kind), kind.plural)
}

fn operations(kind: &Kind) -> Value {
    let names = ["dryRun", "fieldManager", "fieldValidation", "force"];
    let parameters: Vec<Value> = names
        .iter()
        .map(|name| json!({ "name": name, "in": "query", "schema": { "type": "string" } }))
        .collect();
    let patch = json!({
        "description": format!("partially update the specified {}", kind.name),
        "parameters": parameters,
        "responses": { "200": { "description": "OK" } },
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": { "group": kind.group, "version": kind.version, "kind": kind.name },
    });
    if kind.storage == Storage::Kept { json!({ "patch": patch }) } else { json!({}) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_of_the_index_has_its_document() {
        let index = document("/openapi/v3").unwrap();
        for (_, entry) in index["paths"].as_object().unwrap() {
            let address = entry["serverRelativeURL"].as_str().unwrap();
            assert!(document(address).is_some(), "{address}");
        }
        assert_eq!(document("/openapi/v3/apis/none/v1"), None);
        assert_eq!(document("/openapi/v2"), None);
    }
}
