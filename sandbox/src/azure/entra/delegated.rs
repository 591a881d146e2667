//! Delegated tokens: what the Azure CLI gets for the person who ran `az login`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::mint::{LIFETIME, Minted, object, sign};
use super::refusal::Refusal;
use super::resource::Resource;
use super::{groups, resource};
use crate::azure::directory::{Directory, User};
use crate::azure::first_party::{AZURE_CLI, AZURE_CLI_NAME, FirstParty, GRAPH};
use crate::seed;
use crate::world::Shared;

/// A token of this person for one of Microsoft's services, which have admitted the Azure CLI long ago.
pub(crate) fn first_party(shared: &Shared, person: &str, service: &FirstParty) -> Result<Minted, Refusal> {
    let user = user(&shared.azure.directory(), person)?;
    let audience = service.resources.first().copied().unwrap_or(service.app_id);
    let scopes = if service.app_id == GRAPH.app_id {
        "Application.ReadWrite.All AppRoleAssignment.ReadWrite.All Directory.AccessAsUser.All Group.Read.All User.Read.All"
    } else {
        "user_impersonation"
    };
    let mut claims = version_1(&user, audience);
    let more = json!({
        "idtyp": "user",
        // Services look nobody up by it.
        "sub": user.id,
        "scp": scopes,
        "wids": user.directory_roles,
        "amr": ["pwd", "mfa"],
    });
    claims.extend(object(more));
    sign(shared, claims, false, LIFETIME)
}

/// A token of this person for an application of the tenant, as `az account get-access-token` gets it.
pub(crate) fn application(shared: &Shared, person: &str, named: &str) -> Result<Minted, Refusal> {
    let resource = resource::find(shared, named)?;
    let claims = claims(shared, person, &resource)?;
    sign(shared, claims, resource.wants_v2(), LIFETIME)
}

fn claims(shared: &Shared, person: &str, resource: &Resource) -> Result<Map<String, Value>, Refusal> {
    let directory = shared.azure.directory();
    let user = user(&directory, person)?;
    let principal = &resource.principal;
    if !principal.account_enabled {
        return Err(Refusal::resource_disabled(&resource.named));
    }
    let api = resource.application.as_ref().map(|it| it.api.clone()).unwrap_or_default();
    let scopes = api.permissions_of(AZURE_CLI);
    if scopes.is_empty() {
        return Err(Refusal::no_consent(AZURE_CLI, AZURE_CLI_NAME));
    }
    if principal.app_role_assignment_required && !directory.is_person_assigned(&user.id, &principal.id) {
        let asked = (principal.display_name.as_str(), principal.app_id.as_str());
        return Err(Refusal::person_not_assigned(&user.user_principal_name, asked));
    }
    let mut claims = if resource.wants_v2() {
        version_2(&user, &principal.app_id)
    } else {
        version_1(&user, &resource.named)
    };
    claims.insert("sub".to_owned(), json!(pairwise(&user.id, &principal.app_id)));
    claims.insert("scp".to_owned(), json!(scopes.join(" ")));
    let roles = directory.roles_of_person(&user.id, principal);
    if !roles.is_empty() {
        claims.insert("roles".to_owned(), json!(roles));
    }
    groups::add(&mut claims, shared, &directory, ("users", &user.id), resource);
    Ok(claims)
}

fn user(directory: &Directory, person: &str) -> Result<User, Refusal> {
    directory.user(person).cloned().ok_or_else(|| Refusal::no_such_user(person, seed::TENANT_NAME))
}

fn version_1(user: &User, audience: &str) -> Map<String, Value> {
    object(json!({
        "aud": audience,
        "appid": AZURE_CLI,
        "appidacr": "0",
        "oid": user.id,
        "upn": user.user_principal_name,
        "unique_name": user.user_principal_name,
        "name": user.display_name,
    }))
}

fn version_2(user: &User, audience: &str) -> Map<String, Value> {
    object(json!({
        "aud": audience,
        "azp": AZURE_CLI,
        "azpacr": "0",
        "oid": user.id,
        "preferred_username": user.user_principal_name,
        "name": user.display_name,
    }))
}

/// A person's subject: another one for each application, and her object id for none
/// (<https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>).
fn pairwise(person: &str, application: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{person} {application}")))
}
