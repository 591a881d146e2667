//! Models of an Azure ML workspace or registry: names and versions from Resource Manager, files from the storage behind them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use bridge::doctor::Store;
use bridge::port::{
    ByteStream, Environment, ModelFile, ModelSource, ModelVersion, Origin, PortResult, Refused,
};
use bridge::spec::Bridge;
use serde::Deserialize;

use super::Addresses;
use super::blob::{Access, Blobs};
use super::location::{Location, Place};
use super::reference::Reference;
use super::registries;
use super::rest::{Rest, encoded};
use crate::error;

/// The version of Azure ML's API that we speak unless told otherwise.
pub const API_VERSION: &str = "2025-09-01";
/// That of Microsoft.Storage.
const STORAGE_API_VERSION: &str = "2024-01-01";

const SERVICE: &str = "Azure ML";

/// The models of one workspace.
#[derive(Clone)]
pub struct Models {
    management: Rest,
    blobs: Blobs,
    /// ARM id of the workspace.
    scope: String,
    workspace: String,
    /// The registry, if it is one and no workspace.
    registry: Option<String>,
    /// Datastores that the bridge declares besides the default one.
    datastores: Vec<String>,
    discovery: Rest,
    /// Leave to read files of a registry, for each version that was listed.
    references: Arc<Mutex<Vec<Arc<Reference>>>>,
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
    properties: Option<BTreeMap<String, Option<String>>>,
    job_name: Option<String>,
    datasets: Option<Vec<Dataset>>,
}

/// A dataset that a version names, in the API since 2025-04-01-preview
/// (<https://learn.microsoft.com/azure/templates/microsoft.machinelearningservices/workspaces/models/versions>).
#[derive(Deserialize)]
struct Dataset {
    id: Option<String>,
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
    subscription_id: Option<String>,
    resource_group: Option<String>,
    #[serde(default)]
    credentials: Credentials,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Credentials {
    credentials_type: String,
}

#[derive(Deserialize)]
struct AccountResource {
    properties: AccountProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountProperties {
    allow_shared_key_access: Option<bool>,
}

#[derive(Deserialize)]
struct EnvironmentResource {
    properties: EnvironmentProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnvironmentProperties {
    image: Option<String>,
    inference_config: Option<InferenceConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InferenceConfig {
    scoring_route: Option<Route>,
}

#[derive(Deserialize)]
struct Route {
    port: Option<u16>,
}

/// A datastore of the workspace on blob storage.
pub(super) struct BlobStore {
    pub(super) name: String,
    pub(super) account: String,
    pub(super) container: String,
    /// Subscription and group of the account, where the datastore says them.
    pub(super) place: Option<(String, String)>,
    pub(super) is_default: bool,
    /// A key of the account, or a signature made with one, that the datastore keeps: `AccountKey`, `Sas`.
    pub(super) key: Option<String>,
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
        let discovery = Rest::new(
            registries::SERVICE,
            &addresses.ml_registry,
            addresses.management_scope,
            credential.clone(),
            http,
        )?;
        Ok(Self {
            management,
            blobs: Blobs::new(addresses.blob.clone(), Access::Token(credential), http),
            scope: bridge.workspace_scope(),
            workspace: bridge.azure.workspace.clone(),
            registry: None,
            datastores: bridge.azure.datastores.clone(),
            discovery,
            references: Arc::default(),
            api_version: API_VERSION.to_owned(),
        })
    }

    /// Reads files over `streams`, a client that does not limit reading; a line on which too little comes for `stall` is cut.
    #[must_use]
    pub fn streaming(mut self, streams: reqwest::Client, stall: Duration) -> Self {
        self.blobs = self.blobs.streaming(streams, stall);
        self
    }

    /// Speaks another version of the API.
    #[must_use]
    pub fn with_api_version(mut self, version: &str) -> Self {
        version.clone_into(&mut self.api_version);
        self
    }

    /// The models of an Azure ML registry, read as the same caller.
    pub async fn in_registry(&self, registry: &str) -> PortResult<Self> {
        Ok(Self {
            scope: self.registry_scope(registry).await?,
            workspace: format!("registries/{registry}"),
            registry: Some(registry.to_owned()),
            references: Arc::default(),
            ..self.clone()
        })
    }

    /// The ARM id of an Azure ML registry.
    pub(super) async fn registry_scope(&self, registry: &str) -> PortResult<String> {
        registries::scope(&self.discovery, registry).await
    }

    fn path(&self, rest: &str, query: &str) -> String {
        format!("{}/{rest}?{query}api-version={}", self.scope, self.api_version)
    }

    fn model_version(&self, model: &str, resource: VersionResource) -> PortResult<ModelVersion> {
        let VersionResource { id, name: version, properties, system_data } = resource;
        let uri = properties.model_uri.filter(|uri| !uri.is_empty()).ok_or_else(|| {
            error::own(SERVICE, Refused::Invalid, format!("`{model}:{version}` names no place of its files"))
        })?;
        let origin = Origin {
            job: properties.job_name,
            datasets: properties.datasets.into_iter().flatten().filter_map(|dataset| dataset.id).collect(),
            properties: texts(properties.properties),
        };
        Ok(ModelVersion {
            name: model.to_owned(),
            version,
            asset_id: id,
            model_type: properties.model_type.unwrap_or_else(|| "custom_model".to_owned()),
            uri,
            tags: texts(properties.tags),
            created: system_data.and_then(|data| data.created_at?.parse().ok()),
            workspace: self.workspace.clone(),
            origin,
        })
    }

    async fn place(&self, uri: &str) -> PortResult<Place> {
        let (datastore, path) = match Location::parse(uri)? {
            Location::Container(place) => return Ok(place),
            Location::Datastore { datastore, path } => (datastore, path),
        };
        let found: DatastoreResource =
            self.management.get(&self.path(&format!("datastores/{}", encoded(&datastore)), "")).await?;
        let store = found.storage()?;
        if !store.is_default && !self.datastores.contains(&store.name) {
            let problem = format!(
                "the model's files are in datastore `{0}`, which this bridge does not read; add `{0}` to \
                 `azure.datastores` in the bridge file and have an administrator run `gangplank apply`",
                store.name
            );
            return Err(error::own(SERVICE, Refused::Denied, problem));
        }
        Ok(Place { account: store.account, container: store.container, path })
    }

    /// The workspace's datastores on blob storage.
    pub(super) async fn datastores(&self) -> PortResult<Vec<BlobStore>> {
        let all: Vec<DatastoreResource> = self.management.list(&self.path("datastores", "")).await?;
        Ok(all.into_iter().filter_map(|datastore| datastore.storage().ok()).collect())
    }

    /// The workspace's default datastore.
    pub(super) async fn default_datastore(&self) -> PortResult<BlobStore> {
        let all: Vec<DatastoreResource> =
            self.management.list(&self.path("datastores", "isDefault=true&")).await?;
        let default = all.into_iter().find(|datastore| datastore.properties.is_default);
        default
            .ok_or_else(|| error::own(SERVICE, Refused::NotFound, "the workspace has no default datastore"))?
            .storage()
    }

    /// The storage of the workspace's default datastore.
    pub async fn store(&self) -> PortResult<Store> {
        let BlobStore { account, container, place, key, .. } = self.default_datastore().await?;
        let dead_key = match (key, &place) {
            (Some(key), Some(place)) if self.takes_no_keys(place, &account).await => Some(key),
            _ => None,
        };
        Ok(Store { account, container, place, dead_key })
    }

    /// Whether a storage account is known to take no keys: its settings are not for everybody to see.
    async fn takes_no_keys(&self, (subscription, group): &(String, String), account: &str) -> bool {
        let path = format!(
            "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{account}?api-version={STORAGE_API_VERSION}"
        );
        let seen: PortResult<AccountResource> = self.management.get(&path).await;
        seen.is_ok_and(|it| it.properties.allow_shared_key_access == Some(false))
    }

    /// Whether blobs of a storage can be listed and read: both take one data action. Lists a name that is nobody's.
    pub async fn may_read(&self, store: &Store) -> PortResult<()> {
        let Store { account, container, .. } = store.clone();
        self.blobs.files(&Place { account, container, path: "gangplank-doctor/".to_owned() }).await.map(drop)
    }

    /// The registry's storage, opened for the files of one version.
    fn signed(&self, registry: &str, version: &ModelVersion, place: &Place) -> PortResult<Blobs> {
        let ModelVersion { name, version: number, uri, .. } = version;
        let path = format!("datareferences/{}/versions/{}", encoded(name), encoded(number));
        let asset = format!("azureml://registries/{registry}/models/{name}/versions/{number}");
        let prefix = self.blobs.prefix(place)?;
        let reference = Arc::new(Reference::new(
            self.management.clone(),
            self.path(&path, ""),
            asset,
            (uri.clone(), prefix.clone()),
        ));
        let mut known = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|it| it.prefix != prefix);
        known.push(reference.clone());
        Ok(self.blobs.with(Access::Signed(reference)))
    }

    /// The storage that a listed file lies in.
    fn storage_of(&self, file: &ModelFile) -> Blobs {
        let known = self.references.lock().unwrap_or_else(PoisonError::into_inner);
        let reference = known.iter().find(|it| {
            let rest = file.url.strip_prefix(&it.prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        reference.map_or_else(|| self.blobs.clone(), |it| self.blobs.with(Access::Signed(it.clone())))
    }
}

impl DatastoreResource {
    fn storage(self) -> PortResult<BlobStore> {
        let DatastoreProperties {
            datastore_type,
            account_name,
            container_name,
            is_default,
            subscription_id,
            resource_group,
            credentials: Credentials { credentials_type },
        } = self.properties;
        let key = Some(credentials_type).filter(|kind| matches!(kind.as_str(), "AccountKey" | "Sas"));
        let place = subscription_id.zip(resource_group);
        match (datastore_type.as_deref(), account_name, container_name) {
            (None | Some("AzureBlob"), Some(account), Some(container)) => {
                Ok(BlobStore { name: self.name, account, container, place, is_default, key })
            }
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
        match &self.registry {
            None => self.blobs.files(&place).await,
            Some(registry) => self.signed(registry, version, &place)?.files(&place).await,
        }
    }

    async fn environment(&self, name: &str, version: &str) -> PortResult<Environment> {
        let path = self.path(&format!("environments/{}/versions/{}", encoded(name), encoded(version)), "");
        let found: EnvironmentResource = self.management.get(&path).await?;
        let image = found.properties.image.filter(|image| !image.is_empty()).ok_or_else(|| {
            let problem = format!(
                "environment `{name}:{version}` has no image; expected a package, or an environment that was built"
            );
            error::own(SERVICE, Refused::Invalid, problem)
        })?;
        let port = found.properties.inference_config.and_then(|config| config.scoring_route?.port);
        Ok(Environment { image, port })
    }

    async fn read(&self, file: &ModelFile, range: Range<u64>) -> PortResult<ByteStream> {
        self.storage_of(file).read(file, range).await
    }
}

/// A map of texts, where Azure ML may say null for one or for all.
fn texts(map: Option<BTreeMap<String, Option<String>>>) -> BTreeMap<String, String> {
    map.into_iter().flatten().map(|(name, value)| (name, value.unwrap_or_default())).collect()
}

/// By time of registration; versions registered in one moment by number, then by name.
fn newest_first(a: &ModelVersion, b: &ModelVersion) -> std::cmp::Ordering {
    let key = |it: &ModelVersion| (it.created, it.version.parse::<u64>().ok(), it.version.clone());
    key(b).cmp(&key(a))
}
