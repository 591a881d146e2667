//! The Azure side: models and their files, and setting up Entra and role assignments with an administrator's log-in.
//!
//! Resource Manager and Graph are spoken to by a thin client of our own over the official pipeline ([`rest`]): no official
//! crate speaks either. Blobs go over the official crate.

mod blob;
mod location;
mod models;
mod reference;
mod registries;
mod rest;
mod set_up;

use bridge::spec::{AzureCloud, Bridge};

pub use models::{API_VERSION, Models};
pub use set_up::SetUp;

/// Where Azure's services are, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Entra's authority host.
    pub entra: String,
    /// Microsoft Graph.
    pub graph: String,
    /// Resource Manager.
    pub resource_manager: String,
    /// Blob service, with `{account}` or in path style.
    pub blob: String,
    /// Container registries, with `{registry}`, or one of them.
    pub acr: String,
    /// Where Azure ML registries are looked up.
    pub ml_registry: String,
    /// What tokens for container registries are asked for, whatever their address.
    pub acr_scope: &'static str,
    /// What tokens for Resource Manager are asked for, whatever its address.
    pub management_scope: &'static str,
    /// What tokens for Graph are asked for, whatever its address.
    pub graph_scope: &'static str,
}

impl Addresses {
    /// The addresses that `bridge` uses: those it declares, else those of its cloud.
    pub fn of(bridge: &Bridge) -> Self {
        let [entra, graph, resource_manager, blob, acr, ml_registry] = match bridge.azure.cloud {
            AzureCloud::Public => [
                "https://login.microsoftonline.com",
                "https://graph.microsoft.com",
                "https://management.azure.com",
                "https://{account}.blob.core.windows.net",
                "https://{registry}.azurecr.io",
                "https://eastus.api.azureml.ms",
            ],
            AzureCloud::UsGovernment => [
                "https://login.microsoftonline.us",
                "https://graph.microsoft.us",
                "https://management.usgovcloudapi.net",
                "https://{account}.blob.core.usgovcloudapi.net",
                "https://{registry}.azurecr.us",
                "https://usgovarizona.api.ml.azure.us",
            ],
            AzureCloud::China => [
                "https://login.partner.microsoftonline.cn",
                "https://microsoftgraph.chinacloudapi.cn",
                "https://management.chinacloudapi.cn",
                "https://{account}.blob.core.chinacloudapi.cn",
                "https://{registry}.azurecr.cn",
                "https://chinaeast2.api.ml.azure.cn",
            ],
        };
        let given = &bridge.endpoints;
        Self {
            entra: choose(given.entra.as_deref(), entra),
            graph: choose(given.graph.as_deref(), graph),
            resource_manager: choose(given.resource_manager.as_deref(), resource_manager),
            blob: choose(given.blob.as_deref(), blob),
            acr: choose(given.acr.as_deref(), acr),
            ml_registry: choose(given.ml_registry.as_deref(), ml_registry),
            // Registries of the other clouds take Resource Manager's tokens.
            acr_scope: match bridge.azure.cloud {
                AzureCloud::Public => "https://containerregistry.azure.net/.default",
                AzureCloud::UsGovernment => "https://management.usgovcloudapi.net/.default",
                AzureCloud::China => "https://management.chinacloudapi.cn/.default",
            },
            management_scope: match bridge.azure.cloud {
                AzureCloud::Public => "https://management.azure.com/.default",
                AzureCloud::UsGovernment => "https://management.usgovcloudapi.net/.default",
                AzureCloud::China => "https://management.chinacloudapi.cn/.default",
            },
            graph_scope: match bridge.azure.cloud {
                AzureCloud::Public => "https://graph.microsoft.com/.default",
                AzureCloud::UsGovernment => "https://graph.microsoft.us/.default",
                AzureCloud::China => "https://microsoftgraph.chinacloudapi.cn/.default",
            },
        }
    }
}

fn choose(given: Option<&str>, public: &str) -> String {
    given.unwrap_or(public).trim_end_matches('/').to_owned()
}
