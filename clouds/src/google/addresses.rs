//! Where Google's services are: the public addresses, or where the bridge says.

use bridge::spec::Bridge;
use identity::ChainConfig;

/// Addresses without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Google STS.
    pub sts: String,
    /// Google IAM.
    pub iam: String,
    /// IAM credentials.
    pub iam_credentials: String,
    /// Cloud Resource Manager.
    pub cloud_resource_manager: String,
    /// Artifact Registry's API.
    pub artifact_registry: String,
    /// The image registry.
    pub registry: String,
    /// Kubernetes Engine's API.
    pub container: String,
    /// Cloud KMS.
    pub cloud_kms: String,
}

impl Addresses {
    /// The addresses that `bridge` uses.
    pub fn of(bridge: &Bridge) -> Self {
        let endpoints = &bridge.endpoints;
        let registry = format!("https://{}-docker.pkg.dev", bridge.google.region());
        Self {
            sts: choose(endpoints.sts.as_deref(), "https://sts.googleapis.com"),
            iam: choose(endpoints.iam.as_deref(), "https://iam.googleapis.com"),
            iam_credentials: choose(
                endpoints.iam_credentials.as_deref(),
                "https://iamcredentials.googleapis.com",
            ),
            cloud_resource_manager: choose(
                endpoints.cloud_resource_manager.as_deref(),
                "https://cloudresourcemanager.googleapis.com",
            ),
            artifact_registry: choose(
                endpoints.artifact_registry.as_deref(),
                "https://artifactregistry.googleapis.com",
            ),
            registry: choose(endpoints.registry.as_deref(), &registry),
            container: choose(endpoints.container.as_deref(), "https://container.googleapis.com"),
            cloud_kms: choose(endpoints.cloud_kms.as_deref(), "https://cloudkms.googleapis.com"),
        }
    }
}

/// Where a caller's identity chain leads: from Entra, over the bridge's provider, into the bridge's project.
pub fn chain_config(bridge: &Bridge) -> ChainConfig {
    let addresses = Addresses::of(bridge);
    ChainConfig {
        scope: format!("{}/.default", bridge.identifier_uri()),
        provider: bridge.provider_name(&bridge.google.project_number),
        sts: addresses.sts,
        iam_credentials: addresses.iam_credentials,
    }
}

fn choose(given: Option<&str>, public: &str) -> String {
    given.unwrap_or(public).trim_end_matches('/').to_owned()
}
