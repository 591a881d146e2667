//! What is not ours on both clouds, and that it stays as it was.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harbour::Harbour;

/// Everything on both clouds that is not ours, by name; members of policies one by one.
pub(super) type Foreign = BTreeMap<String, Value>;

/// What the bridge of the sandbox writes on what it makes.
const MARKS: [&str; 3] =
    ["gangplank:harbour", "\"gangplank-bridge\":\"harbour\"", "\"gangplank\":\"harbour\""];

/// Looks in fair weather.
pub(super) fn foreign(harbour: &Harbour) -> Foreign {
    let faults = &harbour.sandbox.world.faults;
    let before = faults.take();
    let forbidden = harbour.sandbox.world.google.forbid(sandbox::google::Organisation::default());
    let found = look(harbour);
    harbour.sandbox.world.google.forbid(forbidden);
    for (service, armed) in before {
        for armed in armed {
            faults.arm_for(&service, armed).unwrap();
        }
    }
    found
}

fn look(harbour: &Harbour) -> Foreign {
    let mut found = Foreign::new();
    let addresses = harbour.sandbox.addresses();
    let project = sandbox::seed::PROJECT;
    let google = harbour.google_log_in();
    let get = |url: String, token: &str| {
        let (status, body) = harbour.send(harbour.client().get(&url).bearer_auth(token));
        assert_eq!(status, 200, "{url}: {body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let pools =
        format!("http://{}/v1/projects/{project}/locations/global/workloadIdentityPools", addresses.iam);
    let accounts = format!("http://{}/v1/projects/{project}/serviceAccounts", addresses.iam);
    let repositories = format!(
        "http://{}/v1/projects/{project}/locations/{}/repositories",
        addresses.artifact_registry,
        sandbox::seed::LOCATION
    );
    let pool_list = get(format!("{pools}?showDeleted=true"), &google);
    keep(&mut found, "pool", &pool_list["workloadIdentityPools"], "name");
    for pool in pool_list["workloadIdentityPools"].as_array().into_iter().flatten() {
        let id = pool["name"].as_str().unwrap().rsplit('/').next().unwrap();
        let providers = get(format!("{pools}/{id}/providers?showDeleted=true"), &google);
        keep(&mut found, "provider", &providers["workloadIdentityPoolProviders"], "name");
    }
    keep(&mut found, "service account", &get(accounts, &google)["accounts"], "email");
    keep(&mut found, "repository", &get(repositories, &google)["repositories"], "name");
    let graph = std::fs::read_to_string(harbour.file("az/graph.token")).unwrap();
    for set in ["applications", "servicePrincipals"] {
        let url = format!("https://{}/v1.0/{set}?$top=999", addresses.graph);
        keep(&mut found, set, &get(url, &graph)["value"], "id");
    }
    let arm = std::fs::read_to_string(harbour.file("az/management.token")).unwrap();
    let url = format!(
        "https://{}/subscriptions/{}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01",
        addresses.resource_manager,
        sandbox::seed::SUBSCRIPTION
    );
    keep(&mut found, "role assignment", &get(url, &arm)["value"], "id");
    let policy = format!("http://{}/v3/projects/{project}:getIamPolicy", addresses.cloud_resource_manager);
    let (_, policy) = harbour.send(harbour.client().post(policy).bearer_auth(&google).json(&json!({})));
    let policy: Value = serde_json::from_str(&policy).unwrap();
    for binding in policy["bindings"].as_array().into_iter().flatten() {
        for member in binding["members"].as_array().into_iter().flatten() {
            let key = format!("member {member} of {} if {}", binding["role"], binding["condition"]);
            found.insert(key, Value::Null);
        }
    }
    let admin = std::fs::read_to_string(harbour.file("cluster-admin.token")).unwrap();
    for kind in ["namespaces", "serviceaccounts", "configmaps"] {
        let url = format!("https://{}/api/v1/{kind}", addresses.cluster);
        keep(&mut found, kind, &get(url, &admin)["items"], "metadata");
    }
    found
}

/// Keeps those that do not carry our mark.
fn keep(found: &mut Foreign, kind: &str, all: &Value, name: &str) {
    for object in all.as_array().into_iter().flatten() {
        let text = object.to_string();
        let ours = MARKS.iter().any(|mark| text.contains(mark))
            || object["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "gangplank";
        let name = match &object[name] {
            Value::Object(metadata) => {
                format!("{}/{}", metadata.get("namespace").unwrap_or(&Value::Null), metadata["name"])
            }
            other => other.to_string(),
        };
        if !ours {
            let mut object = object.clone();
            if let Some(metadata) = object["metadata"].as_object_mut() {
                metadata.remove("resourceVersion");
                metadata.remove("managedFields");
            }
            found.insert(format!("{kind} {name}"), object);
        }
    }
}

/// What was foreign before the set-up, as the trouble left it.
pub(super) fn foreign_after_trouble(harbour: &Harbour, before: &Foreign) -> Foreign {
    let mut after = foreign(harbour);
    after.retain(|key, _| before.contains_key(key));
    after
}

pub(super) fn unchanged(harbour: &Harbour, before: &Foreign, mended: bool) -> Result<(), String> {
    let after = foreign(harbour);
    for (key, value) in before {
        match after.get(key) {
            Some(now) if now == value || mended => {}
            // A mend may hand something over, or take it away.
            None if mended => {}
            now => return Err(format!("{key} is not ours and was changed\nfrom {value}\nto   {now:?}")),
        }
    }
    Ok(())
}
