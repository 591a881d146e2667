//! Azure role assignments: found by name or by our description, made and removed.

use std::collections::{BTreeMap, BTreeSet};

use azure_core::http::Method;
use bridge::inventory::{Facts, Observed, State};
use bridge::plan::{Action, Outputs};
use bridge::port::{PortError, PortResult, Refused};
use bridge::resource::{Resource, RoleAssignment};
use bridge::spec::Bridge;
use serde::Deserialize;
use serde_json::json;

use super::same_id;
use crate::azure::rest::Rest;
use crate::error;

const API_VERSION: &str = "2022-04-01";

#[derive(Debug, Clone, Deserialize)]
struct Assigned {
    name: String,
    properties: Properties,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    scope: String,
    role_definition_id: String,
    principal_id: String,
    principal_type: Option<String>,
    description: Option<String>,
}

/// Every assignment that is wanted, or stands in the way of one, or carries our mark.
pub(super) async fn observe(
    management: &Rest,
    bridge: &Bridge,
    facts: &Facts,
    wanted: &[Resource],
) -> PortResult<Vec<Observed>> {
    let wanted: Vec<&RoleAssignment> = wanted.iter().filter_map(role_assignment).collect();
    let names = role_names(&wanted);
    let mut scopes: BTreeSet<String> = wanted.iter().map(|it| it.scope.clone()).collect();
    scopes.insert(bridge.workspace_scope());
    scopes.insert(facts.datastore.scope.clone());
    let declared = scopes.clone();
    scopes.extend(facts.datastores.values().map(|datastore| datastore.scope.clone()));
    scopes.extend(facts.registries.values().cloned());
    scopes.extend(facts.container_registry.clone());
    let mut observed = Vec::new();
    for scope in scopes.iter().filter(|scope| !scope.is_empty()) {
        let found = match at_scope(management, scope).await {
            // Where nothing is wanted there may be nothing to see, or nothing that she may see.
            Err(refused) if !refused.is_transient() && !declared.contains(scope) => Vec::new(),
            found => found?,
        };
        for assigned in found {
            let concerns = |it: &&&RoleAssignment| assigned.is_for(it);
            let marked = assigned.carries(&bridge.mark());
            if marked || wanted.iter().any(|it| concerns(&it)) {
                observed.push(assigned.observed(scope, &names, marked));
            }
        }
    }
    Ok(observed)
}

/// Every assignment at these scopes, with its description.
pub(super) async fn survey(management: &Rest, scopes: &[String]) -> PortResult<Vec<(Resource, String)>> {
    let names = role_names(&[]);
    let mut all = Vec::new();
    for scope in scopes.iter().filter(|scope| !scope.is_empty()) {
        for assigned in at_scope(management, scope).await? {
            let description = assigned.properties.description.clone().unwrap_or_default();
            all.push((assigned.observed(scope, &names, false).resource, description));
        }
    }
    Ok(all)
}

/// Makes one change to a role assignment.
pub(super) async fn perform(
    management: &Rest,
    bridge: &Bridge,
    (action, assignment): (&Action, &RoleAssignment),
    outputs: &Outputs,
) -> PortResult<()> {
    let assignment = &resolved(assignment, outputs)?;
    let path = path(&assignment.scope, &format!("/{}", assignment.name), "");
    match action {
        Action::Delete { .. } => {
            let found: Option<Assigned> = management.find(&path).await?;
            match found {
                Some(found) if !found.carries(&bridge.mark()) => Err(foreign(management, assignment)),
                Some(_) => management.delete(&path).await,
                None => Ok(()),
            }
        }
        Action::Adopt { found, .. } => {
            // Its description is all of an assignment that can be changed: it keeps the name that it has.
            let path = match role_assignment(found) {
                Some(found) => self::path(&found.scope, &format!("/{}", found.name), ""),
                None => path,
            };
            let found: Option<Assigned> = management.find(&path).await?;
            if !found.is_some_and(|found| found.is_for(assignment)) {
                let problem = "the assignment changed since the plan was made";
                return Err(error::own(management.service(), Refused::Conflict, problem));
            }
            create(management, bridge, assignment, &path).await
        }
        Action::Update { found, .. } => {
            // Nothing of an assignment can be changed but its description: it is made anew.
            if let Some(found) = role_assignment(found) {
                management.delete(&self::path(&found.scope, &format!("/{}", found.name), "")).await?;
            }
            create(management, bridge, assignment, &path).await
        }
        Action::Create { .. } | Action::Undelete { .. } => {
            create(management, bridge, assignment, &path).await
        }
    }
}

/// The assignment with its principal's id; its name follows from it.
fn resolved(assignment: &RoleAssignment, outputs: &Outputs) -> PortResult<RoleAssignment> {
    let late = |unknown: bridge::plan::Unresolved| {
        error::own(super::MANAGEMENT, Refused::NotFound, unknown.to_string())
    };
    let principal_id = outputs.resolve(&assignment.principal_id).map_err(late)?;
    if principal_id == assignment.principal_id {
        return Ok(assignment.clone());
    }
    let name = RoleAssignment::name_of(&assignment.scope, &assignment.role_definition, &principal_id);
    Ok(RoleAssignment { name, principal_id, ..assignment.clone() })
}

fn foreign(management: &Rest, assignment: &RoleAssignment) -> PortError {
    let problem = format!(
        "the assignment of `{}` to `{}` does not carry this bridge's mark any more",
        assignment.role, assignment.principal_id
    );
    error::own(management.service(), Refused::Conflict, problem)
}

async fn create(management: &Rest, bridge: &Bridge, wanted: &RoleAssignment, path: &str) -> PortResult<()> {
    let role = format!(
        "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}",
        bridge.azure.subscription, wanted.role_definition
    );
    let body = json!({ "properties": {
        "roleDefinitionId": role,
        "principalId": wanted.principal_id,
        "principalType": wanted.principal_type,
        "description": bridge.mark(),
    } });
    match management.write(Method::Put, path, &body).await {
        // Made by an earlier run that did not live to see it.
        Err(refused) if refused.kind == Refused::Conflict => {
            let found: Option<Assigned> = management.find(path).await?;
            if found.is_some_and(|found| found.is_for(wanted)) { Ok(()) } else { Err(refused) }
        }
        other => other.map(drop),
    }
}

async fn at_scope(management: &Rest, scope: &str) -> PortResult<Vec<Assigned>> {
    let all: Vec<Assigned> = management.list(&path(scope, "", "$filter=atScope()&")).await?;
    // The list holds what is inherited from above, too.
    Ok(all.into_iter().filter(|it| same_id(&it.properties.scope, scope)).collect())
}

fn path(scope: &str, name: &str, query: &str) -> String {
    format!(
        "{scope}/providers/Microsoft.Authorization/roleAssignments{name}?{query}api-version={API_VERSION}"
    )
}

fn role_assignment(resource: &Resource) -> Option<&RoleAssignment> {
    match resource {
        Resource::RoleAssignment(assignment) => Some(assignment),
        _ => None,
    }
}

/// Role names by GUID: those that are wanted, and those that an earlier bridge file wanted.
fn role_names(wanted: &[&RoleAssignment]) -> BTreeMap<String, String> {
    let mut names = BTreeMap::from([
        ("acdd72a7-3385-48ef-bd42-f606fba81ae7".to_owned(), "Reader".to_owned()),
        ("2a2b9908-6ea1-4ae2-8e65-a410df84e7d1".to_owned(), "Storage Blob Data Reader".to_owned()),
    ]);
    names.extend(wanted.iter().map(|it| (it.role_definition.clone(), it.role.clone())));
    names
}

impl Assigned {
    fn role(&self) -> String {
        let id = self.properties.role_definition_id.rsplit('/').next().unwrap_or_default();
        id.to_ascii_lowercase()
    }

    fn carries(&self, mark: &str) -> bool {
        self.properties.description.as_deref() == Some(mark)
    }

    fn is_for(&self, wanted: &RoleAssignment) -> bool {
        same_id(&self.role(), &wanted.role_definition)
            && same_id(&self.properties.principal_id, &wanted.principal_id)
            && same_id(&self.properties.scope, &wanted.scope)
    }

    fn observed(self, scope: &str, names: &BTreeMap<String, String>, marked: bool) -> Observed {
        let role_definition = self.role();
        let role = names.get(&role_definition).cloned().unwrap_or_else(|| role_definition.clone());
        let resource = Resource::RoleAssignment(RoleAssignment {
            name: self.name.to_ascii_lowercase(),
            // As we write it, whatever the case it comes back in.
            scope: scope.to_owned(),
            role_definition,
            role,
            principal_id: self.properties.principal_id.to_ascii_lowercase(),
            principal_type: self.properties.principal_type.unwrap_or_else(|| "ServicePrincipal".to_owned()),
        });
        Observed { resource, marked, state: State::Live, holds: None }
    }
}
