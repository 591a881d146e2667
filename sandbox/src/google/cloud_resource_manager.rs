//! `cloudresourcemanager.googleapis.com`: the project and its policy.

use axum::Router;
use serde_json::{Value, json};

use super::call::{self, Call, Service};
use super::error::{ApiError, Code};
use super::policy;
use super::resources::{Resources, is_project};
use crate::seed;
use crate::world::{Shared, World};

const HOST: &str = "cloudresourcemanager.googleapis.com";

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    call::router(shared, Service { host: HOST, answer })
}

fn answer(world: &World, call: &Call) -> Result<Value, ApiError> {
    let mut resources = world.google.resources();
    let (method, path, verb) = call.route();
    let [version @ ("v1" | "v3"), "projects", project] = path.as_slice() else {
        return Err(ApiError::no_such_method());
    };
    match (method, verb) {
        ("GET", "") => {
            require(&resources, call, project, "resourcemanager.projects.get")?;
            Ok(if *version == "v1" { object_v1() } else { object() })
        }
        ("POST", "getIamPolicy") => {
            require(&resources, call, project, "resourcemanager.projects.getIamPolicy")?;
            Ok(resources.project_policy.to_json())
        }
        ("POST", "setIamPolicy") => {
            require(&resources, call, project, "resourcemanager.projects.setIamPolicy")?;
            policy::set(&mut resources, call, |resources| Some(&mut resources.project_policy))
        }
        ("POST", "testIamPermissions") if is_project(project) => Ok(policy::test(&resources, call, None)),
        ("POST", "testIamPermissions") => Err(denied(project, "resourcemanager.projects.get")),
        _ => Err(ApiError::no_such_method()),
    }
}

fn require(resources: &Resources, call: &Call, project: &str, permission: &str) -> Result<(), ApiError> {
    if is_project(project) && resources.allows(&call.identity.caller, permission, None) {
        return Ok(());
    }
    Err(denied(project, permission))
}

fn denied(project: &str, permission: &str) -> ApiError {
    let message = format!(
        "Permission '{permission}' denied on resource '//{HOST}/projects/{project}' (or it may not exist)."
    );
    let metadata = json!({ "permission": permission, "resource": format!("projects/{project}") });
    ApiError::new(Code::PermissionDenied, message).with_info("IAM_PERMISSION_DENIED", HOST, &metadata)
}

/// The project as version 1 shows it, which `gcloud projects` and Google's authentication libraries ask for.
/// <https://cloud.google.com/resource-manager/reference/rest/v1/projects>
fn object_v1() -> Value {
    json!({
        "projectNumber": seed::PROJECT_NUMBER,
        "projectId": seed::PROJECT,
        "lifecycleState": "ACTIVE",
        "name": "Harbour sandbox",
        "createTime": "2026-01-05T08:00:00Z",
    })
}

fn object() -> Value {
    json!({
        "name": format!("projects/{}", seed::PROJECT_NUMBER),
        "projectId": seed::PROJECT,
        "displayName": "Harbour sandbox",
        "state": "ACTIVE",
        "createTime": "2026-01-05T08:00:00Z",
        "updateTime": "2026-01-05T08:00:00Z",
        "etag": "W/\"2f1d6c0a9b3e4758\"",
    })
}
