//! Models of an Azure ML workspace: names and versions from Resource Manager, files from the storage behind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use bridge::port::{ByteStream, ModelFile, ModelSource, ModelVersion, PortResult, Refused};
use bridge::spec::Bridge;
use serde::Deserialize;

use super::Addresses;
use super::blob::Blobs;
use super::location::{Location, Place};
use super::rest::{Rest, encoded};
use crate::error;

/// The version of Azure ML's API that we speak unless told otherwise.
pub const API_VERSION: &str = "2025-09-01";

const SERVICE: &str = "Azure ML";

/// The models of one workspace.
#[derive(Clone)]
pub struct Models {
    management: Rest,
    blobs: Blobs,
    /// ARM id of the workspace.
    scope: String,
    workspace: String,
    api_version: String,
}

#[derive(Deserialize)]
struct ModelContainer {
    name: String,
    properties: Option<ContainerProperties>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerProperties {
    #[serde(default)]
    is_archived: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionResource {
    id: String,
    name: String,
    properties: VersionProperties,
    system_data: Option<SystemData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VersionProperties {
    model_uri: Option<String>,
    model_type: Option<String>,
    #[serde(default)]
    is_archived: bool,
    tags: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SystemData {
    created_at: Option<String>,
}

#[derive(Deserialize)]
struct DatastoreResource {
    name: String,
    properties: DatastoreProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DatastoreProperties {
    datastore_type: Option<String>,
    account_name: Option<String>,
    container_name: Option<String>,
    #[serde(default)]
    is_default: bool,
}

impl Models {
    /// The models of the bridge's workspace, read as `credential`.
    pub fn new(
        bridge: &Bridge,
        addresses: &Addresses,
        credential: Arc<dyn TokenCredential>,
        http: &reqwest::Client,
    ) -> PortResult<Self> {
        let management = Rest::new(
            SERVICE,
            &addresses.resource_manager,
            addresses.management_scope,
            credential.clone(),
            http,
        )?;
        Ok(Self {
            management,
            blobs: Blobs::new(addresses.blob.clone(), credential, http),
            scope: bridge.workspace_scope(),
            workspace: bridge.azure.workspace.clone(),
            api_version: API_VERSION.to_owned(),
        })
    }

    /// Speaks another version of the API.
    #[must_use]
    pub fn with_api_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.api_version);
        self
    }

    fn path(&self, rest: &str, query: &str) -> String {
        format!("{}/{rest}?{query}api-version={}", self.scope, self.api_version)
    }

    fn model_version(&self, model: &str, resource: VersionResource) -> PortResult<ModelVersion> {
        let VersionResource { id, name: version, properties, system_data } = resource;
        let uri = properties.model_uri.filter(|uri| !uri.is_empty()).ok_or_else(|| {
            error::own(SERVICE, Refused::Invalid, format!("`{model}:{version}` names no place of its files"))
        })?;
        let tags = properties.tags.unwrap_or_default();
        Ok(ModelVersion {
            name: model.to_owned(),
            version,
            asset_id: id,
            model_type: properties.model_type.unwrap_or_else(|| "custom_model".to_owned()),
            uri,
            tags: tags.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect(),
            created: system_data.and_then(|data| data.created_at?.parse().ok()),
            workspace: self.workspace.clone(),
        })
    }

    async fn place(&self, uri: &str) -> PortResult<Place> {
        let (datastore, path) = match Location::parse(uri)? {
            Location::Container(place) => return Ok(place),
            Location::Datastore { datastore, path } => (datastore, path),
        };
        let found: DatastoreResource =
            self.management.get(&self.path(&format!("datastores/{}", encoded(&datastore)), "")).await?;
        let (account, container) = found.storage()?;
        Ok(Place { account, container, path })
    }

    /// Account and container of the workspace's default datastore.
    pub(super) async fn default_datastore(&self) -> PortResult<(String, String)> {
        let all: Vec<DatastoreResource> =
            self.management.list(&self.path("datastores", "isDefault=true&")).await?;
        let default = all.into_iter().find(|datastore| datastore.properties.is_default);
        default
            .ok_or_else(|| error::own(SERVICE, Refused::NotFound, "the workspace has no default datastore"))?
            .storage()
    }
}

impl DatastoreResource {
    fn storage(self) -> PortResult<(String, String)> {
        let DatastoreProperties { datastore_type, account_name, container_name, .. } = self.properties;
        match (datastore_type.as_deref(), account_name, container_name) {
            (None | Some("AzureBlob"), Some(account), Some(container)) => Ok((account, container)),
            (kind, ..) => {
                let kind = kind.unwrap_or("unknown");
                let problem = format!("datastore `{}` is of kind {kind}; expected AzureBlob", self.name);
                Err(error::own(SERVICE, Refused::Invalid, problem))
            }
        }
    }
}

impl ModelSource for Models {
    async fn models(&self) -> PortResult<Vec<String>> {
        let all: Vec<ModelContainer> = self.management.list(&self.path("models", "")).await?;
        let live = all.into_iter().filter(|it| !it.properties.as_ref().is_some_and(|it| it.is_archived));
        let mut names: Vec<String> = live.map(|model| model.name).collect();
        names.sort();
        Ok(names)
    }

    async fn versions(&self, model: &str) -> PortResult<Vec<ModelVersion>> {
        let path = self.path(&format!("models/{}/versions", encoded(model)), "");
        let all: Vec<VersionResource> = self.management.list(&path).await?;
        let live = all.into_iter().filter(|resource| !resource.properties.is_archived);
        let versions: PortResult<Vec<_>> = live.map(|resource| self.model_version(model, resource)).collect();
        let mut versions = versions?;
        versions.sort_by(newest_first);
        Ok(versions)
    }

    async fn version(&self, model: &str, version: &str) -> PortResult<ModelVersion> {
        let path = self.path(&format!("models/{}/versions/{}", encoded(model), encoded(version)), "");
        self.model_version(model, self.management.get(&path).await?)
    }

    async fn files(&self, version: &ModelVersion) -> PortResult<Vec<ModelFile>> {
        let place = self.place(&version.uri).await?;
        self.blobs.files(&place).await
    }

    async fn read(&self, file: &ModelFile, offset: u64) -> PortResult<ByteStream> {
        self.blobs.read(file, offset).await
    }
}

/// By time of registration; versions registered in one moment by number, then by name.
fn newest_first(a: &ModelVersion, b: &ModelVersion) -> std::cmp::Ordering {
    let key = |it: &ModelVersion| (it.created, it.version.parse::<u64>().ok(), it.version.clone());
    key(b).cmp(&key(a))
}
