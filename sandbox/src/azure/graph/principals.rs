//! Service principals.

use http::Method;
use serde_json::Value;

use super::refusal::Refusal;
use super::{Call, Done, created, found, is_named};
use crate::azure::directory::{Application, Directory, ServicePrincipal};
use crate::random;

impl Call<'_> {
    pub(super) fn service_principals(&self, method: &Method, below: &[&str]) -> Result<Done, Refusal> {
        match (method, below) {
            (&Method::GET, []) => {
                self.list("servicePrincipals", self.shared.azure.directory().service_principals.iter())
            }
            (&Method::POST, []) => self.create_service_principal(),
            (_, [key]) => self.one_service_principal(method, key),
            (_, [key, "appRoleAssignedTo", rest @ ..]) => self.assigned_to(method, key, rest),
            (_, [key, "appRoleAssignments", rest @ ..]) => self.assignments_of(method, key, rest),
            _ => Err(Refusal::no_segment(below.last().copied().unwrap_or("servicePrincipals"))),
        }
    }

    fn create_service_principal(&self) -> Result<Done, Refusal> {
        let wanted = self.object()?;
        let app_id =
            wanted.get("appId").and_then(Value::as_str).ok_or_else(|| Refusal::invalid_value("appId"))?;
        let mut directory = self.shared.azure.directory();
        if directory.service_principal_of(app_id).is_some() {
            return Err(Refusal::conflict(format!(
                "The service principal cannot be created, updated, or restored because the service principal name \
                 {app_id} is already in use."
            )));
        }
        let application = directory.application(app_id).ok_or_else(|| {
            let message = format!(
                "The appId '{app_id}' of the service principal does not reference a valid application object."
            );
            Refusal::bad_request("NoBackingApplicationObject", message)
        })?;
        let mut principal = of(application);
        set(&mut principal, wanted)?;
        directory.service_principals.push(principal.clone());
        created(&principal)
    }

    fn one_service_principal(&self, method: &Method, key: &str) -> Result<Done, Refusal> {
        let mut directory = self.shared.azure.directory();
        let principal = find(&directory, key)?.clone();
        match *method {
            Method::GET => found(&principal),
            Method::PATCH => {
                let mut principal = principal;
                set(&mut principal, self.object()?)?;
                if let Some(slot) = directory.service_principals.iter_mut().find(|it| it.id == principal.id) {
                    *slot = principal;
                }
                Ok(Done::Empty)
            }
            Method::DELETE => {
                remove(&mut directory, &principal.id);
                Ok(Done::Empty)
            }
            _ => Err(Refusal::no_segment(key)),
        }
    }
}

/// The service principal that `key` names.
pub(super) fn find<'d>(directory: &'d Directory, key: &str) -> Result<&'d ServicePrincipal, Refusal> {
    let found = directory.service_principals.iter().find(|it| is_named(key, &it.id, &it.app_id));
    found.ok_or_else(|| Refusal::not_found(key.strip_prefix("appId=").unwrap_or(key)))
}

fn of(application: &Application) -> ServicePrincipal {
    ServicePrincipal {
        id: random::uuid(),
        app_id: application.app_id.clone(),
        display_name: application.display_name.clone(),
        service_principal_type: "Application".to_owned(),
        account_enabled: true,
        app_role_assignment_required: false,
        blocked_by_policy: false,
        tags: Vec::new(),
        service_principal_names: names(application),
        app_roles: application.app_roles.clone(),
    }
}

/// The names a service principal goes by.
pub(super) fn names(application: &Application) -> Vec<String> {
    let mut names = vec![application.app_id.clone()];
    names.extend(application.identifier_uris.iter().cloned());
    names
}

fn set(principal: &mut ServicePrincipal, wanted: &serde_json::Map<String, Value>) -> Result<(), Refusal> {
    for (name, value) in wanted {
        let invalid = || Refusal::invalid_value(name);
        match name.as_str() {
            "appId" if value == principal.app_id.as_str() => {}
            "accountEnabled" => principal.account_enabled = value.as_bool().ok_or_else(invalid)?,
            "appRoleAssignmentRequired" => {
                principal.app_role_assignment_required = value.as_bool().ok_or_else(invalid)?;
            }
            "tags" => {
                let tags: Vec<String> = serde_json::from_value(value.clone()).map_err(|_| invalid())?;
                principal.tags = tags;
            }
            "appId" => return Err(invalid()),
            unknown => return Err(Refusal::invalid_property(unknown)),
        }
    }
    Ok(())
}

/// Removes a service principal and every assignment of and to it.
pub(super) fn remove(directory: &mut Directory, id: &str) {
    directory.service_principals.retain(|it| it.id != id);
    directory.assignments.retain(|it| it.principal_id != id && it.resource_id != id);
}
