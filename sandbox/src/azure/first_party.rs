//! Microsoft's own services, as far as callers ask Entra for tokens for them.

/// One of Microsoft's own services.
pub(crate) struct FirstParty {
    /// Display name of its service principal.
    pub(crate) name: &'static str,
    /// Its client id, the same in every tenant.
    pub(crate) app_id: &'static str,
    /// Object id of its service principal in the seeded tenant.
    pub(crate) object_id: &'static str,
    /// The names it is asked for by, without trailing slash. The first is the canonical one.
    pub(crate) resources: &'static [&'static str],
}

/// Directory role template `Application Administrator`.
pub(crate) const APPLICATION_ADMINISTRATOR: &str = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3";
/// Directory role template `Cloud Application Administrator`.
pub(crate) const CLOUD_APPLICATION_ADMINISTRATOR: &str = "158c047a-c907-4556-b7ef-446551a6b5f7";
/// Directory role template `Global Administrator`.
pub(crate) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// The Azure CLI, through which people log in: a public client, the same in every tenant.
pub(crate) const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// Its name, as Entra's refusals show it.
pub(crate) const AZURE_CLI_NAME: &str = "Microsoft Azure CLI";

/// Azure Resource Manager.
pub(crate) const RESOURCE_MANAGER: FirstParty = FirstParty {
    name: "Windows Azure Service Management API",
    app_id: "797f4846-ba00-4fd7-ba43-dac1f8f63013",
    object_id: "3b1f4c7e-90a2-4d5b-8c6e-7f0a1b2c3d01",
    resources: &["https://management.azure.com", "https://management.core.windows.net"],
};

/// Microsoft Graph.
pub(crate) const GRAPH: FirstParty = FirstParty {
    name: "Microsoft Graph",
    app_id: "00000003-0000-0000-c000-000000000000",
    object_id: "3b1f4c7e-90a2-4d5b-8c6e-7f0a1b2c3d02",
    resources: &["https://graph.microsoft.com"],
};

/// Azure Storage.
pub(crate) const STORAGE: FirstParty = FirstParty {
    name: "Azure Storage",
    app_id: "e406a681-f3d4-42a8-90b6-c2b029497af1",
    object_id: "3b1f4c7e-90a2-4d5b-8c6e-7f0a1b2c3d03",
    resources: &["https://storage.azure.com"],
};

/// Azure Container Registry: what its exchange asks tokens for, besides Resource Manager.
pub(crate) const CONTAINER_REGISTRY: FirstParty = FirstParty {
    name: "Azure Container Registry",
    app_id: "6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26",
    object_id: "3b1f4c7e-90a2-4d5b-8c6e-7f0a1b2c3d04",
    resources: &["https://containerregistry.azure.net"],
};

/// All of them.
pub(crate) const FIRST_PARTY: [FirstParty; 4] = [RESOURCE_MANAGER, GRAPH, STORAGE, CONTAINER_REGISTRY];

impl FirstParty {
    /// Whether `resource` names this service. A storage account's own address names Azure Storage too.
    pub(crate) fn is_named(&self, resource: &str) -> bool {
        let bare = resource.trim_end_matches('/');
        let account = self.app_id == STORAGE.app_id
            && bare.starts_with("https://")
            && bare.ends_with(".blob.core.windows.net");
        account || bare == self.app_id || self.resources.contains(&bare)
    }
}
