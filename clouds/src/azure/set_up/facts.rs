//! What Azure knows and no bridge file states: principals, the datastore's storage, the application, its issuer.

use std::collections::{BTreeMap, BTreeSet};

use azure_core::http::Method;
use bridge::import::{Kind, Known};
use bridge::inventory::{ApplicationIds, Datastore, Facts, Principal};
use bridge::name::is_guid;
use bridge::port::{PortError, PortResult, Refused};
use bridge::spec::{Bridge, Runtime, Who};
use serde::Deserialize;
use serde_json::json;

use super::{GRAPH, SetUp, application, managed_identity, principal};
use crate::azure::models::{API_VERSION, BlobStore};
use crate::azure::rest::{Rest, encoded};
use crate::error;
use crate::patience::{patiently, retry_after};

const ENTRA: &str = "Entra ID";
const AZURE_ML: &str = "Azure ML";

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
    container_registry: Option<String>,
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
        self.storage(bridge, facts).await?;
        facts.shards = managed_identity::shards(&self.management, bridge).await?;
        for registry in bridge.services.iter().filter_map(|service| service.model.registry()) {
            if !facts.registries.contains_key(registry) {
                let scope = self.models.registry_scope(registry).await?;
                facts.registries.insert(registry.to_owned(), scope);
            }
        }
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
        patiently(async || self.discovery(&url).await).await.map(|discovery| discovery.issuer)
    }

    async fn discovery(&self, url: &str) -> PortResult<Discovery> {
        let unreachable = |failed: reqwest::Error| {
            error::own(ENTRA, Refused::Unavailable, identity::http::unreachable(failed))
        };
        let response = self.http.get(url).send().await.map_err(unreachable)?;
        let status = response.status().as_u16();
        if !response.status().is_success() {
            let message = format!("`{url}` answers with HTTP status {status}");
            return Err(PortError {
                status: Some(status),
                retry_after: retry_after(response.headers()),
                ..error::own(ENTRA, error::kind(status), message)
            });
        }
        response.json().await.map_err(|failed| {
            let problem = format!("`{url}` is no discovery document: {}", failed.without_url());
            error::own(ENTRA, Refused::Invalid, problem)
        })
    }

    /// Adds where the workspace is, the storage behind the datastores, and the workspace's container registry. Datastores that are not declared
    /// are looked at, too: a right that was given while one was declared must be found again.
    pub(super) async fn storage(&self, bridge: &Bridge, facts: &mut Facts) -> PortResult<()> {
        let path = format!("{}?api-version={API_VERSION}", bridge.workspace_scope());
        let workspace: Workspace = self.management.get(&path).await?;
        facts.region = workspace.location;
        let account = workspace.properties.storage_account;
        let default = self.models.default_datastore().await?;
        facts.datastore = datastore(bridge, account.as_deref(), default);
        for store in self.models.datastores().await?.into_iter().filter(|store| !store.is_default) {
            facts.datastores.insert(store.name.clone(), datastore(bridge, account.as_deref(), store));
        }
        facts.container_registry = workspace.properties.container_registry.filter(|id| !id.is_empty());
        let missing = bridge.azure.datastores.iter().find(|name| !facts.datastores.contains_key(*name));
        let packages = bridge.services.iter().find(|it| matches!(it.runtime, Runtime::Package { .. }));
        match (missing, packages) {
            (Some(name), _) => Err(error::own(
                AZURE_ML,
                Refused::NotFound,
                format!(
                    "`azure.datastores` names `{name}`, but the workspace has no other datastore of this name on blob \
                     storage; correct the name, or leave it out"
                ),
            )),
            (None, Some(service)) if facts.container_registry.is_none() => Err(error::own(
                AZURE_ML,
                Refused::NotFound,
                format!(
                    "service `{}` runs a package, but the workspace has no container registry of its own",
                    service.name
                ),
            )),
            _ => Ok(()),
        }
    }
}

/// The container behind a datastore. `workspace_account` is the ARM id of the workspace's own storage account.
fn datastore(bridge: &Bridge, workspace_account: Option<&str>, store: BlobStore) -> Datastore {
    let BlobStore { account, container, place, .. } = store;
    let suffix = format!("/storageAccounts/{account}");
    let own = workspace_account.filter(|id| ends_with_id(id, &suffix)).map(str::to_owned);
    // Another account is where the datastore says, or else taken to be beside the workspace.
    let account_scope = own.unwrap_or_else(|| {
        let azure = &bridge.azure;
        let (subscription, group) =
            place.unwrap_or_else(|| (azure.subscription.clone(), azure.resource_group.clone()));
        format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage{suffix}")
    });
    let scope = format!("{account_scope}/blobServices/default/containers/{container}");
    Datastore { account, container, scope }
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

/// How many values an `in` filter of Graph takes:
/// <https://learn.microsoft.com/graph/filter-query-parameter> ("up to 15 expressions").
const A_FILTER: usize = 15;

/// How many ids `getByIds` takes: <https://learn.microsoft.com/graph/api/directoryobject-getbyids>.
const A_CALL: usize = 1000;

/// A directory object, as far as we look.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "@odata.type", default)]
    kind: String,
    id: String,
    app_id: Option<String>,
    display_name: Option<String>,
    user_principal_name: Option<String>,
    service_principal_type: Option<String>,
}

/// Types of directory objects, as `getByIds` names them.
const MACHINES: [&str; 2] = ["servicePrincipal", "group"];
const EVERYBODY: [&str; 3] = ["servicePrincipal", "group", "user"];

/// Everybody whom the bridge declares, by the id it declares them with, in as few questions as Graph allows.
async fn principals(graph: &Rest, bridge: &Bridge) -> PortResult<BTreeMap<String, Principal>> {
    let named = Named::by(bridge);
    let mut found = BTreeMap::new();
    for entry in by_key(graph, "servicePrincipals", "appId", named.clients).await? {
        if let Some(client) = entry.app_id.clone() {
            found.insert(client.to_ascii_lowercase(), entry.principal("ServicePrincipal"));
        }
    }
    for entry in by_key(graph, "users", "userPrincipalName", named.log_ins).await? {
        if let Some(log_in) = entry.user_principal_name.clone() {
            found.insert(log_in.to_ascii_lowercase(), entry.principal("User"));
        }
    }
    for entry in by_ids(graph, named.objects, &MACHINES).await? {
        let kind = if entry.kind.ends_with("group") { "Group" } else { "ServicePrincipal" };
        found.insert(entry.id.to_ascii_lowercase(), entry.principal(kind));
    }
    // Whoever sets up for machines alone need not be able to see people.
    for entry in by_ids(graph, named.people, &["user"]).await? {
        found.insert(entry.id.to_ascii_lowercase(), entry.principal("User"));
    }
    tracing::debug!(service = GRAPH, known = found.len(), "looked principals up");
    Ok(found.into_iter().filter(|(id, principal)| is_meant(bridge, id, principal)).collect())
}

/// Whom a bridge names, by how it names them.
#[derive(Default)]
struct Named<'b> {
    clients: BTreeSet<&'b str>,
    log_ins: BTreeSet<&'b str>,
    people: BTreeSet<&'b str>,
    objects: BTreeSet<&'b str>,
}

impl<'b> Named<'b> {
    fn by(bridge: &'b Bridge) -> Self {
        let mut named = Self::default();
        for identity in &bridge.identities {
            match &identity.who {
                Who::ServicePrincipal(id) => drop(named.clients.insert(id)),
                Who::AppRole { members, people, groups, .. } => {
                    let (ids, log_ins): (Vec<_>, Vec<_>) =
                        people.iter().map(String::as_str).partition(|person| is_guid(person));
                    named.clients.extend(members.iter().map(String::as_str));
                    named.log_ins.extend(log_ins);
                    named.people.extend(ids);
                    named.objects.extend(groups.iter().map(String::as_str));
                }
                Who::ManagedIdentity(id) | Who::Group { id, .. } => drop(named.objects.insert(id)),
            }
        }
        named
    }
}

/// Directory objects of one collection by a key that is not their id; whoever is not there is left out.
async fn by_key(graph: &Rest, list: &str, key: &str, values: BTreeSet<&str>) -> PortResult<Vec<Entry>> {
    let mut found = Vec::new();
    for chunk in values.into_iter().collect::<Vec<_>>().chunks(A_FILTER) {
        let values: Vec<String> = chunk.iter().map(|value| super::quoted(value)).collect();
        let filter = encoded(&format!("{key} in ({})", values.join(",")));
        found.extend(
            graph
                .list::<Entry>(&format!("/v1.0/{list}?$filter={filter}&$select=id,{key},displayName"))
                .await?,
        );
    }
    Ok(found)
}

/// Directory objects by their ids; ids that nobody has are left out.
async fn by_ids(graph: &Rest, ids: impl IntoIterator<Item = &str>, types: &[&str]) -> PortResult<Vec<Entry>> {
    let mut found: Vec<Entry> = Vec::new();
    for chunk in ids.into_iter().collect::<Vec<_>>().chunks(A_CALL) {
        let body = json!({ "ids": chunk, "types": types });
        let answer = graph.write(Method::Post, "/v1.0/directoryObjects/getByIds", &body).await?;
        let entries: Vec<Entry> = serde_json::from_value(answer.get("value").cloned().unwrap_or_default())
            .map_err(|problem| error::own(GRAPH, Refused::Invalid, problem.to_string()))?;
        found.extend(entries);
    }
    Ok(found)
}

/// Service principals, groups and people of the tenant, by object id, for whoever knows no more of them than this id.
pub(super) async fn known(graph: &Rest, ids: &BTreeSet<String>) -> PortResult<BTreeMap<String, Known>> {
    let entries = by_ids(graph, ids.iter().map(String::as_str), &EVERYBODY).await?;
    let known = entries.into_iter().map(|entry| {
        let managed = entry.service_principal_type.as_deref() == Some("ManagedIdentity");
        let kind = match entry.kind.rsplit('.').next() {
            Some("group") => Kind::Group,
            Some("user") => Kind::User,
            _ if managed => Kind::ManagedIdentity,
            _ => Kind::Application,
        };
        let user_principal_name = entry.user_principal_name.map(|name| name.to_ascii_lowercase());
        let client_id = entry.app_id.map(|id| id.to_ascii_lowercase());
        let display_name = entry.display_name.unwrap_or_default();
        (entry.id.to_ascii_lowercase(), Known { kind, client_id, user_principal_name, display_name })
    });
    Ok(known.collect())
}

/// A group's id does not name a managed identity, nor the other way round.
fn is_meant(bridge: &Bridge, id: &str, principal: &Principal) -> bool {
    let is = |kind: &str| principal.principal_type == kind;
    let has = |ids: &[String]| ids.iter().any(|one| one == id);
    bridge.identities.iter().any(|identity| match &identity.who {
        Who::Group { id: group, .. } => group == id && is("Group"),
        Who::ManagedIdentity(own) => own == id && is("ServicePrincipal"),
        Who::ServicePrincipal(client) => client == id && is("ServicePrincipal"),
        Who::AppRole { members, people, groups, .. } => {
            (is("ServicePrincipal") && has(members))
                || (is("User") && has(people))
                || (is("Group") && has(groups))
        }
    })
}

impl Entry {
    fn principal(self, principal_type: &str) -> Principal {
        Principal {
            object_id: self.id,
            principal_type: principal_type.to_owned(),
            display_name: self.display_name.unwrap_or_default(),
        }
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
