//! Which log-in it is, with what tells it from others of its kind. No secret is in here.

use std::fmt;

use super::SourceName;

/// Which log-in is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// `AZURE_FEDERATED_TOKEN_FILE`.
    WorkloadIdentity {
        /// The client id that logs in.
        client_id: String,
        /// The file with the token of the other issuer.
        file: String,
    },
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    Github {
        /// The client id that logs in.
        client_id: String,
    },
    /// `SYSTEM_OIDCREQUESTURI`.
    AzurePipelines {
        /// The client id that logs in.
        client_id: String,
        /// The service connection that vouches for it.
        connection: String,
    },
    /// `AZURE_CLIENT_CERTIFICATE_PATH`.
    ClientCertificate {
        /// The client id that logs in.
        client_id: String,
        /// The file with certificate and key.
        file: String,
    },
    /// `AZURE_CLIENT_SECRET`.
    ClientSecret {
        /// The client id that logs in.
        client_id: String,
    },
    /// A managed identity of the machine.
    ManagedIdentity {
        /// The client id of a user-assigned identity; none: the machine's own.
        client_id: Option<String>,
        /// Who gives its tokens: `App Service`, `Azure ML`, `instance metadata`.
        endpoint: &'static str,
    },
    /// A Google service account's ID token.
    Google {
        /// The client id that logs in.
        client_id: String,
        /// The metadata server.
        host: String,
    },
    /// Whoever ran `az login`.
    AzureCli,
}

impl SourceKind {
    /// What it is called after `--as`.
    pub fn name(&self) -> SourceName {
        match self {
            Self::WorkloadIdentity { .. } => SourceName::WorkloadIdentity,
            Self::Github { .. } => SourceName::Github,
            Self::AzurePipelines { .. } => SourceName::AzurePipelines,
            Self::ClientCertificate { .. } => SourceName::ClientCertificate,
            Self::ClientSecret { .. } => SourceName::ClientSecret,
            Self::ManagedIdentity { .. } => SourceName::ManagedIdentity,
            Self::Google { .. } => SourceName::Google,
            Self::AzureCli => SourceName::AzureCli,
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorkloadIdentity { client_id, file } => {
                write!(f, "workload identity of client `{client_id}` (token file `{file}`)")
            }
            Self::Github { client_id } => write!(f, "GitHub Actions as client `{client_id}`"),
            Self::AzurePipelines { client_id, connection } => {
                write!(f, "Azure Pipelines as client `{client_id}` (service connection `{connection}`)")
            }
            Self::ClientCertificate { client_id, file } => {
                write!(f, "client certificate of client `{client_id}` (file `{file}`)")
            }
            Self::ClientSecret { client_id } => write!(f, "client secret of client `{client_id}`"),
            Self::ManagedIdentity { client_id: Some(client_id), endpoint } => {
                write!(f, "managed identity `{client_id}` ({endpoint})")
            }
            Self::ManagedIdentity { client_id: None, endpoint } => {
                write!(f, "the machine's own managed identity ({endpoint})")
            }
            Self::Google { client_id, host } => {
                write!(f, "Google service account as client `{client_id}` (metadata server `{host}`)")
            }
            Self::AzureCli => f.write_str("Azure CLI log-in"),
        }
    }
}
