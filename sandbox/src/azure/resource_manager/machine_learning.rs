//! Azure ML's control plane: workspace, models and their versions, datastores.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Answer, Call, check_group};
use crate::azure::container_registry;
use crate::azure::models::{Environment, ModelVersion, Store};
use crate::seed;

/// The workspace's datastores: the first is the default one.
const DATASTORES: [(&str, Store); 2] =
    [("workspaceblobstore", Store::Default), (seed::ARTIFACT_DATASTORE, Store::Artifacts)];

impl Call<'_> {
    /// Serves what lies below the workspace with ARM id `scope`.
    pub(super) fn in_workspace(&self, group: &str, workspace: &str, scope: &str, rest: &[&str]) -> Answer {
        let kind = rest.first().map(|kind| kind.to_ascii_lowercase()).unwrap_or_default();
        let (action, scope) = match (kind.as_str(), rest.get(1..).unwrap_or_default()) {
            ("", _) => ("read", scope.to_owned()),
            ("models", [] | [_]) => ("models/read", with(scope, rest)),
            ("models", [_, _versions, ..]) => ("models/versions/read", with(scope, rest)),
            ("datastores", _) => ("datastores/read", with(scope, rest)),
            ("environments", [] | [_]) => ("environments/read", with(scope, rest)),
            ("environments", [_, _versions, ..]) => ("environments/versions/read", with(scope, rest)),
            _ => return Err(self.no_such_path()),
        };
        let writes = self.method == Method::PUT && action == "datastores/read" && rest.len() == 2;
        if writes {
            self.require("Microsoft.MachineLearningServices/workspaces/datastores/write", &scope)?;
        } else {
            self.read(&format!("Microsoft.MachineLearningServices/workspaces/{action}"), &scope)?;
        }
        check_group(group)?;
        if !workspace.eq_ignore_ascii_case(seed::WORKSPACE) {
            return Err(Refusal::resource_not_found(
                "Microsoft.MachineLearningServices/workspaces",
                workspace,
            ));
        }
        match (kind.as_str(), rest.get(1..).unwrap_or_default()) {
            ("models", []) => self.models(),
            ("models", [name]) => self.model(name),
            ("models", [name, versions]) if versions.eq_ignore_ascii_case("versions") => self.versions(name),
            ("models", [name, versions, version]) if versions.eq_ignore_ascii_case("versions") => {
                self.version(name, version)
            }
            ("datastores", []) => self.datastores(),
            ("datastores", [name]) if writes => self.put_datastore(name),
            ("datastores", [name]) => self.datastore(name),
            ("environments", []) => self.environments(),
            ("environments", [name, versions]) if versions.eq_ignore_ascii_case("versions") => {
                self.environment_versions(name)
            }
            ("environments", [name, versions, version]) if versions.eq_ignore_ascii_case("versions") => {
                self.environment(name, version)
            }
            ("", _) => Ok((StatusCode::OK, workspace_shown())),
            _ => Err(self.no_such_path()),
        }
    }

    fn models(&self) -> Answer {
        let view = self.view()?;
        let models = self.shared.azure.models();
        let shown = models.versions.iter().filter(|(_, versions)| versions.iter().any(|it| view.shows(it)));
        self.page(shown.map(|(name, versions)| model_shown(name, versions)).collect())
    }

    fn model(&self, name: &str) -> Answer {
        let models = self.shared.azure.models();
        let versions = models.versions.get(name).ok_or_else(|| no_model(name))?;
        Ok((StatusCode::OK, model_shown(name, versions)))
    }

    fn versions(&self, name: &str) -> Answer {
        let view = self.view()?;
        let models = self.shared.azure.models();
        let versions = models.versions.get(name).ok_or_else(|| no_model(name))?;
        let wanted = self.query.get("version");
        let mut versions: Vec<&ModelVersion> = versions
            .iter()
            .filter(|it| {
                view.shows(it) && wanted.is_none_or(|wanted| it.version == wanted) && self.has_tags(it)
            })
            .collect();
        // In order of registration; newest first unless asked otherwise.
        let order = self.query.get("$orderBy").unwrap_or_default().to_ascii_lowercase();
        if !order.ends_with(" asc") {
            versions.reverse();
        }
        self.page(versions.into_iter().map(|version| version_shown(name, version)).collect())
    }

    fn version(&self, name: &str, version: &str) -> Answer {
        let models = self.shared.azure.models();
        let found = models.version(name, version).ok_or_else(|| {
            let message = format!(
                "ModelNotFound: Model with name {name}, version {version} not found in provided workspace"
            );
            Refusal::not_found("UserError", message)
        })?;
        Ok((StatusCode::OK, version_shown(name, found)))
    }

    fn datastores(&self) -> Answer {
        let default = self.query.get("isDefault").is_some_and(|it| it.eq_ignore_ascii_case("true"));
        let stores = DATASTORES.iter().filter(|(_, store)| !default || *store == Store::Default);
        self.page(stores.map(|(name, store)| self.datastore_shown(name, *store)).collect())
    }

    fn datastore(&self, name: &str) -> Answer {
        let (name, store) = datastore_named(name)?;
        Ok((StatusCode::OK, self.datastore_shown(name, store)))
    }

    /// Changes what a datastore keeps to log in with; the rest of it stays.
    /// <https://learn.microsoft.com/rest/api/azureml/datastores/create-or-update>
    fn put_datastore(&self, name: &str) -> Answer {
        let (name, store) = datastore_named(name)?;
        let kind = self.body.pointer("/properties/credentials/credentialsType").and_then(Value::as_str);
        match kind {
            Some("None") => self.shared.azure.models().credentials.remove(name),
            Some(kind @ ("AccountKey" | "Sas")) => {
                self.shared.azure.models().credentials.insert(name.to_owned(), kind.to_owned())
            }
            _ => {
                let message = "credentials: expected a credentialsType of None, AccountKey or Sas.";
                return Err(Refusal::bad_request("ValidationError", message.to_owned()));
            }
        };
        Ok((StatusCode::OK, self.datastore_shown(name, store)))
    }

    /// A datastore as it is shown: what it keeps is a secret, of which only the kind is told.
    fn datastore_shown(&self, name: &str, store: Store) -> Value {
        let kept = self.shared.azure.models().credentials.get(name).cloned();
        datastore_shown(name, store, kept.as_deref().unwrap_or("None"))
    }

    fn environments(&self) -> Answer {
        let models = self.shared.azure.models();
        let mut names: Vec<&str> = models.environments.iter().map(|it| it.name.as_str()).collect();
        names.dedup();
        self.page(names.into_iter().map(environment_container_shown).collect())
    }

    fn environment_versions(&self, name: &str) -> Answer {
        let models = self.shared.azure.models();
        let versions = models.environments.iter().rev().filter(|it| it.name == name);
        self.page(versions.map(environment_shown).collect())
    }

    fn environment(&self, name: &str, version: &str) -> Answer {
        let models = self.shared.azure.models();
        let found = models.environments.iter().find(|it| it.name == name && it.version == version);
        let found = found.ok_or_else(|| {
            let message = format!(
                "EnvironmentNotFound: Environment with name {name}, version {version} not found in provided workspace"
            );
            Refusal::not_found("UserError", message)
        })?;
        Ok((StatusCode::OK, environment_shown(found)))
    }

    fn view(&self) -> Result<View, Refusal> {
        match self.query.get("listViewType") {
            None | Some("ActiveOnly") => Ok(View::Active),
            Some("ArchivedOnly") => Ok(View::Archived),
            Some("All") => Ok(View::All),
            Some(other) => {
                let message = format!("The value '{other}' is not valid for ListViewType.");
                Err(Refusal::bad_request("ValidationError", message))
            }
        }
    }

    /// `tags=a=b,c`: every named tag, with the value if one is given.
    fn has_tags(&self, version: &ModelVersion) -> bool {
        let wanted = self.query.get("tags").unwrap_or_default();
        wanted.split(',').filter(|tag| !tag.is_empty()).all(|tag| match tag.split_once('=') {
            Some((tag, value)) => version.tags.get(tag).is_some_and(|has| has == value),
            None => version.tags.contains_key(tag),
        })
    }
}

/// Which versions a list shows.
#[derive(Clone, Copy)]
enum View {
    Active,
    Archived,
    All,
}

impl View {
    fn shows(self, version: &ModelVersion) -> bool {
        match self {
            Self::Active => !version.archived,
            Self::Archived => version.archived,
            Self::All => true,
        }
    }
}

fn with(scope: &str, rest: &[&str]) -> String {
    format!("{scope}/{}", rest.join("/"))
}

fn workspace_id() -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/workspaces/{}",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::WORKSPACE
    )
}

fn no_model(name: &str) -> Refusal {
    Refusal::not_found(
        "UserError",
        format!("ModelContainerNotFound: Model with name {name} not found in provided workspace"),
    )
}

fn datastore_named(name: &str) -> Result<(&'static str, Store), Refusal> {
    let found = DATASTORES.iter().find(|(known, _)| *known == name).copied();
    found.ok_or_else(|| Refusal::not_found("UserError", format!("Could not find datastore: {name}")))
}

fn workspace_shown() -> Value {
    let providers =
        format!("/subscriptions/{}/resourceGroups/{}/providers", seed::SUBSCRIPTION, seed::RESOURCE_GROUP);
    json!({
        "id": workspace_id(),
        "name": seed::WORKSPACE,
        "type": "Microsoft.MachineLearningServices/workspaces",
        "location": seed::REGION,
        "kind": "Default",
        "tags": {},
        "sku": { "name": "Basic", "tier": "Basic" },
        "properties": {
            "friendlyName": seed::WORKSPACE,
            "workspaceId": "8a1e2d3c-4b5f-4a6e-9d7c-0e1f2a3b4c50",
            "storageAccount":
                format!("{providers}/Microsoft.Storage/storageAccounts/{}", seed::STORAGE_ACCOUNT),
            "containerRegistry": container_registry::scope(),
            "tenantId": seed::TENANT,
            "publicNetworkAccess": "Enabled",
            "hbiWorkspace": false,
            "provisioningState": "Succeeded",
        },
    })
}

fn datastore_shown(name: &str, store: Store, credentials: &str) -> Value {
    let (account, container) = store.place();
    json!({
        "id": format!("{}/datastores/{name}", workspace_id()),
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/datastores",
        "properties": {
            "datastoreType": "AzureBlob",
            "isDefault": store == Store::Default,
            "accountName": account,
            "containerName": container,
            "endpoint": "core.windows.net",
            "protocol": "https",
            "subscriptionId": seed::SUBSCRIPTION,
            "resourceGroup": seed::RESOURCE_GROUP,
            "credentials": { "credentialsType": credentials },
            "serviceDataAccessAuthIdentity": "None",
            "description": null,
            "tags": {},
            "properties": {},
        },
        "systemData": system_data("2026-01-05T08:00:00Z"),
    })
}

pub(super) fn system_data(time: &str) -> Value {
    json!({
        "createdAt": time,
        "createdBy": "Ada Administrator",
        "createdByType": "User",
        "lastModifiedAt": time,
        "lastModifiedBy": "Ada Administrator",
        "lastModifiedByType": "User",
    })
}

fn model_shown(name: &str, versions: &[ModelVersion]) -> Value {
    let numbers = versions.iter().filter_map(|it| it.version.parse::<u64>().ok());
    let next = numbers.max().unwrap_or(0) + 1;
    let created = versions.first().map(|it| it.created.to_string()).unwrap_or_default();
    json!({
        "id": format!("{}/models/{name}", workspace_id()),
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/models",
        "properties": {
            "description": null,
            "tags": {},
            "properties": {},
            "isArchived": versions.iter().all(|it| it.archived),
            "latestVersion": versions.last().map(|it| it.version.as_str()),
            "nextVersion": next.to_string(),
            "provisioningState": "Succeeded",
        },
        "systemData": system_data(&created),
    })
}

fn environment_container_shown(name: &str) -> Value {
    json!({
        "id": format!("{}/environments/{name}", workspace_id()),
        "name": name,
        "type": "Microsoft.MachineLearningServices/workspaces/environments",
        "properties": { "isArchived": false, "tags": {}, "properties": {}, "provisioningState": "Succeeded" },
        "systemData": system_data("2026-03-04T00:00:00Z"),
    })
}

/// The shape of `examples/Workspace/EnvironmentVersion/get.json` in azure-rest-api-specs.
fn environment_shown(environment: &Environment) -> Value {
    let Environment { name, version, image, port } = environment;
    json!({
        "id": format!("{}/environments/{name}/versions/{version}", workspace_id()),
        "name": version,
        "type": "Microsoft.MachineLearningServices/workspaces/environments/versions",
        "properties": {
            "description": null,
            "tags": {},
            "properties": {},
            "isArchived": false,
            "isAnonymous": false,
            "environmentType": "UserCreated",
            "image": image,
            "condaFile": null,
            "build": null,
            "osType": "Linux",
            "inferenceConfig": {
                "livenessRoute": { "path": "/", "port": port },
                "readinessRoute": { "path": "/", "port": port },
                "scoringRoute": { "path": "/score", "port": port },
            },
            "provisioningState": "Succeeded",
        },
        "systemData": system_data("2026-03-04T00:00:00Z"),
    })
}

fn version_shown(name: &str, version: &ModelVersion) -> Value {
    let datastore = DATASTORES.iter().find(|(_, store)| *store == version.store).map_or("", |(name, _)| name);
    let paths = format!(
        "azureml://subscriptions/{}/resourceGroups/{}/workspaces/{}/datastores/{datastore}/paths/{}",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::WORKSPACE,
        version.folder
    );
    json!({
        "id": format!("{}/models/{name}/versions/{}", workspace_id(), version.version),
        "name": version.version,
        "type": "Microsoft.MachineLearningServices/workspaces/models/versions",
        "properties": {
            "description": version.description,
            "tags": version.tags,
            "properties": {},
            "isArchived": version.archived,
            "isAnonymous": false,
            "flavors": {},
            "modelType": version.model_type,
            "modelUri": paths,
            "jobName": null,
            "stage": null,
            "provisioningState": "Succeeded",
        },
        "systemData": system_data(&version.created.to_string()),
    })
}
