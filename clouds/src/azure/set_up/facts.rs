//! What Azure knows and no bridge file states: principals, the datastore's storage, the application, its issuer.

use std::collections::BTreeMap;

use bridge::inventory::{ApplicationIds, Datastore, Facts, Principal};
use bridge::port::{PortResult, Refused};
use bridge::spec::{Bridge, Who};
use serde::Deserialize;

use super::{GRAPH, SetUp, application, managed_identity, principal};
use crate::azure::models::API_VERSION;
use crate::azure::rest::{Rest, encoded};
use crate::error;

const ENTRA: &str = "Entra ID";

#[derive(Deserialize)]
struct Workspace {
    properties: WorkspaceProperties,
    #[serde(default)]
    location: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WorkspaceProperties {
    storage_account: Option<String>,
}

/// An OpenID Connect discovery document.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

impl SetUp {
    /// Adds what Azure knows.
    pub async fn facts(&self, bridge: &Bridge, facts: &mut Facts) -> PortResult<()> {
        facts.issuer = self.issuer(bridge).await?;
        (facts.datastore, facts.region) = self.datastore(bridge).await?;
        facts.shards = managed_identity::shards(&self.management, bridge).await?;
        facts.application = application_ids(&self.graph.rest, bridge).await?;
        facts.principals = principals(&self.graph.rest, bridge).await?;
        Ok(())
    }

    /// The issuer of v2 tokens. A public authority's is known; another one is asked.
    async fn issuer(&self, bridge: &Bridge) -> PortResult<String> {
        let (authority, tenant) = (&self.addresses.entra, &bridge.azure.tenant);
        if bridge.endpoints.entra.is_none() {
            return Ok(format!("{authority}/{tenant}/v2.0"));
        }
        let url = format!("{authority}/{tenant}/v2.0/.well-known/openid-configuration");
        let unreachable = |failed: reqwest::Error| {
            error::own(ENTRA, Refused::Unavailable, identity::http::unreachable(failed))
        };
        let response = self.http.get(&url).send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        if !response.status().is_success() {
            let message = format!("`{url}` answers with HTTP status {status}");
            let kind = error::kind(status);
            return Err(bridge::port::PortError { status: Some(status), ..error::own(ENTRA, kind, message) });
        }
        let discovery: Discovery = response.json().await.map_err(|failed| {
            let problem = format!("`{url}` is no discovery document: {}", failed.without_url());
            error::own(ENTRA, Refused::Invalid, problem)
        })?;
        Ok(discovery.issuer)
    }

    /// The default datastore, and where the workspace is.
    async fn datastore(&self, bridge: &Bridge) -> PortResult<(Datastore, String)> {
        let (account, container) = self.models.default_datastore().await?;
        let path = format!("{}?api-version={API_VERSION}", bridge.workspace_scope());
        let workspace: Workspace = self.management.get(&path).await?;
        let suffix = format!("/storageAccounts/{account}");
        let account_scope = workspace.properties.storage_account.filter(|id| ends_with_id(id, &suffix));
        // A default datastore that is not the workspace's own account is taken to be beside the workspace.
        let account_scope = account_scope.unwrap_or_else(|| {
            let azure = &bridge.azure;
            format!(
                "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage{suffix}",
                azure.subscription, azure.resource_group
            )
        });
        let scope = format!("{account_scope}/blobServices/default/containers/{container}");
        Ok((Datastore { account, container, scope }, workspace.location))
    }
}

/// ARM ids are the same in any case, and services show them in either.
fn ends_with_id(id: &str, suffix: &str) -> bool {
    let start = id.len().checked_sub(suffix.len());
    start.and_then(|start| id.get(start..)).is_some_and(|end| super::same_id(end, suffix))
}

async fn application_ids(graph: &Rest, bridge: &Bridge) -> PortResult<Option<ApplicationIds>> {
    let found = application::find(graph, bridge).await?.filter(|found| found.is_ours(bridge));
    let Some(application) = found else { return Ok(None) };
    let service_principal_id =
        principal::find(graph, &application.app_id).await?.map(|principal| principal.id);
    Ok(Some(ApplicationIds { app_id: application.app_id, object_id: application.id, service_principal_id }))
}

/// How an identity is looked up.
enum LookUp<'a> {
    ClientId(&'a str),
    ObjectId(&'a str),
    Group(&'a str),
}

async fn principals(graph: &Rest, bridge: &Bridge) -> PortResult<BTreeMap<String, Principal>> {
    let mut found = BTreeMap::new();
    for look_up in bridge.identities.iter().flat_map(|identity| look_ups(&identity.who)) {
        let id = look_up.id();
        if !found.contains_key(id)
            && let Some(principal) = look_up.find(graph).await?
        {
            found.insert(id.to_owned(), principal);
        }
    }
    Ok(found)
}

fn look_ups(who: &Who) -> Vec<LookUp<'_>> {
    match who {
        Who::ServicePrincipal(id) => vec![LookUp::ClientId(id)],
        Who::ManagedIdentity(id) => vec![LookUp::ObjectId(id)],
        Who::Group(id) => vec![LookUp::Group(id)],
        Who::AppRole { members, .. } => members.iter().map(|id| LookUp::ClientId(id)).collect(),
    }
}

impl LookUp<'_> {
    fn id(&self) -> &str {
        match self {
            Self::ClientId(id) | Self::ObjectId(id) | Self::Group(id) => id,
        }
    }

    async fn find(&self, graph: &Rest) -> PortResult<Option<Principal>> {
        let (found, principal_type) = match self {
            Self::ClientId(id) => (principal::find(graph, id).await?, "ServicePrincipal"),
            Self::ObjectId(id) => {
                (graph.find(&format!("/v1.0/servicePrincipals/{}", encoded(id))).await?, "ServicePrincipal")
            }
            Self::Group(id) => (graph.find(&format!("/v1.0/groups/{}", encoded(id))).await?, "Group"),
        };
        tracing::debug!(service = GRAPH, id = self.id(), known = found.is_some(), "looked a principal up");
        Ok(found.map(|found: principal::Principal| Principal {
            object_id: found.id,
            principal_type: principal_type.to_owned(),
            display_name: found.display_name.unwrap_or_default(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_storage_account_is_known_in_any_case() {
        let suffix = "/storageAccounts/quay";
        for (id, same) in [
            ("/subscriptions/S/resourceGroups/RG/providers/Microsoft.Storage/storageAccounts/quay", true),
            ("/subscriptions/s/resourcegroups/rg/providers/microsoft.storage/storageaccounts/quay", true),
            (
                "/subscriptions/s/resourcegroups/rg/providers/microsoft.storage/storageaccounts/otherquay",
                false,
            ),
            ("quay", false),
            ("", false),
        ] {
            assert_eq!(ends_with_id(id, suffix), same, "{id}");
        }
    }
}
