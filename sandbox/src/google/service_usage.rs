//! `serviceusage.googleapis.com`: which APIs the project has switched on, and switching them on.
//! <https://cloud.google.com/service-usage/docs/reference/rest/v1/services>

use axum::Router;
use serde_json::{Value, json};

use super::call::{self, Call, Service};
use super::error::{ApiError, Code};
use super::organisation::{API_HOSTS, title};
use super::resources::{Resources, is_project};
use crate::world::{Shared, World};
use crate::{random, seed};

const HOST: &str = "serviceusage.googleapis.com";

/// How many services one request may switch on.
const LARGEST_BATCH: usize = 20;

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    call::router(shared, Service { host: HOST, answer })
}

fn answer(world: &World, call: &Call) -> Result<Value, ApiError> {
    let mut resources = world.google.resources();
    let (method, path, verb) = call.route();
    match (method, path.as_slice(), verb) {
        ("GET", ["v1", "operations", id], "") => operation(&resources, call, id),
        ("GET", ["v1", "projects", project, "services"], "") => list(&resources, call, project),
        ("GET", ["v1", "projects", project, "services", host], "") => {
            require(&resources, call, project, "serviceusage.services.get")
                .map_err(|()| denied("get service", host))?;
            require_known(&[host])?;
            Ok(shown(&resources, host))
        }
        ("POST", ["v1", "projects", project, "services", host], "enable") => {
            enable(&mut resources, call, project, &[host], |all| {
                let service = all.first().cloned().unwrap_or_default();
                ("EnableServiceResponse", json!({ "service": service }))
            })
        }
        ("POST", ["v1", "projects", project, "services"], "batchEnable") => {
            let ids = call.body.get("serviceIds").and_then(Value::as_array);
            let hosts: Vec<&str> = ids.into_iter().flatten().filter_map(Value::as_str).collect();
            if hosts.is_empty() || hosts.len() > LARGEST_BATCH {
                return Err(ApiError::invalid_argument());
            }
            let response = |all: &[Value]| ("BatchEnableServicesResponse", json!({ "services": all }));
            enable(&mut resources, call, project, &hosts, response)
        }
        _ => Err(ApiError::no_such_method()),
    }
}

/// Switches services on: all of them, or none.
fn enable(
    resources: &mut Resources,
    call: &Call,
    project: &str,
    hosts: &[&str],
    response: impl Fn(&[Value]) -> (&'static str, Value),
) -> Result<Value, ApiError> {
    require(resources, call, project, "serviceusage.services.enable")
        .map_err(|()| denied("enable service", &hosts.join(", ")))?;
    require_known(hosts)?;
    let changes = hosts.iter().filter(|host| resources.organisation.disabled.remove(**host)).count();
    let all: Vec<Value> = hosts.iter().map(|host| shown(resources, host)).collect();
    let (kind, response) = response(&all);
    let kind = json!({ "@type": format!("type.googleapis.com/google.api.serviceusage.v1.{kind}") });
    let response = super::joined(kind, response);
    if changes == 0 {
        return Ok(json!({ "name": "operations/noop.DONE_OPERATION", "done": true, "response": response }));
    }
    let name = format!("operations/acat.p2-{}-{}", seed::PROJECT_NUMBER, random::uuid());
    resources.keep_operation(name.clone(), json!({ "name": name, "done": true, "response": response }));
    Ok(json!({ "name": name }))
}

fn operation(resources: &Resources, call: &Call, id: &str) -> Result<Value, ApiError> {
    if !resources.allows(&call.identity.caller, "serviceusage.operations.get", None) {
        return Err(ApiError::new(Code::PermissionDenied, "The caller does not have permission"));
    }
    resources.operation(&format!("operations/{id}")).cloned().ok_or_else(ApiError::not_found)
}

fn list(resources: &Resources, call: &Call, project: &str) -> Result<Value, ApiError> {
    require(resources, call, project, "serviceusage.services.list").map_err(|()| {
        let container = format!("projects/{}", seed::PROJECT_NUMBER);
        denied("list services for consumer container", &container)
    })?;
    let wanted = match call.query("filter") {
        None => None,
        Some("state:ENABLED") => Some("ENABLED"),
        Some("state:DISABLED") => Some("DISABLED"),
        Some(_) => return Err(ApiError::invalid_argument()),
    };
    let all = known().map(|host| shown(resources, host));
    let all: Vec<Value> =
        all.filter(|it| wanted.is_none_or(|wanted| it.get("state").is_some_and(|it| it == wanted))).collect();
    Ok(if all.is_empty() { json!({}) } else { json!({ "services": all }) })
}

/// The services that a project can have here. Service Usage is always on.
fn known() -> impl Iterator<Item = &'static str> {
    API_HOSTS.into_iter().chain([HOST])
}

fn require(resources: &Resources, call: &Call, project: &str, permission: &str) -> Result<(), ()> {
    let allowed = is_project(project) && resources.allows(&call.identity.caller, permission, None);
    if allowed { Ok(()) } else { Err(()) }
}

/// Refuses services that are nobody's.
fn require_known(hosts: &[&str]) -> Result<(), ApiError> {
    let strange: Vec<&str> = hosts.iter().copied().filter(|host| !known().any(|it| it == *host)).collect();
    if strange.is_empty() {
        return Ok(());
    }
    let services = strange.join(", ");
    let message = format!("Not found or permission denied for service(s): {services}.");
    let reason = "SERVICE_CONFIG_NOT_FOUND_OR_PERMISSION_DENIED";
    Err(refusal(&message, "220002", reason, &json!({ "services": services })))
}

/// Refuses who lacks a permission, in the words of <https://github.com/su-kaka/gcli2api/issues/283>.
fn denied(what: &str, whose: &str) -> ApiError {
    let message = format!("Permission denied to {what} [{whose}]");
    refusal(&message, "110002", "AUTH_PERMISSION_DENIED", &json!({}))
}

fn refusal(message: &str, subject: &str, reason: &str, metadata: &Value) -> ApiError {
    let violation = json!({
        "@type": "type.googleapis.com/google.rpc.PreconditionFailure",
        "violations": [{ "type": "googleapis.com", "subject": subject }],
    });
    let message = format!("{message}\nHelp Token: {}", random::hex());
    ApiError::new(Code::PermissionDenied, message).with(violation).with_info(reason, HOST, metadata)
}

fn shown(resources: &Resources, host: &str) -> Value {
    let parent = format!("projects/{}", seed::PROJECT_NUMBER);
    let state = if resources.organisation.disabled.contains(host) { "DISABLED" } else { "ENABLED" };
    json!({
        "name": format!("{parent}/services/{host}"),
        "config": { "name": host, "title": title(host) },
        "state": state,
        "parent": parent,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use crate::google::testing::{Fixture, call};

    const SERVICES: &str = "/v1/projects/harbour-sandbox/services";

    #[tokio::test]
    async fn an_api_is_switched_on_by_who_may() {
        let fixture = Fixture::new();
        let router = super::router(Arc::clone(&fixture.world));
        fixture.world.google.switch_api("container.googleapis.com", false);
        let path = format!("{SERVICES}/container.googleapis.com");
        let enable = format!("{path}:enable");
        let refused = call(&router, ("POST", &enable), &fixture.nobody(), json!({})).await;
        assert_eq!(refused.status, 403);
        assert!(
            refused.message().starts_with("Permission denied to enable service [container.googleapis.com]"),
            "{}",
            refused.message()
        );
        let state = async || call(&router, ("GET", &path), &fixture.admin(), json!(null)).await.json();
        assert_eq!(state().await["state"], "DISABLED");
        let begun = call(&router, ("POST", &enable), &fixture.admin(), json!({})).await.json();
        assert_eq!(begun.get("done"), None);
        let operation = format!("/v1/{}", begun["name"].as_str().unwrap());
        let done = call(&router, ("GET", &operation), &fixture.admin(), json!(null)).await.json();
        assert_eq!(done["done"], true);
        assert_eq!(done["response"]["service"]["state"], "ENABLED");
        assert_eq!(state().await["name"], "projects/412907655821/services/container.googleapis.com");
        assert_eq!(state().await["state"], "ENABLED");
        let again = call(&router, ("POST", &enable), &fixture.admin(), json!({})).await.json();
        assert_eq!(again["name"], "operations/noop.DONE_OPERATION");
    }

    #[tokio::test]
    async fn many_are_switched_on_together_or_not_at_all() {
        let fixture = Fixture::new();
        let router = super::router(Arc::clone(&fixture.world));
        for host in ["iam.googleapis.com", "sts.googleapis.com"] {
            fixture.world.google.switch_api(host, false);
        }
        let enable = format!("{SERVICES}:batchEnable");
        let batch = async |ids: serde_json::Value| {
            call(&router, ("POST", &enable), &fixture.admin(), json!({ "serviceIds": ids })).await
        };
        let off = async || {
            let path = format!("{SERVICES}?filter=state:DISABLED");
            let off = call(&router, ("GET", &path), &fixture.admin(), json!(null)).await.json();
            off["services"].as_array().map_or(0, Vec::len)
        };
        let refused = batch(json!(["iam.googleapis.com", "no.example"])).await;
        assert_eq!(refused.status, 403);
        assert!(refused.message().starts_with("Not found or permission denied for service(s): no.example."));
        assert_eq!(off().await, 2);
        assert_eq!(batch(json!(["iam.googleapis.com", "sts.googleapis.com"])).await.status, 200);
        assert_eq!(off().await, 0);
    }
}
