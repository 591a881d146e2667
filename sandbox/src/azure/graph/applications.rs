//! App registrations.

use http::Method;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::{Call, Done, created, found, is_named};
use crate::azure::directory::{Api, AppRole, Application, Directory};
use crate::azure::entra::groups;
use crate::{random, seed};

/// A domain that the tenant has verified.
const VERIFIED_DOMAIN: &str = "harbour.example";

impl Call<'_> {
    pub(super) fn applications(&self, method: &Method, below: &[&str]) -> Result<Done, Refusal> {
        match (method, below) {
            (&Method::GET, []) => {
                self.list("applications", self.shared.azure.directory().applications.iter())
            }
            (&Method::POST, []) => self.create_application(),
            (_, [key]) => self.one_application(method, key),
            (_, [key, "federatedIdentityCredentials", rest @ ..]) => self.credentials(method, key, rest),
            _ => Err(Refusal::no_segment(below.last().copied().unwrap_or("applications"))),
        }
    }

    fn create_application(&self) -> Result<Done, Refusal> {
        let mut application = Application {
            id: random::uuid(),
            app_id: random::uuid(),
            display_name: String::new(),
            created_date_time: self.shared.clock.now(),
            identifier_uris: Vec::new(),
            api: Api::default(),
            app_roles: Vec::new(),
            tags: Vec::new(),
            sign_in_audience: "AzureADMyOrg".to_owned(),
            group_membership_claims: None,
            notes: None,
            secrets: Vec::new(),
            certificates: Vec::new(),
            federated_credentials: Vec::new(),
        };
        change(&mut application, self.object()?)?;
        if application.display_name.is_empty() {
            return Err(Refusal::invalid_value("displayName"));
        }
        let mut directory = self.shared.azure.directory();
        refuse_taken_uris(&directory, &application)?;
        directory.applications.push(application.clone());
        created(&application)
    }

    fn one_application(&self, method: &Method, key: &str) -> Result<Done, Refusal> {
        let mut directory = self.shared.azure.directory();
        let at = position(&directory, key)?;
        match *method {
            Method::GET => found(at.get(&directory)?),
            Method::PATCH => {
                let mut application = at.get(&directory)?.clone();
                change(&mut application, self.object()?)?;
                refuse_taken_uris(&directory, &application)?;
                mirror(&mut directory, &application);
                at.set(&mut directory, application);
                Ok(Done::Empty)
            }
            Method::DELETE => {
                let application = at.get(&directory)?.clone();
                remove(&mut directory, &application);
                Ok(Done::Empty)
            }
            _ => Err(Refusal::no_segment(key)),
        }
    }
}

/// Where an application is in the directory.
pub(super) struct Position(usize);

pub(super) fn position(directory: &Directory, key: &str) -> Result<Position, Refusal> {
    let position = directory.applications.iter().position(|it| is_named(key, &it.id, &it.app_id));
    position.map(Position).ok_or_else(|| Refusal::not_found(key.strip_prefix("appId=").unwrap_or(key)))
}

impl Position {
    pub(super) fn get<'d>(&self, directory: &'d Directory) -> Result<&'d Application, Refusal> {
        directory.applications.get(self.0).ok_or_else(|| Refusal::not_found("application"))
    }

    pub(super) fn get_mut<'d>(&self, directory: &'d mut Directory) -> Result<&'d mut Application, Refusal> {
        directory.applications.get_mut(self.0).ok_or_else(|| Refusal::not_found("application"))
    }

    fn set(&self, directory: &mut Directory, application: Application) {
        if let Some(slot) = directory.applications.get_mut(self.0) {
            *slot = application;
        }
    }
}

/// Applies the properties of a create or update request. Unknown ones are refused.
fn change(application: &mut Application, wanted: &Map<String, Value>) -> Result<(), Refusal> {
    for (name, value) in wanted {
        let invalid = || Refusal::invalid_value(name);
        let text = || value.as_str().map(str::to_owned);
        match name.as_str() {
            "displayName" => {
                application.display_name = text().filter(|it| is_display_name(it)).ok_or_else(invalid)?;
            }
            "notes" => application.notes = text(),
            "groupMembershipClaims" if is_group_claims(value) => application.group_membership_claims = text(),
            "signInAudience" if value == "AzureADMyOrg" => {}
            "tags" => application.tags = texts(value).ok_or_else(invalid)?,
            "identifierUris" => {
                let uris = texts(value).ok_or_else(invalid)?;
                application.identifier_uris = checked_uris(application, uris)?;
            }
            "api" => application.api = super::api::changed(application, value)?,
            "appRoles" => {
                let roles = serde_json::from_value(value.clone()).map_err(|_| invalid())?;
                application.app_roles = checked_roles(application, roles)?;
            }
            "id" | "appId" | "createdDateTime" | "signInAudience" | "groupMembershipClaims" => {
                return Err(invalid());
            }
            unknown => return Err(Refusal::invalid_property(unknown)),
        }
    }
    Ok(())
}

/// `null`, or kinds of groups joined by commas.
fn is_group_claims(value: &Value) -> bool {
    let known = |text: &str| text.split(',').all(|kind| groups::KINDS.contains(&kind.trim()));
    value.is_null() || value.as_str().is_some_and(known)
}

fn is_display_name(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 256
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|one| one.as_str().map(str::to_owned)).collect()
}

/// Identifier URIs must hold the tenant's id, the application's own, or a verified domain.
fn checked_uris(application: &Application, uris: Vec<String>) -> Result<Vec<String>, Refusal> {
    for uri in &uris {
        let host = uri.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
        let host = host.unwrap_or_default();
        let verified = host == VERIFIED_DOMAIN || host.ends_with(&format!(".{VERIFIED_DOMAIN}"));
        if !(host == application.app_id || host == seed::TENANT || verified) {
            return Err(Refusal::bad_request(
                "Request_BadRequest",
                format!(
                    "Values of identifierUris property must use a verified domain of the organization or its \
                     subdomain: '{uri}'"
                ),
            ));
        }
    }
    Ok(uris)
}

/// An enabled role must be disabled before it can be changed or removed, and ids and values must be unique.
fn checked_roles(application: &Application, roles: Vec<AppRole>) -> Result<Vec<AppRole>, Refusal> {
    let kept = |old: &AppRole| {
        roles.iter().any(|new| {
            new == old || (new.id == old.id && AppRole { is_enabled: true, ..new.clone() } == *old)
        })
    };
    if application.app_roles.iter().any(|old| old.is_enabled && !kept(old)) {
        return Err(Refusal::enabled_entitlement());
    }
    let kinds = |role: &AppRole| {
        !role.allowed_member_types.is_empty()
            && role.allowed_member_types.iter().all(|kind| kind == "User" || kind == "Application")
    };
    if !roles.iter().all(kinds) {
        return Err(Refusal::invalid_value("allowedMemberTypes"));
    }
    for (index, role) in roles.iter().enumerate() {
        if roles.iter().skip(index + 1).any(|other| is_same(role, other)) {
            return Err(Refusal::duplicate_value());
        }
    }
    Ok(roles)
}

fn is_same(role: &AppRole, other: &AppRole) -> bool {
    role.id == other.id || (role.value.is_some() && role.value == other.value)
}

fn refuse_taken_uris(directory: &Directory, application: &Application) -> Result<(), Refusal> {
    let others = directory.applications.iter().filter(|other| other.id != application.id);
    let mut taken = others.flat_map(|other| &other.identifier_uris);
    if taken.any(|uri| application.identifier_uris.contains(uri)) {
        let message = "Another object with the same value for property identifierUris already exists.";
        return Err(Refusal::bad_request("Request_BadRequest", message));
    }
    Ok(())
}

/// The service principal shows names and roles of its application.
fn mirror(directory: &mut Directory, application: &Application) {
    let principal = directory.service_principals.iter_mut().find(|it| it.app_id == application.app_id);
    if let Some(principal) = principal {
        principal.display_name.clone_from(&application.display_name);
        principal.app_roles.clone_from(&application.app_roles);
        principal.service_principal_names = super::principals::names(application);
    }
}

/// Removes an application, and with it its service principal.
fn remove(directory: &mut Directory, application: &Application) {
    directory.applications.retain(|it| it.id != application.id);
    if let Some(id) = directory.service_principal_of(&application.app_id).map(|it| it.id.clone()) {
        super::principals::remove(directory, &id);
    }
}
