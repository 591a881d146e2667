//! Pools, providers, service accounts, repositories and grants of a world file.

use http::Method;
use serde_json::{Map, Value, json};

use super::door::Door;
use super::file;
use crate::seed;

const CONFLICT: u16 = 409;
const NOT_FOUND: u16 = 404;

/// The pool, made or changed. It is deleted by [`bury`], once it has its providers.
pub(super) async fn pool(door: &Door<'_>, wanted: &file::Pool) -> Result<(), String> {
    let (parent, id) = (pools(), ("workloadIdentityPoolId", wanted.id.as_str()));
    make_or_change(door, &parent, id, &wanted.set).await
}

/// A provider of the pool, made or changed, and perhaps deleted.
pub(super) async fn provider(
    door: &Door<'_>,
    pool: &file::Pool,
    wanted: &file::Provider,
) -> Result<(), String> {
    let parent = format!("{}/{}/providers", pools(), pool.id);
    let id = ("workloadIdentityPoolProviderId", wanted.id.as_str());
    make_or_change(door, &parent, id, &wanted.set).await?;
    delete_if(door, wanted.deleted, "iam", &format!("{parent}/{}", wanted.id)).await
}

/// Deletes the pool if that is wanted.
pub(super) async fn bury(door: &Door<'_>, wanted: &file::Pool) -> Result<(), String> {
    delete_if(door, wanted.deleted, "iam", &format!("{}/{}", pools(), wanted.id)).await
}

/// A service account, made or changed, and perhaps disabled or deleted.
pub(super) async fn service_account(door: &Door<'_>, wanted: &file::ServiceAccount) -> Result<(), String> {
    let parent = format!("/v1/projects/{}/serviceAccounts", seed::PROJECT);
    let one = format!("{parent}/{}@{}.iam.gserviceaccount.com", wanted.id, seed::PROJECT);
    let body = json!({ "accountId": wanted.id, "serviceAccount": wanted.set });
    let (status, answer) = door.send("iam", &Method::POST, &parent, Some(&body)).await?;
    if status == CONFLICT && !wanted.set.is_empty() {
        let body = json!({ "serviceAccount": wanted.set, "updateMask": mask(&wanted.set) });
        door.ask("iam", &Method::PATCH, &one, Some(&body)).await?;
    } else if status >= 300 && status != CONFLICT {
        return Err(words("iam", status, &answer));
    }
    let verb = if wanted.disabled { "disable" } else { "enable" };
    door.ask("iam", &Method::POST, &format!("{one}:{verb}"), Some(&json!({}))).await?;
    delete_if(door, wanted.deleted, "iam", &one).await
}

/// A repository, made or changed.
pub(super) async fn repository(door: &Door<'_>, wanted: &file::Repository) -> Result<(), String> {
    let location = wanted.location.as_deref().unwrap_or(seed::LOCATION);
    let parent = format!("/v1/projects/{}/locations/{location}/repositories", seed::PROJECT);
    let mut body = wanted.set.clone();
    body.entry("format").or_insert_with(|| json!("DOCKER"));
    let path = format!("{parent}?repositoryId={}", wanted.id);
    let (status, answer) = door.send("artifact_registry", &Method::POST, &path, Some(&json!(body))).await?;
    match status {
        CONFLICT if wanted.set.is_empty() => Ok(()),
        CONFLICT => {
            let path = format!("{parent}/{}?updateMask={}", wanted.id, mask(&wanted.set));
            door.ask("artifact_registry", &Method::PATCH, &path, Some(&json!(wanted.set))).await.map(drop)
        }
        200..300 => Ok(()),
        _ => Err(words("artifact_registry", status, &answer)),
    }
}

/// Puts members into a role, or takes them out.
pub(super) async fn grant(door: &Door<'_>, wanted: &file::Grant) -> Result<(), String> {
    let (service, resource, read) = resource(&wanted.on)?;
    let asked = (read == Method::POST && service != "iam").then(|| json!({}));
    let policy = door.ask(service, &read, &format!("{resource}:getIamPolicy"), asked.as_ref()).await?;
    let mut policy = policy.as_object().cloned().unwrap_or_default();
    let mut bindings: Vec<Value> =
        policy.get("bindings").and_then(Value::as_array).cloned().unwrap_or_default();
    if wanted.revoked {
        for binding in bindings.iter_mut().filter(|binding| binding.get("role") == Some(&json!(wanted.role)))
        {
            if let Some(members) = binding.get_mut("members").and_then(Value::as_array_mut) {
                members.retain(|member| !wanted.members.iter().any(|revoked| member == revoked));
            }
        }
    } else {
        let mut binding = json!({ "role": wanted.role, "members": wanted.members });
        if let (Some(binding), Some(condition)) = (binding.as_object_mut(), &wanted.condition) {
            binding.insert("condition".to_owned(), condition.clone());
            policy.insert("version".to_owned(), json!(3));
        }
        bindings.push(binding);
    }
    policy.insert("bindings".to_owned(), Value::Array(bindings));
    let body = json!({ "policy": policy });
    door.ask(service, &Method::POST, &format!("{resource}:setIamPolicy"), Some(&body)).await.map(drop)
}

/// Service, path and the method that reads its policy.
fn resource(on: &str) -> Result<(&'static str, String, Method), String> {
    let project = seed::PROJECT;
    match on.split_once('/') {
        None if on == "project" => {
            Ok(("cloud_resource_manager", format!("/v3/projects/{project}"), Method::POST))
        }
        Some(("serviceAccount", id)) => {
            let account = format!("{id}@{project}.iam.gserviceaccount.com");
            Ok(("iam", format!("/v1/projects/{project}/serviceAccounts/{account}"), Method::POST))
        }
        Some(("repository", id)) => {
            let path = format!("/v1/projects/{project}/locations/{}/repositories/{id}", seed::LOCATION);
            Ok(("artifact_registry", path, Method::GET))
        }
        _ => Err(format!("`on` is `{on}`, expected `project`, `serviceAccount/ID` or `repository/ID`")),
    }
}

fn pools() -> String {
    format!("/v1/projects/{}/locations/global/workloadIdentityPools", seed::PROJECT)
}

/// Makes something below `parent`; what is there already is undeleted if need be, and changed.
async fn make_or_change(
    door: &Door<'_>,
    parent: &str,
    (parameter, id): (&str, &str),
    set: &Map<String, Value>,
) -> Result<(), String> {
    let (body, one) = (json!(set), format!("{parent}/{id}"));
    let (status, there) = door.send("iam", &Method::GET, &one, None).await?;
    if status == NOT_FOUND {
        let path = format!("{parent}?{parameter}={id}");
        return door.ask("iam", &Method::POST, &path, Some(&body)).await.map(drop);
    }
    if status >= 300 {
        return Err(words("iam", status, &there));
    }
    if there.get("state") == Some(&json!("DELETED")) {
        door.ask("iam", &Method::POST, &format!("{one}:undelete"), Some(&json!({}))).await?;
    }
    if set.is_empty() {
        return Ok(());
    }
    door.ask("iam", &Method::PATCH, &format!("{one}?updateMask={}", mask(set)), Some(&body)).await.map(drop)
}

async fn delete_if(door: &Door<'_>, deleted: bool, service: &str, path: &str) -> Result<(), String> {
    if deleted { door.ask(service, &Method::DELETE, path, None).await.map(drop) } else { Ok(()) }
}

fn mask(set: &Map<String, Value>) -> String {
    set.keys().map(String::as_str).collect::<Vec<_>>().join(",")
}

fn words(service: &str, status: u16, answer: &Value) -> String {
    super::door::refusal(service, status, answer)
}
