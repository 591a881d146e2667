//! People, groups, applications and Azure role assignments of a world file.

use http::Method;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::door::Door;
use super::file;
use crate::azure::directory::{Group, User};
use crate::random;
use crate::seed;
use crate::world::Shared;

/// The api-version of role assignments.
const ROLE_ASSIGNMENTS: &str = "2022-04-01";

/// A GUID that is the same for the same name.
fn id_of(kind: &str, name: &str) -> String {
    let mut bytes = [0_u8; 16];
    let hash = Sha256::digest(format!("{kind}:{name}").as_bytes());
    for (byte, hashed) in bytes.iter_mut().zip(hash) {
        *byte = hashed;
    }
    random::uuid_from(bytes)
}

/// Adds or replaces somebody.
pub(super) fn person(shared: &Shared, wanted: &file::Person) {
    let user = User {
        id: wanted.id.clone().unwrap_or_else(|| id_of("person", &wanted.user_principal_name)),
        user_principal_name: wanted.user_principal_name.clone(),
        display_name: wanted.name.clone(),
        directory_roles: wanted.directory_roles.clone(),
    };
    let mut directory = shared.azure.directory();
    directory
        .users
        .retain(|other| other.id != user.id && other.user_principal_name != user.user_principal_name);
    directory.users.push(user);
}

/// Adds or replaces a group, or as many as `count` says.
pub(super) fn group(shared: &Shared, wanted: &file::Group) -> Result<(), String> {
    if wanted.count.is_some() && wanted.id.is_some() {
        return Err(format!(
            "`{}` are {} groups and cannot have one id",
            wanted.name,
            wanted.count.unwrap_or(0)
        ));
    }
    let members: Result<Vec<String>, String> =
        wanted.members.iter().map(|member| object_id(shared, member)).collect();
    let members = members?;
    let names = match wanted.count {
        None => vec![wanted.name.clone()],
        Some(count) => (1..=count).map(|number| format!("{}-{number}", wanted.name)).collect(),
    };
    let mut directory = shared.azure.directory();
    for name in names {
        let id = wanted.id.clone().unwrap_or_else(|| {
            let there = directory.groups.iter().find(|group| group.display_name == name);
            there.map_or_else(|| id_of("group", &name), |group| group.id.clone())
        });
        directory.groups.retain(|other| other.id != id);
        directory.groups.push(Group {
            id,
            display_name: name,
            security_enabled: true,
            members: members.clone(),
        });
    }
    Ok(())
}

/// The object id of somebody or something named by id, log-in name or display name.
pub(super) fn object_id(shared: &Shared, named: &str) -> Result<String, String> {
    let directory = shared.azure.directory();
    let is = |id: &str, names: [&str; 2]| id.eq_ignore_ascii_case(named) || names.contains(&named);
    let user = directory.users.iter().find(|it| is(&it.id, [&it.user_principal_name, &it.display_name]));
    let principal =
        || directory.service_principals.iter().find(|it| is(&it.id, [&it.app_id, &it.display_name]));
    let group = || directory.groups.iter().find(|it| is(&it.id, [&it.display_name, ""]));
    let id = user.map(|it| it.id.clone());
    let id = id.or_else(|| principal().map(|it| it.id.clone()));
    id.or_else(|| group().map(|it| it.id.clone())).ok_or_else(|| {
        format!("nobody is called `{named}`, expected an object id, a log-in name or a display name")
    })
}

/// Registers or changes an application and its service principal.
pub(super) async fn application(door: &Door<'_>, wanted: &file::Application) -> Result<(), String> {
    let named = |id: &str, app_id: &str| (id.to_owned(), app_id.to_owned());
    let there = door
        .shared
        .azure
        .directory()
        .applications
        .iter()
        .find_map(|it| (it.display_name == wanted.name).then(|| named(&it.id, &it.app_id)));
    let mut body = wanted.set.clone();
    body.insert("displayName".to_owned(), json!(wanted.name));
    let (id, app_id) = if let Some((id, app_id)) = there {
        door.ask("graph", &Method::PATCH, &format!("/v1.0/applications/{id}"), Some(&json!(body))).await?;
        (id, app_id)
    } else {
        let made = door.ask("graph", &Method::POST, "/v1.0/applications", Some(&json!(body))).await?;
        named(text(&made, "id"), text(&made, "appId"))
    };
    service_principal(door, &app_id, &wanted.service_principal).await?;
    for credential in &wanted.federated_credentials {
        let path = format!("/v1.0/applications/{id}/federatedIdentityCredentials");
        door.ask("graph", &Method::POST, &path, Some(&json!(credential))).await?;
    }
    if wanted.deleted {
        door.ask("graph", &Method::DELETE, &format!("/v1.0/applications/{id}"), None).await?;
    }
    Ok(())
}

async fn service_principal(door: &Door<'_>, app_id: &str, set: &Map<String, Value>) -> Result<(), String> {
    let there = door.shared.azure.directory().service_principal_of(app_id).map(|it| it.id.clone());
    let mut body = set.clone();
    if let Some(id) = there {
        if body.is_empty() {
            return Ok(());
        }
        let path = format!("/v1.0/servicePrincipals/{id}");
        return door.ask("graph", &Method::PATCH, &path, Some(&json!(body))).await.map(drop);
    }
    body.insert("appId".to_owned(), json!(app_id));
    door.ask("graph", &Method::POST, "/v1.0/servicePrincipals", Some(&json!(body))).await.map(drop)
}

/// Assigns an Azure role, unless it is assigned already.
pub(super) async fn role_assignment(door: &Door<'_>, wanted: &file::RoleAssignment) -> Result<(), String> {
    let principal = object_id(door.shared, &wanted.principal)?;
    let name = id_of("assignment", &format!("{principal} {} {}", wanted.role, wanted.scope));
    let path = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments/{name}?api-version={ROLE_ASSIGNMENTS}",
        wanted.scope.trim_end_matches('/')
    );
    let role = format!(
        "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}",
        seed::SUBSCRIPTION,
        wanted.role
    );
    let body = json!({ "properties": { "roleDefinitionId": role, "principalId": principal } });
    door.ask("resource_manager", &Method::PUT, &path, Some(&body)).await.map(drop)
}

fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}
