//! The bridge file as it is written. What it says is checked elsewhere; here is only its shape, for serde and for the
//! JSON Schema, whose descriptions are these comments.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

/// A bridge between Azure Machine Learning and Google Kubernetes Engine.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "Gangplank bridge")]
pub(crate) struct BridgeFile {
    /// Version of this format.
    #[schemars(extend("const" = "gangplank.dev/v1alpha1"))]
    #[serde(rename = "apiVersion")]
    _api_version: String,
    /// Kind of this document.
    #[schemars(extend("const" = "Bridge"))]
    #[serde(rename = "kind")]
    _kind: String,
    /// What the bridge is called.
    pub(crate) metadata: MetadataFile,
    /// Where models come from.
    pub(crate) azure: AzureFile,
    /// Where they go.
    pub(crate) google: GoogleFile,
    /// The trust between the two.
    #[serde(default)]
    pub(crate) federation: FederationFile,
    /// Who may come across.
    #[serde(default)]
    pub(crate) identities: Vec<IdentityFile>,
    /// The tenants of the cluster.
    #[serde(default)]
    pub(crate) teams: Vec<TeamFile>,
    /// The models being served.
    #[serde(default)]
    pub(crate) services: Vec<ServiceFile>,
    /// Pods that go the other way, from GKE to Azure, without a key.
    #[serde(default)]
    pub(crate) workloads: Vec<WorkloadFile>,
    /// Addresses that differ from the public clouds': sovereign clouds, private endpoints, the sandbox.
    #[serde(default)]
    pub(crate) endpoints: EndpointsFile,
}

/// What the bridge is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Metadata")]
pub(crate) struct MetadataFile {
    /// Name of the bridge, a DNS label of at most 32 characters. Marks everything the bridge creates.
    pub(crate) name: String,
}

/// Where models come from.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Azure")]
pub(crate) struct AzureFile {
    /// Which Azure; `public` unless said otherwise.
    #[serde(default)]
    pub(crate) cloud: CloudFile,
    /// Entra tenant, a GUID.
    pub(crate) tenant: String,
    /// Subscription of the workspace, a GUID.
    pub(crate) subscription: String,
    /// Resource group of the workspace.
    pub(crate) resource_group: String,
    /// Azure ML workspace.
    pub(crate) workspace: String,
    /// Datastores that models are read from besides the workspace's default one, such as `workspaceartifactstore`, where
    /// jobs leave their models. Whoever carries models may read each one's container.
    #[serde(default)]
    pub(crate) datastores: Vec<String>,
}

/// Which Azure.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Cloud")]
pub(crate) enum CloudFile {
    /// Azure public.
    #[default]
    Public,
    /// Azure US Government.
    UsGovernment,
    /// Azure operated by 21Vianet.
    China,
}

/// Where models go.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Google")]
pub(crate) struct GoogleFile {
    /// Project id (not the number).
    pub(crate) project: String,
    /// Project number: `gcloud projects describe PROJECT --format='value(projectNumber)'` tells it.
    #[schemars(extend("type" = ["string", "integer"]))]
    pub(crate) project_number: TextOrNumber,
    /// Region or zone of the cluster; the repository lies in its region.
    pub(crate) location: String,
    /// GKE cluster.
    pub(crate) cluster: String,
    /// Artifact Registry repository.
    pub(crate) repository: String,
    /// Key in Cloud KMS that signs images and what is said of them: `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V`.
    pub(crate) signing_key: Option<String>,
}

/// The trust between the two clouds.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Federation")]
pub(crate) struct FederationFile {
    /// Workload identity pool id; `gangplank` unless said otherwise.
    pub(crate) pool: Option<String>,
    /// Provider id in the pool; `entra` unless said otherwise.
    pub(crate) provider: Option<String>,
    /// Display name of the Entra application; `gangplank-` and the bridge's name unless said otherwise.
    pub(crate) application: Option<String>,
}

/// Somebody who may come across: exactly one of `servicePrincipal`, `managedIdentity`, `appRole` and `group`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Identity")]
pub(crate) struct IdentityFile {
    /// Name that people use.
    pub(crate) name: String,
    /// Application (client) id of a service principal, a GUID.
    pub(crate) service_principal: Option<String>,
    /// Object (principal) id of a managed identity, a GUID.
    pub(crate) managed_identity: Option<String>,
    /// Value of an app role; `members`, `people` and `groups` hold it.
    pub(crate) app_role: Option<String>,
    /// Application (client) ids of the service principals that hold the app role, GUIDs.
    #[serde(default)]
    pub(crate) members: Vec<String>,
    /// People who hold the app role: user principal names, or object ids (GUIDs).
    #[serde(default)]
    pub(crate) people: Vec<String>,
    /// Object ids of the groups whose direct members hold the app role, GUIDs.
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    /// Object id of a group, a GUID.
    pub(crate) group: Option<String>,
    /// With `group`: whether people are in it who cross with the Azure CLI's log-in. Unless said so, it is for machines.
    #[serde(default)]
    pub(crate) includes_people: bool,
    /// What it may do: `push`, `push:TEAM`, `read` or `deploy:TEAM`.
    pub(crate) may: Vec<String>,
}

/// A tenant of the cluster.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Team")]
pub(crate) struct TeamFile {
    /// Name of the team, a DNS label of 3 to 24 characters.
    pub(crate) name: String,
    /// Namespace of the team; the team's name unless said otherwise.
    pub(crate) namespace: Option<String>,
    /// Labels on the namespace and everything in it.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    /// Names of the Azure ML models that the team may serve; `*` matches any run of characters.
    #[serde(default)]
    pub(crate) models: Vec<String>,
    /// Hard limits of the namespace.
    pub(crate) quota: Option<QuotaFile>,
    /// Namespaces whose pods may call the team's services.
    #[serde(default)]
    pub(crate) callers: Vec<String>,
    /// Artifact Registry repository of the team's own, for `push:TEAM`; unless given, its images go to the shared one.
    pub(crate) repository: Option<String>,
}

/// Hard limits of a namespace.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Quota")]
pub(crate) struct QuotaFile {
    /// CPU that all pods may request together.
    pub(crate) cpu: TextOrNumber,
    /// Memory that all pods may request together.
    pub(crate) memory: TextOrNumber,
    /// Number of pods.
    #[schemars(range(min = 1))]
    pub(crate) pods: u32,
}

/// A model being served.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Service")]
pub(crate) struct ServiceFile {
    /// Name of the service, a DNS label that begins with a letter.
    pub(crate) name: String,
    /// Team it belongs to.
    pub(crate) team: String,
    /// Model version: `NAME`, `NAME:VERSION`, `NAME@latest` or `NAME@TAG=VALUE`; or an Azure ML id such as
    /// `azureml://registries/REGISTRY/models/NAME/versions/VERSION` or `azureml:NAME:VERSION`.
    pub(crate) model: String,
    /// What serves the model; `auto` unless said otherwise: what the version's files call for.
    #[serde(default)]
    pub(crate) runtime: RuntimeFile,
    /// How many pods.
    #[serde(default)]
    pub(crate) scaling: ScalingFile,
    /// Who can reach it; `cluster` unless said otherwise.
    #[serde(default)]
    pub(crate) expose: ExposeFile,
    /// What one pod takes.
    #[serde(default)]
    pub(crate) resources: ResourcesFile,
    /// File with a request that a healthy service answers; relative to the bridge file.
    pub(crate) sample: Option<String>,
}

/// What serves a model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Runtime")]
pub(crate) enum RuntimeFile {
    /// One of ours.
    Ours(OurRuntimeFile),
    /// An image of the user's.
    Image(ImageFile),
    /// A package that Azure ML built.
    Package(PackageFile),
}

impl Default for RuntimeFile {
    fn default() -> Self {
        Self::Ours(OurRuntimeFile::Auto)
    }
}

/// A runtime of ours.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "OurRuntime")]
pub(crate) enum OurRuntimeFile {
    /// What the version's files call for.
    Auto,
    /// The scorer for ONNX models.
    Onnx,
}

/// An image that reads the model from `AZUREML_MODEL_DIR`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Image")]
pub(crate) struct ImageFile {
    /// The image with its digest, `HOST/PATH@sha256:…`.
    pub(crate) image: String,
    /// The port it listens on.
    #[schemars(range(min = 1, max = 65535))]
    pub(crate) port: u16,
    /// A public key whose signature the image must carry, as cosign makes it: a PEM file, relative to the bridge file.
    pub(crate) signed_by: Option<String>,
}

/// The model's package: an Azure ML environment whose image holds model and server. The image is copied as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Package")]
pub(crate) struct PackageFile {
    /// The environment of the workspace, `NAME:VERSION`.
    pub(crate) environment: String,
}

/// How many pods.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Scaling")]
pub(crate) struct ScalingFile {
    /// At least; 1 unless said otherwise.
    #[schemars(range(min = 1))]
    pub(crate) min: Option<u32>,
    /// At most; 3, or `min` if that is more, unless said otherwise.
    #[schemars(range(min = 1))]
    pub(crate) max: Option<u32>,
    /// Average CPU use to aim at, in percent of the request; 70 unless said otherwise.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) cpu_percent: Option<u32>,
}

/// Who can reach a service.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Expose")]
pub(crate) enum ExposeFile {
    /// Only inside the cluster.
    #[default]
    Cluster,
    /// An internal load balancer.
    Internal,
    /// A public load balancer.
    Public,
}

/// What one pod takes.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Resources")]
pub(crate) struct ResourcesFile {
    /// CPU request; `250m` unless said otherwise.
    pub(crate) cpu: Option<TextOrNumber>,
    /// Memory request and limit; `256Mi` unless said otherwise.
    pub(crate) memory: Option<TextOrNumber>,
}

/// Pods under one Kubernetes service account that go the other way, from GKE to Azure.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Workload")]
pub(crate) struct WorkloadFile {
    /// Name of the workload, a DNS label of 3 to 26 characters.
    pub(crate) name: String,
    /// Team in whose namespace the pods run.
    pub(crate) team: String,
    /// Kubernetes service account that the pods run under; the bridge makes it.
    pub(crate) service_account: String,
    /// What the pods may do in Azure: `read-models`.
    pub(crate) may: Vec<String>,
    /// Whose token Entra takes; `cluster` unless said otherwise.
    #[serde(default)]
    pub(crate) via: ViaFile,
}

/// Whose token a workload shows to Entra.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Via")]
pub(crate) enum ViaFile {
    /// The cluster's: a projected service-account token.
    #[default]
    Cluster,
    /// Google's: an ID token of a Google service account of the workload's own.
    Google,
}

/// Addresses that differ from the public clouds'.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "Endpoints")]
pub(crate) struct EndpointsFile {
    /// PEM file of certificate authorities to trust besides the system's; relative to the bridge file.
    pub(crate) ca_bundle: Option<String>,
    /// Entra authority; default `https://login.microsoftonline.com`.
    pub(crate) entra: Option<String>,
    /// Microsoft Graph; default `https://graph.microsoft.com`.
    pub(crate) graph: Option<String>,
    /// Azure Resource Manager; default `https://management.azure.com`.
    pub(crate) resource_manager: Option<String>,
    /// Blob service, `{account}` stands for the storage account; default `https://{account}.blob.core.windows.net`.
    pub(crate) blob: Option<String>,
    /// Azure container registries, `{registry}` stands for the registry's name; default `https://{registry}.azurecr.io`.
    pub(crate) acr: Option<String>,
    /// Where Azure ML registries are looked up; default `https://eastus.api.azureml.ms`.
    pub(crate) ml_registry: Option<String>,
    /// Google STS; default `https://sts.googleapis.com`.
    pub(crate) sts: Option<String>,
    /// Google IAM; default `https://iam.googleapis.com`.
    pub(crate) iam: Option<String>,
    /// IAM credentials; default `https://iamcredentials.googleapis.com`.
    pub(crate) iam_credentials: Option<String>,
    /// Cloud Resource Manager; default `https://cloudresourcemanager.googleapis.com`.
    pub(crate) cloud_resource_manager: Option<String>,
    /// Artifact Registry's API; default `https://artifactregistry.googleapis.com`.
    pub(crate) artifact_registry: Option<String>,
    /// Image registry; default `https://LOCATION-docker.pkg.dev`.
    pub(crate) registry: Option<String>,
    /// Kubernetes Engine's API; default `https://container.googleapis.com`.
    pub(crate) container: Option<String>,
    /// Issuer of Google's ID tokens; default `https://accounts.google.com`.
    pub(crate) accounts: Option<String>,
    /// Cloud KMS; default `https://cloudkms.googleapis.com`.
    pub(crate) cloud_kms: Option<String>,
}

/// A text that may be written as a number without quotes: a Kubernetes quantity, a project number.
#[derive(Debug, JsonSchema)]
#[schemars(inline, extend("type" = ["string", "number"]))]
pub(crate) struct TextOrNumber(pub(crate) String);

impl<'de> Deserialize<'de> for TextOrNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrNumberVisitor)
    }
}

struct TextOrNumberVisitor;

impl Visitor<'_> for TextOrNumberVisitor {
    type Value = TextOrNumber;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E>(self, value: &str) -> Result<TextOrNumber, E> {
        Ok(TextOrNumber(value.to_owned()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<TextOrNumber, E> {
        Ok(TextOrNumber(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<TextOrNumber, E> {
        Ok(TextOrNumber(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<TextOrNumber, E> {
        Ok(TextOrNumber(value.to_string()))
    }
}
