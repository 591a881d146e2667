//! Microsoft's own services as audiences. Any program that may ask Entra for a token at all can ask for one of these, so a
//! provider that admits such an audience lets every one of those tokens knock.
//!
//! Sources: `learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in` (client ids), the
//! documentation of each service for the names its tokens are asked for by.

/// One of Microsoft's own services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstParty {
    /// What it is called.
    pub name: &'static str,
    /// Its client id, the same in every tenant: the audience of version 2 tokens.
    pub app_id: &'static str,
    /// The names it is asked for by, without a slash at the end: audiences of version 1 tokens.
    pub names: &'static [&'static str],
}

/// Those that callers of ours, and machines in Azure, commonly hold tokens for.
pub const FIRST_PARTY: [FirstParty; 12] = [
    FirstParty {
        name: "Azure Resource Manager",
        app_id: "797f4846-ba00-4fd7-ba43-dac1f8f63013",
        names: &[
            "https://management.azure.com",
            "https://management.core.windows.net",
            "https://management.usgovcloudapi.net",
            "https://management.core.usgovcloudapi.net",
            "https://management.chinacloudapi.cn",
            "https://management.core.chinacloudapi.cn",
        ],
    },
    FirstParty {
        name: "Microsoft Graph",
        app_id: "00000003-0000-0000-c000-000000000000",
        names: &[
            "https://graph.microsoft.com",
            "https://graph.microsoft.us",
            "https://microsoftgraph.chinacloudapi.cn",
        ],
    },
    FirstParty {
        name: "Azure AD Graph",
        app_id: "00000002-0000-0000-c000-000000000000",
        names: &["https://graph.windows.net"],
    },
    FirstParty {
        name: "Entra's token exchange",
        app_id: "fb60f99c-7a34-4190-8149-302f77469936",
        names: &[
            "api://AzureADTokenExchange",
            "api://AzureADTokenExchangeUSGov",
            "api://AzureADTokenExchangeChina",
        ],
    },
    FirstParty {
        name: "Azure Storage",
        app_id: "e406a681-f3d4-42a8-90b6-c2b029497af1",
        names: &["https://storage.azure.com"],
    },
    FirstParty {
        name: "Azure Key Vault",
        app_id: "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
        names: &["https://vault.azure.net"],
    },
    FirstParty {
        name: "Azure Machine Learning",
        app_id: "18a66f5f-dbdf-4c17-9dd7-1634712a9cbe",
        names: &["https://ml.azure.com"],
    },
    FirstParty {
        name: "Azure Container Registry",
        app_id: "6a0ec4d3-30cb-4a83-91c0-ae56bc0e3d26",
        names: &["https://containerregistry.azure.net"],
    },
    FirstParty {
        name: "Azure Kubernetes Service",
        app_id: "6dae42f8-4368-4678-94ff-3960e28e3630",
        names: &[],
    },
    FirstParty {
        name: "Azure SQL Database",
        app_id: "022907d3-0f1b-48f7-badc-1ba6abab6d66",
        names: &["https://database.windows.net"],
    },
    FirstParty {
        name: "Azure DevOps",
        app_id: "499b84ac-1321-427f-aa17-267ca6975798",
        names: &["https://app.vssps.visualstudio.com"],
    },
    FirstParty {
        name: "Exchange Online",
        app_id: "00000002-0000-0ff1-ce00-000000000000",
        names: &["https://outlook.office.com", "https://outlook.office365.com"],
    },
];

/// The service of Microsoft's that `audience` means, if it is one. Slashes at its end and capitals do not count.
pub fn find(audience: &str) -> Option<&'static FirstParty> {
    let bare = audience.trim_end_matches('/');
    let bare = bare.strip_prefix("spn:").unwrap_or(bare);
    let is = |known: &&str| known.eq_ignore_ascii_case(bare);
    FIRST_PARTY.iter().find(|service| is(&service.app_id) || service.names.iter().any(is))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audiences_are_recognised() {
        for (audience, name) in [
            ("https://management.azure.com/", Some("Azure Resource Manager")),
            ("https://Management.Core.Windows.Net//", Some("Azure Resource Manager")),
            ("797F4846-BA00-4FD7-BA43-DAC1F8F63013", Some("Azure Resource Manager")),
            ("spn:00000003-0000-0000-c000-000000000000", Some("Microsoft Graph")),
            ("api://AzureADTokenExchange", Some("Entra's token exchange")),
            ("api://tenant/gangplank", None),
            ("https://management.azure.com.example.org", None),
            ("", None),
        ] {
            assert_eq!(find(audience).map(|service| service.name), name, "{audience}");
        }
    }

    #[test]
    fn every_client_id_is_there_once() {
        let ids: std::collections::BTreeSet<_> = FIRST_PARTY.iter().map(|service| service.app_id).collect();
        assert_eq!(ids.len(), FIRST_PARTY.len());
    }
}
