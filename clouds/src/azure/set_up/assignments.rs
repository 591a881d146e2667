//! Role assignments at a scope and above it, with what their roles permit, for whoever asks who may do what.

use std::collections::BTreeMap;

use bridge::can::{Assignment, Permission};
use bridge::port::PortResult;
use serde::Deserialize;

use super::SetUp;
use crate::azure::rest::Rest;

const API_VERSION: &str = "2022-04-01";

#[derive(Deserialize)]
struct Assigned {
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    scope: String,
    role_definition_id: String,
    principal_id: String,
    #[serde(default)]
    principal_type: String,
    condition: Option<String>,
}

#[derive(Clone, Deserialize)]
struct Definition {
    properties: Role,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    role_name: String,
    #[serde(default)]
    permissions: Vec<Permission>,
}

impl SetUp {
    /// Role assignments at `scope` and above it.
    pub async fn assignments(&self, scope: &str) -> PortResult<Vec<Assignment>> {
        let path = format!(
            "{scope}/providers/Microsoft.Authorization/roleAssignments?$filter=atScope()&api-version={API_VERSION}"
        );
        let all: Vec<Assigned> = self.management.list(&path).await?;
        let mut roles: BTreeMap<String, Role> = BTreeMap::new();
        let mut assignments = Vec::new();
        for Assigned { properties: it } in all {
            let id = it.role_definition_id.to_ascii_lowercase();
            if !roles.contains_key(&id) {
                roles.insert(id.clone(), role(&self.management, &it.role_definition_id).await?);
            }
            let Some(role) = roles.get(&id).cloned() else { continue };
            assignments.push(Assignment {
                principal_id: it.principal_id,
                principal_type: it.principal_type,
                scope: it.scope,
                role: role.role_name,
                permissions: role.permissions,
                condition: it.condition,
            });
        }
        Ok(assignments)
    }
}

async fn role(management: &Rest, id: &str) -> PortResult<Role> {
    let found: Definition = management.get(&format!("{id}?api-version={API_VERSION}")).await?;
    Ok(found.properties)
}
