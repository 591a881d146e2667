//! App-role assignments, seen from the resource (`appRoleAssignedTo`) and from the holder (`appRoleAssignments`).

use http::Method;
use serde_json::Value;

use super::principals::find;
use super::refusal::Refusal;
use super::{Call, Done, created, found};
use crate::azure::directory::{AppRoleAssignment, DEFAULT_ACCESS, Directory};
use crate::random;

impl Call<'_> {
    pub(super) fn assigned_to(&self, method: &Method, key: &str, rest: &[&str]) -> Result<Done, Refusal> {
        let resource = find(&self.shared.azure.directory(), key)?.id.clone();
        self.assignments(method, rest, |it| it.resource_id == resource)
    }

    pub(super) fn assignments_of(&self, method: &Method, key: &str, rest: &[&str]) -> Result<Done, Refusal> {
        let holder = find(&self.shared.azure.directory(), key)?.id.clone();
        self.assignments(method, rest, |it| it.principal_id == holder)
    }

    fn assignments(
        &self,
        method: &Method,
        rest: &[&str],
        ours: impl Fn(&AppRoleAssignment) -> bool,
    ) -> Result<Done, Refusal> {
        let mut directory = self.shared.azure.directory();
        match (method, rest) {
            (&Method::GET, []) => {
                self.list("appRoleAssignments", directory.assignments.iter().filter(|it| ours(it)))
            }
            (&Method::POST, []) => {
                let assignment = self.wanted(&directory)?;
                if !ours(&assignment) {
                    return Err(Refusal::invalid_value("resourceId"));
                }
                directory.assignments.push(assignment.clone());
                created(&assignment)
            }
            (&Method::GET, [id]) => {
                let one = directory.assignments.iter().find(|it| it.id == *id && ours(it));
                found(one.ok_or_else(|| Refusal::not_found(id))?)
            }
            (&Method::DELETE, [id]) => {
                let before = directory.assignments.len();
                directory.assignments.retain(|it| it.id != *id || !ours(it));
                if directory.assignments.len() == before {
                    Err(Refusal::not_found(id))
                } else {
                    Ok(Done::Empty)
                }
            }
            _ => Err(Refusal::no_segment(rest.last().copied().unwrap_or("appRoleAssignments"))),
        }
    }

    fn wanted(&self, directory: &Directory) -> Result<AppRoleAssignment, Refusal> {
        let body = self.object()?;
        let text =
            |name: &str| body.get(name).and_then(Value::as_str).ok_or_else(|| Refusal::invalid_value(name));
        let (principal_id, app_role_id) = (text("principalId")?, text("appRoleId")?);
        let resource = find(directory, text("resourceId")?)?;
        let (principal_type, name) =
            directory.describe(principal_id).ok_or_else(|| Refusal::not_found(principal_id))?;
        // A role takes people (and groups of them), applications, or both.
        let kind = if principal_type == "ServicePrincipal" { "Application" } else { "User" };
        let known = resource
            .app_roles
            .iter()
            .any(|role| role.is_enabled && role.id == app_role_id && role.takes(kind));
        if !known && app_role_id != DEFAULT_ACCESS {
            return Err(Refusal::bad_request(
                "Request_BadRequest",
                format!("Permission being assigned was not found on application '{}'", resource.app_id),
            ));
        }
        let same = |it: &AppRoleAssignment| {
            it.principal_id == principal_id && it.app_role_id == app_role_id && it.resource_id == resource.id
        };
        if directory.assignments.iter().any(same) {
            let message = "Permission being assigned already exists on the object";
            return Err(Refusal::bad_request("Request_BadRequest", message));
        }
        Ok(AppRoleAssignment {
            id: random::secret(),
            created_date_time: self.shared.clock.now(),
            principal_id: principal_id.to_owned(),
            principal_type: principal_type.to_owned(),
            principal_display_name: name,
            resource_id: resource.id.clone(),
            resource_display_name: resource.display_name.clone(),
            app_role_id: app_role_id.to_owned(),
        })
    }
}
