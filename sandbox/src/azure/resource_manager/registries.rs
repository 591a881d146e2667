//! Registries: Azure ML's, which share models between workspaces, with the references that let their readers at the files;
//! where such a registry is found; and the container registry as a resource.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::machine_learning::system_data;
use super::refusal::Refusal;
use super::{Answer, Call, check_group};
use crate::azure::blob::sas;
use crate::azure::container_registry;
use crate::azure::models::{ModelVersion, Store};
use crate::seed;

/// The action behind every read of a registry's assets.
const READ_ASSETS: &str = "Microsoft.MachineLearningServices/registries/assets/read";

/// The name in a path of the discovery service (`/registrymanagement/v1.0/registries/NAME/discovery`, as azure-ai-ml asks
/// for it at `https://REGION.api.azureml.ms`).
pub(super) fn discovered(path: &str) -> Option<&str> {
    path.strip_prefix("/registrymanagement/v1.0/registries/")?.strip_suffix("/discovery")
}

/// The path without the front end that discovery points azure-ai-ml to.
pub(super) fn front_end(path: &str) -> &str {
    path.strip_prefix("/mferp/managementfrontend").unwrap_or(path)
}

impl Call<'_> {
    /// Where a registry is: its subscription, group and regions.
    pub(super) fn discovery(&self, name: &str) -> Answer {
        if self.method != Method::GET {
            return Err(Refusal::method(&self.method));
        }
        if name != seed::ML_REGISTRY {
            return Err(Refusal::not_found("UserError", format!("Registry {name} not found.")));
        }
        self.require("Microsoft.MachineLearningServices/registries/read", &registry_id())?;
        let address = self.shared.addresses().map(|it| format!("https://{}/", it.resource_manager));
        Ok((
            StatusCode::OK,
            json!({
                "registryName": seed::ML_REGISTRY,
                "tenantId": seed::TENANT,
                "subscriptionId": seed::SUBSCRIPTION,
                "resourceGroup": seed::RESOURCE_GROUP,
                "workspaceName": null,
                "primaryRegion": seed::REGION,
                "regions": [seed::REGION],
                "primaryRegionResourceProviderUri": address,
            }),
        ))
    }

    /// Serves what lies below an Azure ML registry.
    pub(super) fn in_registry(&self, group: &str, registry: &str, rest: &[&str]) -> Answer {
        let kind = rest.first().map(|kind| kind.to_ascii_lowercase()).unwrap_or_default();
        let scope = registry_id();
        match kind.as_str() {
            "" => self.read("Microsoft.MachineLearningServices/registries/read", &scope)?,
            "datareferences" if self.method == Method::POST => self.require(READ_ASSETS, &scope)?,
            _ => self.read(READ_ASSETS, &scope)?,
        }
        check_group(group)?;
        if !registry.eq_ignore_ascii_case(seed::ML_REGISTRY) {
            let kind = "Microsoft.MachineLearningServices/registries";
            return Err(Refusal::resource_not_found(kind, registry));
        }
        let is_versions = |text: &str| text.eq_ignore_ascii_case("versions");
        match (kind.as_str(), rest.get(1..).unwrap_or_default()) {
            ("", _) => Ok((StatusCode::OK, registry_shown())),
            ("models", []) => {
                let models = self.shared.azure.models();
                self.page(models.registry.iter().map(|(name, all)| model_shown(name, all)).collect())
            }
            ("models", [name]) => {
                let models = self.shared.azure.models();
                let versions = models.registry.get(*name).ok_or_else(|| no_model(name, None))?;
                Ok((StatusCode::OK, model_shown(name, versions)))
            }
            ("models", [name, versions]) if is_versions(versions) => {
                let models = self.shared.azure.models();
                let versions = models.registry.get(*name).ok_or_else(|| no_model(name, None))?;
                self.page(versions.iter().rev().map(|it| self.version_in_registry(name, it)).collect())
            }
            ("models", [name, versions, version]) if is_versions(versions) => {
                let models = self.shared.azure.models();
                let all = models.registry.get(*name);
                let found = all.and_then(|all| all.iter().find(|it| it.version == *version));
                let found = found.ok_or_else(|| no_model(name, Some(version)))?;
                Ok((StatusCode::OK, self.version_in_registry(name, found)))
            }
            ("datareferences", [name, versions, version])
                if is_versions(versions) && self.method == Method::POST =>
            {
                self.data_reference(name, version)
            }
            _ => Err(self.no_such_path()),
        }
    }

    /// `RegistryDataReferences_GetBlobReferenceSAS`: a short-lived URL to the files of a version.
    fn data_reference(&self, name: &str, version: &str) -> Answer {
        let text = |field: &str| self.body.get(field).and_then(Value::as_str).unwrap_or_default();
        let asset = format!("azureml://registries/{}/models/{name}/versions/{version}", seed::ML_REGISTRY);
        if !text("assetId").eq_ignore_ascii_case(&asset) {
            let message = format!("The asset id '{}' is not '{asset}'.", text("assetId"));
            return Err(Refusal::bad_request("UserError", message));
        }
        let models = self.shared.azure.models();
        let found = models.registry.get(name).and_then(|all| all.iter().find(|it| it.version == version));
        let found = found.ok_or_else(|| no_model(name, Some(version)))?;
        let uri = self.uri(found);
        if text("blobUri") != uri {
            let message = format!("The blob uri '{}' is none of this asset's.", text("blobUri"));
            return Err(Refusal::bad_request("UserError", message));
        }
        let query = sas::issue(self.shared, Store::Registry.place());
        Ok((
            StatusCode::OK,
            json!({ "blobReferenceForConsumption": {
                "blobUri": uri,
                "storageAccountArmId": storage_id(),
                "credential": { "credentialType": "SAS", "sasUri": format!("{uri}?{query}") },
            } }),
        ))
    }

    /// The place of a version's files.
    fn uri(&self, version: &ModelVersion) -> String {
        let (account, container) = version.store.place();
        let address = self.shared.addresses().map(|it| it.blob.to_string()).unwrap_or_default();
        format!("https://{address}/{account}/{container}/{}", version.folder)
    }

    fn version_in_registry(&self, name: &str, version: &ModelVersion) -> Value {
        json!({
            "id": format!("{}/models/{name}/versions/{}", registry_id(), version.version),
            "name": version.version,
            "type": "Microsoft.MachineLearningServices/registries/models/versions",
            "properties": {
                "description": version.description,
                "tags": version.tags,
                "properties": {},
                "isArchived": version.archived,
                "isAnonymous": false,
                "flavors": {},
                "modelType": version.model_type,
                "modelUri": self.uri(version),
                "provisioningState": "Succeeded",
            },
            "systemData": system_data(&version.created.to_string()),
        })
    }

    /// The container registry as a resource.
    pub(super) fn container_registry(&self, group: &str, registry: &str) -> Answer {
        self.read("Microsoft.ContainerRegistry/registries/read", &container_registry::scope())?;
        check_group(group)?;
        if !registry.eq_ignore_ascii_case(seed::CONTAINER_REGISTRY) {
            return Err(Refusal::resource_not_found("Microsoft.ContainerRegistry/registries", registry));
        }
        Ok((
            StatusCode::OK,
            json!({
                "id": container_registry::scope(),
                "name": seed::CONTAINER_REGISTRY,
                "type": "Microsoft.ContainerRegistry/registries",
                "location": seed::REGION,
                "tags": {},
                "sku": { "name": "Standard", "tier": "Standard" },
                "properties": {
                    "loginServer": format!("{}.azurecr.io", seed::CONTAINER_REGISTRY),
                    "adminUserEnabled": false,
                    "anonymousPullEnabled": false,
                    "provisioningState": "Succeeded",
                },
            }),
        ))
    }
}

fn no_model(name: &str, version: Option<&str>) -> Refusal {
    let message = match version {
        None => format!("ModelContainerNotFound: Model with name {name} not found in provided registry"),
        Some(version) => {
            format!("ModelNotFound: Model with name {name}, version {version} not found in provided registry")
        }
    };
    Refusal::not_found("UserError", message)
}

fn registry_id() -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/registries/{}",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::ML_REGISTRY
    )
}

/// The registry's storage lies in a group that Azure ML manages.
fn storage_id() -> String {
    format!(
        "/subscriptions/{}/resourceGroups/azureml-rg-{}/providers/Microsoft.Storage/storageAccounts/{}",
        seed::SUBSCRIPTION,
        seed::ML_REGISTRY,
        seed::ML_REGISTRY_ACCOUNT
    )
}

fn registry_shown() -> Value {
    json!({
        "id": registry_id(),
        "name": seed::ML_REGISTRY,
        "type": "Microsoft.MachineLearningServices/registries",
        "location": seed::REGION,
        "tags": {},
        "properties": {
            "publicNetworkAccess": "Enabled",
            "regionDetails": [{ "location": seed::REGION }],
        },
    })
}

fn model_shown(name: &str, versions: &[ModelVersion]) -> Value {
    let created = versions.first().map(|it| it.created.to_string()).unwrap_or_default();
    json!({
        "id": format!("{}/models/{name}", registry_id()),
        "name": name,
        "type": "Microsoft.MachineLearningServices/registries/models",
        "properties": {
            "description": null,
            "tags": {},
            "properties": {},
            "isArchived": versions.iter().all(|it| it.archived),
            "latestVersion": versions.last().map(|it| it.version.as_str()),
            "provisioningState": "Succeeded",
        },
        "systemData": system_data(&created),
    })
}
