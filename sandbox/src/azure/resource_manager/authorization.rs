//! Microsoft.Authorization: role assignments, role definitions, permissions.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Answer, Call, check_group, check_subscription};
use crate::azure::roles::{self, ROLE_DEFINITIONS, RoleAssignment, RoleDefinition, is_within};
use crate::seed;

const READ: &str = "Microsoft.Authorization/roleAssignments/read";
const WRITE: &str = "Microsoft.Authorization/roleAssignments/write";
const DELETE: &str = "Microsoft.Authorization/roleAssignments/delete";

/// One condition of a list's filter.
enum Condition {
    AtScope,
    Principal(String),
    AssignedTo(Vec<String>),
}

impl Call<'_> {
    /// Serves what lies below `SCOPE/providers/Microsoft.Authorization/`.
    pub(super) fn authorization(&self, scope: &str, rest: &str) -> Answer {
        check_scope(scope)?;
        let parts: Vec<&str> = rest.split('/').filter(|part| !part.is_empty()).collect();
        let kind = parts.first().map(|kind| kind.to_ascii_lowercase()).unwrap_or_default();
        match (kind.as_str(), parts.get(1), parts.len()) {
            ("roleassignments", None, _) => self.list_assignments(scope),
            ("roleassignments", Some(name), 2) => self.one_assignment(scope, name),
            ("permissions", None, _) => self.permissions(scope),
            ("roledefinitions", id, 1 | 2) => self.role_definitions(scope, id.copied()),
            _ => Err(self.no_such_path()),
        }
    }

    fn list_assignments(&self, scope: &str) -> Answer {
        self.read(READ, scope)?;
        let conditions = self.conditions()?;
        let assignments = self.shared.azure.assignments();
        let listed = assignments.iter().filter(|it| {
            let related = it.covers(scope) || is_within(&it.scope, scope);
            related && conditions.iter().all(|condition| condition.holds(it, scope))
        });
        self.page(listed.map(shown).collect())
    }

    fn conditions(&self) -> Result<Vec<Condition>, Refusal> {
        let Some(filter) = self.query.get("$filter") else { return Ok(Vec::new()) };
        let invalid = || {
            let message = format!(
                "The filter '{filter}' is not supported. Supported filters are either 'atScope()' or \
                                   'principalId eq '{{value}}' or assignedTo('{{value}}')'."
            );
            Refusal::bad_request("UnsupportedQueryOption", message)
        };
        filter.split(" and ").map(|clause| self.condition(clause.trim()).ok_or_else(invalid)).collect()
    }

    fn condition(&self, clause: &str) -> Option<Condition> {
        if clause.eq_ignore_ascii_case("atScope()") {
            return Some(Condition::AtScope);
        }
        let quoted =
            |text: &str| Some(text.trim().strip_prefix('\'')?.strip_suffix('\'')?.to_ascii_lowercase());
        if let Some(argument) = clause.strip_prefix("assignedTo(") {
            let principal = quoted(argument.strip_suffix(')')?)?;
            let mut principals = self.shared.azure.directory().groups_of(&principal);
            principals.push(principal);
            return Some(Condition::AssignedTo(principals));
        }
        let (field, value) = clause.split_once(" eq ")?;
        field
            .trim()
            .eq_ignore_ascii_case("principalId")
            .then(|| quoted(value))
            .flatten()
            .map(Condition::Principal)
    }

    fn one_assignment(&self, scope: &str, name: &str) -> Answer {
        match self.method {
            Method::GET => {
                self.require(READ, scope)?;
                let assignments = self.shared.azure.assignments();
                let found = assignments.iter().find(|it| is(it, scope, name)).map(shown);
                found.map(|it| (StatusCode::OK, it)).ok_or_else(|| {
                    let message = format!("The role assignment '{name}' is not found.");
                    Refusal::not_found("RoleAssignmentNotFound", message)
                })
            }
            Method::PUT => {
                self.require(WRITE, scope)?;
                self.put_assignment(scope, name)
            }
            Method::DELETE => {
                self.require(DELETE, scope)?;
                let mut assignments = self.shared.azure.assignments();
                let at = assignments.iter().position(|it| is(it, scope, name));
                Ok(match at {
                    Some(at) => (StatusCode::OK, shown(&assignments.remove(at))),
                    None => (StatusCode::NO_CONTENT, Value::Null),
                })
            }
            _ => Err(Refusal::method(&self.method)),
        }
    }

    fn put_assignment(&self, scope: &str, name: &str) -> Answer {
        let wanted = self.wanted(scope, name)?;
        let mut assignments = self.shared.azure.assignments();
        if let Some(old) = assignments.iter_mut().find(|it| is(it, scope, name)) {
            if old.principal_id != wanted.principal_id || old.role != wanted.role {
                let message =
                    "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.";
                return Err(Refusal::bad_request("RoleAssignmentUpdateNotPermitted", message));
            }
            old.description = wanted.description;
            return Ok((StatusCode::OK, shown(old)));
        }
        let same = |it: &&RoleAssignment| {
            it.scope.eq_ignore_ascii_case(scope)
                && it.role == wanted.role
                && it.principal_id == wanted.principal_id
        };
        if let Some(other) = assignments.iter().find(same) {
            let message = format!(
                "The role assignment already exists. The ID of the existing role assignment is {}.",
                other.name.replace('-', "")
            );
            return Err(Refusal::conflict("RoleAssignmentExists", message));
        }
        let answer = shown(&wanted);
        assignments.push(wanted);
        Ok((StatusCode::CREATED, answer))
    }

    /// The assignment that a PUT asks for.
    fn wanted(&self, scope: &str, name: &str) -> Result<RoleAssignment, Refusal> {
        if !is_guid(name) {
            let message = format!(
                "The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID."
            );
            return Err(Refusal::bad_request("InvalidRoleAssignmentId", message));
        }
        let text = |name: &str| self.body.pointer(&format!("/properties/{name}")).and_then(Value::as_str);
        let missing = |name: &str| {
            Refusal::bad_request(
                "BadRequestFormat",
                format!("The request was incorrectly formatted: no '{name}'."),
            )
        };
        let role = text("roleDefinitionId").ok_or_else(|| missing("roleDefinitionId"))?;
        let role = role.rsplit('/').next().unwrap_or(role).to_ascii_lowercase();
        if roles::definition(&role).is_none() {
            let message =
                format!("The specified role definition with ID '{}' does not exist.", role.replace('-', ""));
            return Err(Refusal::not_found("RoleDefinitionDoesNotExist", message));
        }
        let principal_id = text("principalId").ok_or_else(|| missing("principalId"))?.to_ascii_lowercase();
        let principal_type = self.principal_type(&principal_id, text("principalType"))?;
        Ok(RoleAssignment {
            name: name.to_ascii_lowercase(),
            scope: scope.to_owned(),
            role,
            principal_id,
            principal_type,
            description: text("description").map(str::to_owned),
            created: self.shared.clock.now(),
            created_by: self.caller.object_id.clone(),
        })
    }

    fn principal_type(&self, id: &str, stated: Option<&str>) -> Result<String, Refusal> {
        let found = self.shared.azure.directory_in_force().describe(id);
        let (kind, _) = found.ok_or_else(|| {
            let message = format!(
                "Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If you \
                 are creating this principal and then immediately assigning a role, this error might be related to a \
                 replication delay. In this case, set the role assignment principalType property to a value, such as \
                 ServicePrincipal, User, or Group.  See https://aka.ms/docs-principaltype",
                id.replace('-', ""),
                seed::TENANT
            );
            Refusal::bad_request("PrincipalNotFound", message)
        })?;
        match stated {
            Some(stated) if stated != kind => {
                let message = format!(
                    "The PrincipalId '{}' has type '{kind}' , which is different from specified PrinciaplType '{stated}'.",
                    id.replace('-', "")
                );
                Err(Refusal::bad_request("UnmatchedPrincipalType", message))
            }
            _ => Ok(kind.to_owned()),
        }
    }

    /// What the caller may do at `scope`: one entry a role that reaches it.
    fn permissions(&self, scope: &str) -> Answer {
        if self.method != Method::GET {
            return Err(Refusal::method(&self.method));
        }
        let assignments = self.shared.azure.assignments();
        let held = assignments.iter().filter(|it| self.caller.principals.contains(&it.principal_id));
        let roles = held.filter(|it| it.covers(scope)).filter_map(|it| roles::definition(&it.role));
        self.page(roles.map(permission).collect())
    }

    fn role_definitions(&self, scope: &str, id: Option<&str>) -> Answer {
        self.read("Microsoft.Authorization/roleDefinitions/read", scope)?;
        if let Some(id) = id {
            let role = roles::definition(id).ok_or_else(|| {
                let message = format!(
                    "The specified role definition with ID '{}' does not exist.",
                    id.replace('-', "")
                );
                Refusal::not_found("RoleDefinitionDoesNotExist", message)
            })?;
            return Ok((StatusCode::OK, shown_definition(role)));
        }
        let name = self.query.get("$filter").and_then(|filter| filter.split_once(" eq "));
        let name = name.filter(|(field, _)| field.trim().eq_ignore_ascii_case("roleName"));
        let name = name.map(|(_, value)| value.trim().trim_matches('\''));
        let named = ROLE_DEFINITIONS
            .iter()
            .filter(|role| name.is_none_or(|name| role.name.eq_ignore_ascii_case(name)));
        self.page(named.map(shown_definition).collect())
    }
}

impl Condition {
    fn holds(&self, assignment: &RoleAssignment, scope: &str) -> bool {
        match self {
            Self::AtScope => assignment.covers(scope),
            Self::Principal(id) => assignment.principal_id == *id,
            Self::AssignedTo(ids) => ids.contains(&assignment.principal_id),
        }
    }
}

fn is(assignment: &RoleAssignment, scope: &str, name: &str) -> bool {
    assignment.name.eq_ignore_ascii_case(name) && assignment.scope.eq_ignore_ascii_case(scope)
}

/// Subscription and resource group of a scope must exist.
fn check_scope(scope: &str) -> Result<(), Refusal> {
    let parts: Vec<&str> = scope.split('/').skip(1).collect();
    if let Some(subscription) = parts.get(1) {
        check_subscription(subscription)?;
    }
    match parts.get(3) {
        Some(group) => check_group(group),
        None => Ok(()),
    }
}

fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.chars().all(|it| it == '-' || it.is_ascii_hexdigit())
}

fn definition_id(role: &str) -> String {
    format!("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{role}", seed::SUBSCRIPTION)
}

fn permission(role: &RoleDefinition) -> Value {
    json!({
        "actions": role.actions,
        "notActions": role.not_actions,
        "dataActions": role.data_actions,
        "notDataActions": [],
    })
}

fn shown_definition(role: &RoleDefinition) -> Value {
    json!({
        "id": definition_id(role.id),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.id,
        "properties": {
            "roleName": role.name,
            "type": "BuiltInRole",
            "description": "",
            "assignableScopes": ["/"],
            "permissions": [permission(role)],
        },
    })
}

fn shown(assignment: &RoleAssignment) -> Value {
    let time = |time: Timestamp| format!("{time:.7}");
    json!({
        "id": format!("{}/providers/Microsoft.Authorization/roleAssignments/{}", assignment.scope, assignment.name),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": assignment.name,
        "properties": {
            "roleDefinitionId": definition_id(&assignment.role),
            "principalId": assignment.principal_id,
            "principalType": assignment.principal_type,
            "scope": if assignment.scope.is_empty() { "/" } else { &assignment.scope },
            "condition": null,
            "conditionVersion": null,
            "createdOn": time(assignment.created),
            "updatedOn": time(assignment.created),
            "createdBy": assignment.created_by,
            "updatedBy": assignment.created_by,
            "delegatedManagedIdentityResourceId": null,
            "description": assignment.description,
        },
    })
}
