//! The declared bridge, validated. Made only by [`crate::file`], which knows lines and columns; nothing here can hold
//! a value the rest of the crate would have to doubt.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::signing_key::SigningKey;

/// A declared bridge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bridge {
    /// `metadata.name`: marks everything this bridge creates. A DNS label of at most 32 characters.
    pub name: String,
    /// Where models come from.
    pub azure: Azure,
    /// Where they go.
    pub google: Google,
    /// The trust between the two.
    pub federation: Federation,
    /// Who may come across.
    pub identities: Vec<Identity>,
    /// The tenants of the cluster.
    pub teams: Vec<Team>,
    /// The models being served.
    pub services: Vec<Service>,
    /// Pods that go the other way, from GKE to Azure.
    pub workloads: Vec<Workload>,
    /// Addresses that differ from the public clouds'.
    pub endpoints: Endpoints,
}

/// The Azure side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Azure {
    /// Which Azure.
    pub cloud: AzureCloud,
    /// Entra tenant, a GUID in lower case.
    pub tenant: String,
    /// Subscription, a GUID in lower case.
    pub subscription: String,
    /// Resource group.
    pub resource_group: String,
    /// Azure ML workspace.
    pub workspace: String,
    /// Datastores that models are read from besides the workspace's default one.
    pub datastores: Vec<String>,
}

/// The national clouds of Azure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AzureCloud {
    /// Azure public.
    Public,
    /// Azure US Government.
    UsGovernment,
    /// Azure operated by 21Vianet.
    China,
}

/// The Google side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Google {
    /// Project id (not the number).
    pub project: String,
    /// Project number, decimal digits (`projectNumber:` in the file, required). Google's STS takes no project id, and a
    /// caller has no Google log-in to look the number up with before the exchange.
    pub project_number: String,
    /// Region (or zone) of cluster and repository.
    pub location: String,
    /// GKE cluster name.
    pub cluster: String,
    /// Artifact Registry repository id.
    pub repository: String,
    /// The key in Cloud KMS that signs images and what is said of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_key: Option<SigningKey>,
}

/// The trust between the two clouds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Federation {
    /// Workload identity pool id.
    pub pool: String,
    /// Provider id in the pool.
    pub provider: String,
    /// Display name of the Entra application.
    pub application: String,
}

/// Somebody who may come across.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The name people use.
    pub name: String,
    /// Who it is in Entra.
    pub who: Who,
    /// What it may do on the other side.
    pub may: Vec<Right>,
}

/// An identity in Entra. All ids are GUIDs in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// A service principal, by its application (client) id.
    ServicePrincipal(String),
    /// A managed identity, by the object (principal) id of its service principal.
    ManagedIdentity(String),
    /// Holders of an app role of our application.
    AppRole {
        /// The role's value.
        role: String,
        /// Client ids of the service principals that are given the role.
        members: Vec<String>,
        /// People who are given the role: object ids, or user principal names in lower case.
        people: Vec<String>,
        /// Object ids of the groups whose direct members are given the role.
        groups: Vec<String>,
    },
    /// Members of a group.
    Group {
        /// Its object id.
        id: String,
        /// Whether people are among them, who cross with the Azure CLI's log-in.
        includes_people: bool,
    },
}

impl Who {
    /// Whether people are meant, or may be.
    pub fn includes_people(&self) -> bool {
        match self {
            Self::ServicePrincipal(_) | Self::ManagedIdentity(_) => false,
            Self::AppRole { people, groups, .. } => !people.is_empty() || !groups.is_empty(),
            Self::Group { includes_people, .. } => *includes_people,
        }
    }
}

/// What an identity may do on the Google side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Right {
    /// Push images to the repository that teams share.
    Push,
    /// Push images to the repository that is one team's own.
    PushFor(String),
    /// Deploy for one team.
    Deploy(String),
    /// Read images.
    Read,
}

/// A tenant of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Team {
    /// The team's name, a DNS label of at most 24 characters (its service account is `gp-NAME`).
    pub name: String,
    /// The team's namespace.
    pub namespace: String,
    /// Labels on the namespace and everything in it.
    pub labels: BTreeMap<String, String>,
    /// Which Azure ML models the team may serve: names, `*` matches any run of characters.
    pub models: Vec<String>,
    /// Hard limits for the namespace.
    pub quota: Option<Quota>,
    /// Namespaces whose pods may call the team's services.
    pub callers: Vec<String>,
    /// An Artifact Registry repository of the team's own; without, its images go to the shared one.
    pub repository: Option<String>,
}

/// Hard limits of a namespace, as Kubernetes quantities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quota {
    /// `requests.cpu`.
    pub cpu: String,
    /// `requests.memory`.
    pub memory: String,
    /// `pods`.
    pub pods: u32,
}

/// A model being served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Service {
    /// The service's name, a DNS label.
    pub name: String,
    /// The team it belongs to.
    pub team: String,
    /// Which model version.
    pub model: ModelRef,
    /// What serves it.
    pub runtime: Runtime,
    /// How many pods.
    pub scaling: Scaling,
    /// Who can reach it.
    pub expose: Expose,
    /// Container resources.
    pub resources: Resources,
    /// A request body that a healthy service answers with 2xx; path relative to the bridge file.
    pub sample: Option<String>,
    /// What only a deployment file of Azure ML's says.
    #[serde(skip_serializing_if = "Tuning::is_silent")]
    pub tuning: Tuning,
}

/// Details of a service's pods that only a deployment file of Azure ML's sets. Where it is silent, the choice is ours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tuning {
    /// Environment variables of the container.
    pub env: BTreeMap<String, String>,
    /// Annotations of the Deployment and its pods.
    pub annotations: BTreeMap<String, String>,
    /// When a pod is started anew.
    pub liveness: ProbeTuning,
    /// When a pod gets requests.
    pub readiness: ProbeTuning,
    /// How long a pod may take to start.
    pub startup: ProbeTuning,
}

impl Tuning {
    /// Whether it says nothing.
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }
}

/// How a pod is looked at. Times are seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProbeTuning {
    /// Time before the first look.
    pub initial_delay: Option<u32>,
    /// Time between two looks.
    pub period: Option<u32>,
    /// Time an answer may take.
    pub timeout: Option<u32>,
    /// Good looks until it counts as good.
    pub success_threshold: Option<u32>,
    /// Bad looks until it counts as bad.
    pub failure_threshold: Option<u32>,
    /// The path that is asked.
    pub path: Option<String>,
}

/// Pods under one Kubernetes service account that go the other way: from GKE to Azure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Workload {
    /// The name people use; the federated credential has it, and the Google service account `gpw-NAME`.
    pub name: String,
    /// The team in whose namespace the pods run.
    pub team: String,
    /// The Kubernetes service account they run under; ours.
    pub service_account: String,
    /// What they may do in Azure.
    pub may: BTreeSet<WorkloadRight>,
    /// Whose token Entra takes from them.
    pub via: Via,
}

/// What a workload may do in Azure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WorkloadRight {
    /// Read the workspace's models and their files.
    ReadModels,
}

/// Whose token a workload shows to Entra.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The cluster's: a projected service-account token.
    Cluster,
    /// Google's: an ID token of a Google service account of the workload's own.
    Google,
}

/// A reference to a model version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRef {
    /// Where the model is registered.
    pub home: ModelHome,
    /// The model's name in Azure ML.
    pub name: String,
    /// Which of its versions.
    pub version: VersionRef,
}

/// Where a model is registered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelHome {
    /// In the bridge's workspace.
    #[default]
    Workspace,
    /// In the workspace with this ARM id, which must be the bridge's.
    NamedWorkspace(String),
    /// In the Azure ML registry of this name.
    Registry(String),
}

/// Which version of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionRef {
    /// The newest.
    Latest,
    /// Exactly this one.
    Exact(String),
    /// The newest with this tag.
    Tagged {
        /// The tag's name.
        tag: String,
        /// The tag's value.
        value: String,
    },
}

/// What serves a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// Whatever the version's files call for; see [`crate::image::choice`].
    Auto,
    /// Our own scorer for ONNX models.
    Onnx,
    /// An image of the user's that reads `AZUREML_MODEL_DIR`, `HOST/PATH@sha256:…`.
    Image {
        /// The image.
        image: String,
        /// The port it listens on.
        port: u16,
        /// A public key whose signature it must carry: a PEM file; path relative to the bridge file.
        #[serde(skip_serializing_if = "Option::is_none")]
        signed_by: Option<String>,
    },
    /// The model's package: the image of an Azure ML environment, which holds model and server. It is copied as it is.
    Package {
        /// The environment's name.
        environment: String,
        /// Its version.
        version: String,
    },
}

/// How many pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Scaling {
    /// At least.
    pub min: u32,
    /// At most.
    pub max: u32,
    /// Average CPU use that the autoscaler aims at, in percent of the request.
    pub cpu_percent: u32,
}

/// Who can reach a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expose {
    /// Only inside the cluster.
    Cluster,
    /// An internal load balancer.
    Internal,
    /// A public load balancer.
    Public,
}

/// Container resources, as Kubernetes quantities. Memory's limit equals its request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resources {
    /// CPU request.
    pub cpu: String,
    /// Memory request and limit.
    pub memory: String,
}

/// Addresses that differ from the public clouds'. `None` is the public address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Endpoints {
    /// PEM file of certificate authorities to trust besides the system's; relative to the bridge file.
    pub ca_bundle: Option<String>,
    /// Entra authority host, default `https://login.microsoftonline.com`.
    pub entra: Option<String>,
    /// Microsoft Graph, default `https://graph.microsoft.com`.
    pub graph: Option<String>,
    /// Azure Resource Manager, default `https://management.azure.com`.
    pub resource_manager: Option<String>,
    /// Blob service; `{account}` stands for the account, default `https://{account}.blob.core.windows.net`.
    pub blob: Option<String>,
    /// Azure container registries; `{registry}` stands for the registry's name, default `https://{registry}.azurecr.io`.
    pub acr: Option<String>,
    /// Where Azure ML registries are looked up, default `https://eastus.api.azureml.ms`.
    pub ml_registry: Option<String>,
    /// Google STS, default `https://sts.googleapis.com`.
    pub sts: Option<String>,
    /// Google IAM, default `https://iam.googleapis.com`.
    pub iam: Option<String>,
    /// IAM credentials, default `https://iamcredentials.googleapis.com`.
    pub iam_credentials: Option<String>,
    /// Cloud Resource Manager, default `https://cloudresourcemanager.googleapis.com`.
    pub cloud_resource_manager: Option<String>,
    /// Artifact Registry's API, default `https://artifactregistry.googleapis.com`.
    pub artifact_registry: Option<String>,
    /// The image registry, default `https://REGION-docker.pkg.dev`.
    pub registry: Option<String>,
    /// Kubernetes Engine's API, default `https://container.googleapis.com`.
    pub container: Option<String>,
    /// Issuer of Google's ID tokens, default `https://accounts.google.com`.
    pub accounts: Option<String>,
    /// Cloud KMS, default `https://cloudkms.googleapis.com`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_kms: Option<String>,
}
