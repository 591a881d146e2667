//! The application's service principal, and who was given which of the application's roles.

use azure_core::http::Method;
use bridge::inventory::{Facts, Observed, State};
use bridge::plan::{Action, Outputs};
use bridge::port::{PortResult, Refused};
use bridge::resource::{AppRoleAssignment, Resource, ServicePrincipal};
use bridge::spec::Bridge;
use serde::Deserialize;
use serde_json::{Value, json};

use super::application::Registered;
use super::{Directory, no_application, quoted, same_id};
use crate::azure::rest::{Rest, encoded};
use crate::error;

/// A service principal as Graph shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Principal {
    pub(super) id: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    id: String,
    app_role_id: String,
    principal_id: String,
}

/// The service principal of the application with this client id.
pub(super) async fn find(graph: &Rest, app_id: &str) -> PortResult<Option<Principal>> {
    let filter = encoded(&format!("appId eq {}", quoted(app_id)));
    let all: Vec<Principal> = graph.list(&format!("/v1.0/servicePrincipals?$filter={filter}")).await?;
    Ok(all.into_iter().next())
}

/// The service principal and the role assignments of the application that was found.
pub(super) async fn observe(
    graph: &Rest,
    bridge: &Bridge,
    application: &Registered,
) -> PortResult<Vec<Observed>> {
    let Some(principal) = find(graph, &application.app_id).await? else { return Ok(Vec::new()) };
    let marked = application.is_ours(bridge);
    let service_principal = ServicePrincipal { app_id: application.app_id.clone() };
    let mut observed = vec![live(Resource::ServicePrincipal(service_principal), marked)];
    let roles = application.enabled_roles();
    for assignment in assignments(graph, &principal.id).await? {
        let role = roles.iter().find(|(_, role)| same_id(&role.id, &assignment.app_role_id));
        // An assignment without a role of ours gives nobody anything on the other side.
        if let Some((value, role)) = role {
            let resource = Resource::AppRoleAssignment(AppRoleAssignment {
                principal_id: assignment.principal_id,
                app_role_id: role.id.clone(),
                role: value.clone(),
            });
            observed.push(live(resource, marked));
        }
    }
    Ok(observed)
}

/// Makes one change to the service principal.
pub(super) async fn perform(
    graph: &Directory,
    action: &Action,
    wanted: &ServicePrincipal,
    outputs: &mut Outputs,
) -> PortResult<()> {
    let (directory, graph) = (graph, &graph.rest);
    let app_id = outputs.resolve(&wanted.app_id).map_err(|_| no_application("a service principal"))?;
    let found = find(graph, &app_id).await?;
    if matches!(action, Action::Delete { .. }) {
        return match found {
            Some(principal) => graph.delete(&format!("/v1.0/servicePrincipals/{}", principal.id)).await,
            None => Ok(()),
        };
    }
    let id = match found {
        Some(principal) => principal.id,
        None => directory.settled(|| create(graph, &app_id)).await?,
    };
    outputs.service_principal_id = Some(id);
    Ok(())
}

/// Gives or takes away one role.
pub(super) async fn perform_assignment(
    graph: &Directory,
    facts: &Facts,
    action: &Action,
    wanted: &AppRoleAssignment,
    outputs: &Outputs,
) -> PortResult<()> {
    let known = facts.application.as_ref().and_then(|application| application.service_principal_id.clone());
    let resource = match outputs.service_principal_id.clone().or(known) {
        Some(resource) => resource,
        None if matches!(action, Action::Delete { .. }) => return Ok(()),
        None => return Err(no_application("a role assignment")),
    };
    let (directory, graph) = (graph, &graph.rest);
    let path = format!("/v1.0/servicePrincipals/{resource}/appRoleAssignedTo");
    if matches!(action, Action::Delete { .. }) {
        let is_it = |it: &Assignment| {
            same_id(&it.principal_id, &wanted.principal_id) && same_id(&it.app_role_id, &wanted.app_role_id)
        };
        let all = directory.settled(|| assignments(graph, &resource)).await?;
        return match all.into_iter().find(is_it) {
            Some(found) => graph.delete(&format!("{path}/{}", encoded(&found.id))).await,
            None => Ok(()),
        };
    }
    // Not looked up first: with many holders that would be a long list for every one of them.
    let body = json!({
        "principalId": wanted.principal_id,
        "resourceId": resource,
        "appRoleId": wanted.app_role_id,
    });
    directory.settled(|| assign(graph, &path, &body)).await
}

/// What is given already is given.
async fn assign(graph: &Rest, path: &str, body: &Value) -> PortResult<()> {
    match graph.write(Method::Post, path, body).await {
        Err(refused) if refused.message.contains("Permission being assigned already exists") => Ok(()),
        outcome => outcome.map(drop),
    }
}

async fn assignments(graph: &Rest, principal: &str) -> PortResult<Vec<Assignment>> {
    graph.list(&format!("/v1.0/servicePrincipals/{principal}/appRoleAssignedTo")).await
}

async fn create(graph: &Rest, app_id: &str) -> PortResult<String> {
    let made = match graph.write(Method::Post, "/v1.0/servicePrincipals", &json!({ "appId": app_id })).await {
        // It is there, and was too new to be found: by its other key, which the list's filter lags behind.
        Err(refused) if refused.kind == Refused::Conflict => {
            graph.get(&format!("/v1.0/servicePrincipals(appId={})", quoted(app_id))).await?
        }
        outcome => outcome?,
    };
    let id = made.get("id").and_then(Value::as_str).map(str::to_owned);
    id.ok_or_else(|| error::own(graph.service(), Refused::Invalid, "the new service principal has no id"))
}

fn live(resource: Resource, marked: bool) -> Observed {
    Observed { resource, marked, state: State::Live, holds: None }
}
