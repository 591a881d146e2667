//! The Entra application: found by display name and mark, made, changed, removed, brought back.

use std::collections::{BTreeMap, BTreeSet};

use azure_core::http::Method;
use bridge::convention::marked_for;
use bridge::import::Trust;
use bridge::inventory::{Observed, State};
use bridge::name::is_guid;
use bridge::plan::{Action, Outputs};
use bridge::port::{PortError, PortResult, Refused};
use bridge::resource::{AppRole, Application, MemberType, Resource};
use bridge::spec::Bridge;
use bridge::want::delegated_permission;
use serde::Deserialize;
use serde_json::{Value, json};

use super::delegated::{Api, Steps};
use super::{Directory, quoted};
use crate::azure::rest::{Rest, encoded};
use crate::error;

/// An application as Graph shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Registered {
    pub(super) id: String,
    pub(super) app_id: String,
    display_name: String,
    #[serde(default)]
    identifier_uris: Vec<String>,
    #[serde(default)]
    api: Option<Api>,
    #[serde(default)]
    app_roles: Vec<RegisteredRole>,
    #[serde(default)]
    tags: Vec<String>,
    group_membership_claims: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegisteredRole {
    id: String,
    value: Option<String>,
    display_name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    allowed_member_types: Vec<MemberType>,
    #[serde(default)]
    is_enabled: bool,
}

/// The live application of the bridge: the one with our mark, else any of the same name.
pub(super) async fn find(graph: &Rest, bridge: &Bridge) -> PortResult<Option<Registered>> {
    choose(named(graph, "/v1.0/applications", bridge).await?, bridge)
}

/// The living applications whose tokens a provider takes; without a provider, those of the bridge's name.
pub(super) async fn trusted(graph: &Rest, bridge: &Bridge, trust: &Trust) -> PortResult<Vec<Registered>> {
    if trust.found.is_none() {
        return named(graph, "/v1.0/applications", bridge).await;
    }
    let mut found: Vec<Registered> = Vec::new();
    for audience in trust.audiences() {
        let filter = if is_guid(&audience.to_ascii_lowercase()) {
            format!("appId eq {}", quoted(audience))
        } else {
            format!("identifierUris/any(uri:uri eq {})", quoted(audience))
        };
        let all: Vec<Registered> =
            graph.list(&format!("/v1.0/applications?$filter={}", encoded(&filter))).await?;
        found.extend(
            all.into_iter().filter(|it| !found.iter().any(|other| other.id == it.id)).collect::<Vec<_>>(),
        );
    }
    Ok(found)
}

/// The application as it is: live, deleted for now, or not at all.
pub(super) async fn observe(
    graph: &Rest,
    bridge: &Bridge,
    live: Option<&Registered>,
) -> PortResult<Option<Observed>> {
    if let Some(live) = live {
        return Ok(Some(live.observed(bridge, State::Live)));
    }
    Ok(deleted(graph, bridge).await?.map(|found| found.observed(bridge, State::SoftDeleted)))
}

/// Makes one change to the application.
pub(super) async fn perform(
    graph: &Directory,
    bridge: &Bridge,
    action: &Action,
    wanted: &Application,
    outputs: &mut Outputs,
) -> PortResult<()> {
    let (directory, graph) = (graph, &graph.rest);
    let live = find(graph, bridge).await?;
    let made = match (action, live) {
        (Action::Delete { .. }, None) => return Ok(()),
        (Action::Delete { .. }, Some(live)) => {
            live.check_ours(graph, bridge)?;
            return graph.delete(&format!("/v1.0/applications/{}", live.id)).await;
        }
        (Action::Adopt { .. }, Some(live)) => {
            live.check_unchanged(graph, bridge, action)?;
            update(graph, bridge, &live, wanted, Some(&bridge.mark())).await?;
            let principal = super::principal::find(graph, &live.app_id).await?;
            outputs.service_principal_id = principal.map(|principal| principal.id);
            live
        }
        (_, Some(live)) => {
            live.check_ours(graph, bridge)?;
            live.check_unchanged(graph, bridge, action)?;
            update(graph, bridge, &live, wanted, None).await?;
            live
        }
        (Action::Update { .. } | Action::Adopt { deleted: false, .. }, None) => {
            return Err(changed(graph, &wanted.display_name, "is gone"));
        }
        (Action::Undelete { .. } | Action::Adopt { .. }, None) => {
            let adopting = matches!(action, Action::Adopt { .. });
            let gone = restore(graph, bridge, adopting).await?;
            let mark = adopting.then(|| bridge.mark());
            directory.settled(|| update(graph, bridge, &gone, wanted, mark.as_deref())).await?;
            gone
        }
        (Action::Create { .. }, None) => create(directory, bridge, wanted).await?,
    };
    outputs.application_id = Some(made.app_id);
    outputs.application_object_id = Some(made.id);
    Ok(())
}

/// Graph has no etags for applications: what the plan was made for is compared with what is there now.
fn changed(graph: &Rest, name: &str, how: &str) -> PortError {
    let problem = format!("application `{name}` {how} since the plan was made");
    error::own(graph.service(), Refused::Conflict, problem)
}

async fn named(graph: &Rest, list: &str, bridge: &Bridge) -> PortResult<Vec<Registered>> {
    let filter = encoded(&format!("displayName eq {}", quoted(&bridge.federation.application)));
    graph.list(&format!("{list}?$filter={filter}")).await
}

/// Entra keeps deleted applications for thirty days, and with them the identifier URI.
async fn deleted(graph: &Rest, bridge: &Bridge) -> PortResult<Option<Registered>> {
    let list = "/v1.0/directory/deletedItems/microsoft.graph.application";
    match named(graph, list, bridge).await {
        Ok(all) => Ok(all.into_iter().find(|found| found.is_ours(bridge))),
        // Whoever may not see what was deleted makes a new one.
        Err(refused) if !refused.is_transient() => Ok(None),
        Err(failed) => Err(failed),
    }
}

fn choose(all: Vec<Registered>, bridge: &Bridge) -> PortResult<Option<Registered>> {
    let (ours, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|found| found.is_ours(bridge));
    if ours.len() > 1 {
        let problem = format!(
            "{} applications named `{}` carry the tag `{}`; remove the tag from all but one",
            ours.len(),
            bridge.federation.application,
            bridge.mark()
        );
        return Err(error::own(super::GRAPH, Refused::Conflict, problem));
    }
    Ok(ours.into_iter().chain(others).next())
}

/// What is made has all that we declare, except clients that are preauthorised: those take a second request.
async fn create(directory: &Directory, bridge: &Bridge, wanted: &Application) -> PortResult<Registered> {
    let graph = &directory.rest;
    let steps = api(None, bridge, wanted);
    let mut body = declared(wanted, &steps.main);
    if let Some(body) = body.as_object_mut() {
        body.insert("signInAudience".to_owned(), json!("AzureADMyOrg"));
        body.insert("tags".to_owned(), json!([bridge.mark()]));
        body.insert("appRoles".to_owned(), roles(wanted));
    }
    let made = read(graph, graph.write(Method::Post, "/v1.0/applications", &body).await?)?;
    for step in &steps.after {
        directory.settled(|| patch_api(graph, &made, step)).await?;
    }
    Ok(made)
}

async fn restore(graph: &Rest, bridge: &Bridge, foreign: bool) -> PortResult<Registered> {
    let missing = || error::own(super::GRAPH, Refused::NotFound, "the deleted application is gone for good");
    let gone =
        deleted(graph, bridge).await?.filter(|gone| foreign || gone.is_ours(bridge)).ok_or_else(missing)?;
    let path = format!("/v1.0/directory/deletedItems/{}/restore", gone.id);
    graph.write(Method::Post, &path, &json!({})).await?;
    Ok(gone)
}

/// Makes it what is wanted; with `mark`, also ours.
async fn update(
    graph: &Rest,
    bridge: &Bridge,
    found: &Registered,
    wanted: &Application,
    mark: Option<&str>,
) -> PortResult<()> {
    let path = format!("/v1.0/applications/{}", found.id);
    let steps = api(found.api.as_ref(), bridge, wanted);
    for step in &steps.before {
        patch_api(graph, found, step).await?;
    }
    let leaving = found.leaving(wanted);
    if !leaving.is_empty() {
        // Graph removes or changes a role only after it was disabled.
        let disabled = json!({ "appRoles": merged(wanted, &leaving) });
        graph.write(Method::Patch, &path, &disabled).await?;
    }
    let mut body = declared(wanted, &steps.main);
    if let Some(body) = body.as_object_mut() {
        body.insert("appRoles".to_owned(), roles(wanted));
        body.insert("identifierUris".to_owned(), json!(found.uris_with(&wanted.identifier_uri)));
        if let Some(mark) = mark {
            let others = found.tags.iter().map(String::as_str).filter(|tag| *tag != mark);
            body.insert("tags".to_owned(), json!(others.chain([mark]).collect::<Vec<_>>()));
        }
    }
    graph.write(Method::Patch, &path, &body).await?;
    for step in &steps.after {
        patch_api(graph, found, step).await?;
    }
    Ok(())
}

/// The way of `api` from what was found to what is wanted.
fn api(found: Option<&Api>, bridge: &Bridge, wanted: &Application) -> Steps {
    let found = found.cloned().unwrap_or_default();
    let permission = wanted.delegated.clone().unwrap_or_else(|| delegated_permission(bridge));
    found.steps(&permission, wanted.delegated.is_some(), wanted.token_version)
}

async fn patch_api(graph: &Rest, found: &Registered, api: &Value) -> PortResult<()> {
    let path = format!("/v1.0/applications/{}", found.id);
    graph.write(Method::Patch, &path, &json!({ "api": api })).await.map(drop)
}

/// The fields we declare, roles apart.
fn declared(wanted: &Application, api: &Value) -> Value {
    json!({
        "displayName": wanted.display_name,
        "identifierUris": [wanted.identifier_uri],
        "api": api,
        "groupMembershipClaims": wanted.group_claims.then_some("SecurityGroup"),
    })
}

fn roles(wanted: &Application) -> Value {
    Value::Array(wanted.app_roles.iter().map(|(value, role)| role_body(value, role)).collect())
}

fn role_body(value: &str, role: &AppRole) -> Value {
    json!({
        "id": role.id,
        "value": value,
        "displayName": role.display_name,
        "description": role.display_name,
        "isEnabled": true,
        "allowedMemberTypes": role.allowed_member_types,
    })
}

/// The wanted roles and, disabled, those that leave or change.
fn merged(wanted: &Application, leaving: &[RegisteredRole]) -> Value {
    // A role whose GUID changes leaves under its value; the one that takes its place comes with the second request.
    let stays = |value: &str, role: &AppRole| {
        !leaving.iter().any(|gone| gone.id == role.id || gone.value.as_deref() == Some(value))
    };
    let staying = wanted.app_roles.iter().filter(|(value, role)| stays(value, role));
    let staying = staying.map(|(value, role)| role_body(value, role));
    Value::Array(staying.chain(leaving.iter().map(RegisteredRole::disabled)).collect())
}

fn read(graph: &Rest, body: Value) -> PortResult<Registered> {
    serde_json::from_value(body).map_err(|problem| {
        let problem = format!("the answer is not what is documented: {problem}");
        error::own(graph.service(), Refused::Invalid, problem)
    })
}

impl Registered {
    pub(super) fn is_ours(&self, bridge: &Bridge) -> bool {
        self.tags.iter().any(|tag| *tag == bridge.mark())
    }

    fn check_ours(&self, graph: &Rest, bridge: &Bridge) -> PortResult<()> {
        if self.is_ours(bridge) {
            return Ok(());
        }
        let problem = format!(
            "application `{}` exists and does not carry the tag `{}`",
            self.display_name,
            bridge.mark()
        );
        Err(error::own(graph.service(), Refused::Conflict, problem))
    }

    /// Whether it is still what the plan was made for, or has become what it shall be.
    fn check_unchanged(&self, graph: &Rest, bridge: &Bridge, action: &Action) -> PortResult<()> {
        let (Action::Update { found, .. } | Action::Adopt { found, deleted: false, .. }) = action else {
            return Ok(());
        };
        let now = self.observed(bridge, State::Live).resource;
        if now == *found || now == *action.resource() {
            return Ok(());
        }
        Err(changed(graph, &self.display_name, "was changed"))
    }

    /// The bridge whose mark it carries.
    pub(super) fn mark(&self) -> Option<String> {
        self.tags.iter().find_map(|tag| marked_for(tag)).map(str::to_owned)
    }

    pub(super) fn display_name(&self) -> &str {
        &self.display_name
    }

    pub(super) fn observed(&self, bridge: &Bridge, state: State) -> Observed {
        let declared = bridge.identifier_uri();
        // Other URIs beside ours are nobody's drift.
        let ours = self.identifier_uris.iter().find(|uri| **uri == declared);
        let identifier_uri = ours.or_else(|| self.identifier_uris.first()).cloned().unwrap_or_default();
        let claims = self.group_membership_claims.as_deref().unwrap_or_default();
        let api = self.api.clone().unwrap_or_default();
        let resource = Resource::Application(Application {
            display_name: self.display_name.clone(),
            identifier_uri,
            token_version: api.requested_access_token_version.unwrap_or(1),
            app_roles: self.enabled_roles(),
            delegated: api.observed(&delegated_permission(bridge)),
            group_claims: claims.contains("SecurityGroup") || claims.contains("All"),
        });
        Observed { resource, marked: self.is_ours(bridge), state, holds: None }
    }

    /// Our URI and whatever others there are: a list is replaced as a whole, and others' are not ours to take away.
    fn uris_with<'a>(&'a self, ours: &'a str) -> Vec<&'a str> {
        let others = self.identifier_uris.iter().map(String::as_str).filter(|uri| *uri != ours);
        std::iter::once(ours).chain(others).collect()
    }

    pub(super) fn enabled_roles(&self) -> BTreeMap<String, AppRole> {
        self.app_roles.iter().filter(|role| role.is_enabled).filter_map(RegisteredRole::declared).collect()
    }

    /// Roles that are registered and not wanted, or not so.
    fn leaving(&self, wanted: &Application) -> Vec<RegisteredRole> {
        let is_wanted = |role: &RegisteredRole| match role.declared() {
            Some((value, role)) => wanted.app_roles.get(&value) == Some(&role),
            None => true,
        };
        self.app_roles.iter().filter(|role| !is_wanted(role)).cloned().collect()
    }
}

impl RegisteredRole {
    fn declared(&self) -> Option<(String, AppRole)> {
        let display_name = self.display_name.clone().unwrap_or_default();
        let allowed_member_types: BTreeSet<MemberType> = self.allowed_member_types.iter().copied().collect();
        Some((self.value.clone()?, AppRole { id: self.id.clone(), display_name, allowed_member_types }))
    }

    /// As it is, but disabled.
    fn disabled(&self) -> Value {
        json!({
            "id": self.id,
            "value": self.value,
            "displayName": self.display_name,
            "description": self.description,
            "isEnabled": false,
            "allowedMemberTypes": self.allowed_member_types,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registered() -> Registered {
        let shown = json!({
            "id": "o", "appId": "a", "displayName": "Quay", "identifierUris": ["api://t/quay"],
            "api": {"requestedAccessTokenVersion": null},
            "appRoles": [
                {"id": "1", "value": "Stays", "displayName": "Stays", "isEnabled": true, "allowedMemberTypes": ["Application"]},
                {"id": "2", "value": "Goes", "displayName": "Goes", "isEnabled": true, "allowedMemberTypes": ["Application"]},
                {"id": "3", "value": "Other", "displayName": "Other", "isEnabled": true, "allowedMemberTypes": ["Application"]},
                {"id": "6", "value": "Wider", "displayName": "Wider", "isEnabled": true, "allowedMemberTypes": ["Application"]},
            ],
            "tags": ["gangplank:quay"], "groupMembershipClaims": null,
        });
        serde_json::from_value(shown).unwrap()
    }

    #[test]
    fn others_uris_stay() {
        assert_eq!(registered().uris_with("api://t/quay"), ["api://t/quay"]);
        assert_eq!(registered().uris_with("api://t/ours"), ["api://t/ours", "api://t/quay"]);
    }

    fn wanted(roles: &[(&str, &str, &[MemberType])]) -> Application {
        let role = |(value, id, kinds): &(&str, &str, &[MemberType])| {
            let (id, display_name) = ((*id).to_owned(), (*value).to_owned());
            let allowed_member_types = kinds.iter().copied().collect();
            ((*value).to_owned(), AppRole { id, display_name, allowed_member_types })
        };
        Application {
            display_name: "Quay".to_owned(),
            identifier_uri: "api://t/quay".to_owned(),
            token_version: 2,
            app_roles: roles.iter().map(role).collect(),
            delegated: None,
            group_claims: false,
        }
    }

    #[test]
    fn roles_that_leave_or_change_are_disabled_first() {
        let machines = [MemberType::Application].as_slice();
        let everybody = [MemberType::Application, MemberType::User].as_slice();
        let wanted = wanted(&[
            ("Stays", "1", machines),
            ("New", "4", machines),
            ("Other", "5", machines),
            ("Wider", "6", everybody),
        ]);
        let leaving = registered().leaving(&wanted);
        let ids: Vec<_> = leaving.iter().map(|role| role.id.as_str()).collect();
        assert_eq!(ids, ["2", "3", "6"]);
        let merged = merged(&wanted, &leaving);
        let first: Vec<_> = merged
            .as_array()
            .unwrap()
            .iter()
            .map(|role| (role["id"].as_str().unwrap(), role["isEnabled"].as_bool().unwrap()))
            .collect();
        assert_eq!(first, [("4", true), ("1", true), ("2", false), ("3", false), ("6", false)]);
        assert_eq!(merged[4]["allowedMemberTypes"], json!(["Application"]), "as it was");
        assert_eq!(roles(&wanted)[3]["allowedMemberTypes"], json!(["Application", "User"]));
    }

    #[test]
    fn an_unset_token_version_is_one() {
        assert_eq!(registered().api.unwrap().requested_access_token_version, None);
    }
}
