//! Discovery: which groups, versions and kinds are served, made from the table of kinds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::kinds::{ALL, DEPLOYMENT, Kind, POD, REPLICA_SET, SERVICE, SERVICE_ACCOUNT};

/// The Kubernetes version we answer as.
pub(crate) const MINOR: &str = "33";

/// The document at `path`, if discovery has one.
pub(crate) fn document(path: &str, address: &str) -> Option<Value> {
    match path {
        "/version" => Some(version()),
        "/api" => Some(json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
        })),
        "/apis" => Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups() })),
        "/api/v1" => Some(resources("", "v1")),
        _ => {
            let parts: Vec<&str> = path.strip_prefix("/apis/")?.split('/').collect();
            match parts.as_slice() {
                [group] => groups().into_iter().find(|one| one["name"] == *group).map(as_document),
                [group, version] if versions().contains(&(*group, *version)) => {
                    Some(resources(group, version))
                }
                _ => None,
            }
        }
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": MINOR, "gitVersion": format!("v1.{MINOR}.0-gangplank-sandbox"), "gitCommit": "",
        "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "",
        "platform": "linux/amd64",
    })
}

fn versions() -> BTreeSet<(&'static str, &'static str)> {
    ALL.iter().map(|kind| (kind.group, kind.version)).collect()
}

fn groups() -> Vec<Value> {
    versions()
        .into_iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, version)| one_group(group, version))
        .collect()
}

fn one_group(group: &str, version: &str) -> Value {
    let version = json!({ "groupVersion": format!("{group}/{version}"), "version": version });
    json!({ "name": group, "versions": [version], "preferredVersion": version })
}

fn as_document(mut group: Value) -> Value {
    super::json::set(&mut group, &["kind"], json!("APIGroup"));
    super::json::set(&mut group, &["apiVersion"], json!("v1"));
    group
}

fn resources(group: &str, version: &str) -> Value {
    let kinds = ALL.iter().filter(|kind| kind.group == group && kind.version == version);
    let resources: Vec<Value> = kinds.flat_map(|kind| with_subresources(kind)).collect();
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources })
}

fn with_subresources(kind: &Kind) -> Vec<Value> {
    let mut main = json!({
        "name": kind.plural, "singularName": kind.name.to_lowercase(), "namespaced": kind.namespaced,
        "kind": kind.name, "verbs": kind.verbs(),
    });
    if !kind.short.is_empty() {
        super::json::set(&mut main, &["shortNames"], json!(kind.short));
    }
    if kind.is(&POD) || kind.is(&SERVICE) || kind.is(&DEPLOYMENT) || kind.is(&REPLICA_SET) {
        super::json::set(&mut main, &["categories"], json!(["all"]));
    }
    let mut all = vec![main];
    let mut part = |name: &str, of: &str, group: &str, version: &str, verbs: &[&str]| {
        let mut resource = json!({
            "name": format!("{}/{name}", kind.plural), "singularName": "", "namespaced": kind.namespaced,
            "kind": of, "verbs": verbs,
        });
        if !group.is_empty() {
            super::json::set(&mut resource, &["group"], json!(group));
            super::json::set(&mut resource, &["version"], json!(version));
        }
        all.push(resource);
    };
    if kind.status {
        part("status", kind.name, "", "", &["get", "patch", "update"]);
    }
    if kind.scales() {
        part("scale", "Scale", "autoscaling", "v1", &["get", "patch", "update"]);
    }
    if kind.is(&POD) {
        part("log", "Pod", "", "", &["get"]);
    } else if kind.is(&SERVICE) {
        part("proxy", "ServiceProxyOptions", "", "", &["create", "get"]);
    } else if kind.is(&SERVICE_ACCOUNT) {
        part("token", "TokenRequest", "authentication.k8s.io", "v1", &["create"]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_under_its_group() {
        for kind in ALL {
            let path = if kind.group.is_empty() {
                "/api/v1".to_owned()
            } else {
                format!("/apis/{}", kind.api_version())
            };
            let list = document(&path, "").unwrap();
            let listed = list["resources"].as_array().unwrap().iter().any(|one| one["kind"] == kind.name);
            assert!(listed, "{}", kind.name);
        }
        assert_eq!(document("/apis/apps", "").unwrap()["preferredVersion"]["groupVersion"], "apps/v1");
        assert_eq!(document("/apis/nothing/v1", ""), None);
    }
}
