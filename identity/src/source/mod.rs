//! The first token: which log-in is used, and the official SDK that speaks for it.
//!
//! Callers: workload-identity file, else client secret, else Azure CLI. Administrators: Azure CLI, else client secret, else
//! workload-identity file. The variables looked at are listed in [`VARIABLES`].

pub mod adc;
mod azure_cli;
mod error;
pub mod google;
mod refusal;
mod workload;

use std::fmt;
use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{Secret as AzureSecret, TokenCredential};
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions, Transport};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use jiff::Timestamp;

use crate::claims::Claims;
use crate::environment::Environment;
use crate::error::TokenError;
use crate::secret::{AccessToken, Secret};

pub use adc::{Administrator, administrator_google};
pub use error::{SourceError, source_error};

/// Every variable that decides who logs in to Entra.
pub const VARIABLES: [&str; 6] = [CLIENT_ID, CLIENT_SECRET, TENANT_ID, TOKEN_FILE, AUTHORITY_HOST, "PATH"];

const CLIENT_ID: &str = "AZURE_CLIENT_ID";
const CLIENT_SECRET: &str = "AZURE_CLIENT_SECRET";
const TENANT_ID: &str = "AZURE_TENANT_ID";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
const AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";
const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";

/// In whose name the first token is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preference {
    /// A machine or person that ships and reads.
    Caller,
    /// Somebody who sets up both clouds.
    Administrator,
}

/// What the bridge says about Entra.
#[derive(Clone)]
pub struct Options {
    /// The bridge's tenant.
    pub tenant: String,
    /// The bridge's authority host; `None`: `AZURE_AUTHORITY_HOST`, else the public cloud.
    pub authority_host: Option<String>,
    /// The client to send with, see [`crate::http::client`].
    pub http: reqwest::Client,
}

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
    /// `AZURE_CLIENT_SECRET`.
    ClientSecret {
        /// The client id that logs in.
        client_id: String,
    },
    /// Whoever ran `az login`.
    AzureCli,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WorkloadIdentity { client_id, file } => {
                write!(f, "workload identity of client `{client_id}` (token file `{file}`)")
            }
            Self::ClientSecret { client_id } => write!(f, "client secret of client `{client_id}`"),
            Self::AzureCli => f.write_str("Azure CLI log-in"),
        }
    }
}

/// A log-in to Entra.
#[derive(Clone)]
pub struct EntraSource {
    /// The official SDK's credential. Its errors hold a [`SourceError`] where they come from a token request; see
    /// [`source_error`].
    pub credential: Arc<dyn TokenCredential>,
    /// Which log-in it is.
    pub kind: SourceKind,
    /// The authority host it asks.
    pub authority: String,
    /// The tenant it logs in to.
    pub tenant: String,
}

impl EntraSource {
    /// The claims that are no secret of this log-in's token for `scope`; `None` if that token is opaque.
    pub async fn claims(&self, scope: &str) -> Result<Option<Claims>, TokenError> {
        let token = entra_token(self, scope).await?;
        Ok(Claims::of(token.secret.expose()))
    }

    /// Claims of the token that this log-in presents, where it presents one.
    pub fn assertion_claims(&self) -> Option<Claims> {
        match &self.kind {
            SourceKind::WorkloadIdentity { file, .. } => {
                Claims::of(std::fs::read_to_string(file).ok()?.trim())
            }
            SourceKind::ClientSecret { .. } | SourceKind::AzureCli => None,
        }
    }

    /// Names the log-in among all others, for caches.
    pub(crate) fn identity(&self) -> String {
        format!("{}|{}|{}", self.authority, self.tenant, self.kind)
    }
}

impl fmt::Debug for EntraSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntraSource")
            .field("kind", &self.kind)
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

/// The log-in to use, by what the environment holds.
pub fn azure_credential(
    environment: &Environment,
    preference: Preference,
    options: &Options,
) -> Result<EntraSource, SourceError> {
    let login = Login::read(environment, options)?;
    let order: [fn(&Login) -> Attempt; 3] = match preference {
        Preference::Caller => [Login::workload_identity, Login::client_secret, Login::azure_cli],
        Preference::Administrator => [Login::azure_cli, Login::client_secret, Login::workload_identity],
    };
    for attempt in order {
        if let Some((kind, credential)) = attempt(&login)? {
            return Ok(login.source(kind, credential));
        }
    }
    Err(nothing_found(preference))
}

fn nothing_found(preference: Preference) -> SourceError {
    let files =
        "`AZURE_FEDERATED_TOKEN_FILE` with `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET` with `AZURE_CLIENT_ID`";
    let (looked_at, advice) = match preference {
        Preference::Caller => (
            format!("{files}, and the command `az` on `PATH`"),
            "set one of the two pairs, or install the Azure CLI and run `az login`",
        ),
        Preference::Administrator => (
            format!("the command `az` on `PATH`, {files}"),
            "install the Azure CLI and run `az login`, or set one of the two pairs",
        ),
    };
    SourceError::NothingFound { looked_at, advice }
}

type Attempt = Result<Option<(SourceKind, Arc<dyn TokenCredential>)>, SourceError>;

/// The environment and the bridge's options, checked against each other.
struct Login {
    environment: Environment,
    http: reqwest::Client,
    tenant: String,
    authority: String,
}

impl Login {
    fn read(environment: &Environment, options: &Options) -> Result<Self, SourceError> {
        if let Some(found) = environment.get(TENANT_ID) {
            // A tenant may also be named by a domain, which nothing here can compare.
            if is_guid(found) && !found.eq_ignore_ascii_case(&options.tenant) {
                return Err(SourceError::OtherTenant {
                    found: found.to_owned(),
                    wanted: options.tenant.clone(),
                });
            }
        }
        let authority =
            options.authority_host.as_deref().or(environment.get(AUTHORITY_HOST)).unwrap_or(PUBLIC_AUTHORITY);
        crate::http::service_address(authority)
            .map_err(|error| SourceError::Setup { problem: error.to_string() })?;
        Ok(Self {
            environment: environment.clone(),
            http: options.http.clone(),
            tenant: options.tenant.clone(),
            authority: authority.trim_end_matches('/').to_owned(),
        })
    }

    fn source(&self, kind: SourceKind, credential: Arc<dyn TokenCredential>) -> EntraSource {
        let (authority, tenant) = (self.authority.clone(), self.tenant.clone());
        let credential = Arc::new(refusal::Typed::new(credential, kind.clone(), &authority, &tenant));
        EntraSource { credential, kind, authority, tenant }
    }

    fn client_id(&self, needed_by: &'static str) -> Result<String, SourceError> {
        let missing = SourceError::Incomplete { present: needed_by, missing: CLIENT_ID };
        self.environment.get(CLIENT_ID).map(str::to_owned).ok_or(missing)
    }

    fn workload_identity(&self) -> Attempt {
        let Some(file) = self.environment.get(TOKEN_FILE) else { return Ok(None) };
        let client_id = self.client_id(TOKEN_FILE)?;
        let credential = workload::credential(self, &client_id, file)?;
        Ok(Some((SourceKind::WorkloadIdentity { client_id, file: file.to_owned() }, credential)))
    }

    fn client_secret(&self) -> Attempt {
        let Some(secret) = self.environment.get(CLIENT_SECRET) else { return Ok(None) };
        let client_id = self.client_id(CLIENT_SECRET)?;
        let secret = AzureSecret::new(secret.to_owned());
        let options = ClientSecretCredentialOptions { client_options: self.client_options() };
        let credential = ClientSecretCredential::new(&self.tenant, client_id.clone(), secret, Some(options))
            .map_err(|error| SourceError::Setup { problem: error.to_string() })?;
        Ok(Some((SourceKind::ClientSecret { client_id }, credential)))
    }

    fn azure_cli(&self) -> Attempt {
        let Some(command) = self.environment.find_command("az") else { return Ok(None) };
        tracing::debug!(command = %command.display(), "using the Azure CLI");
        Ok(Some((SourceKind::AzureCli, azure_cli::credential(&self.environment, &self.tenant)?)))
    }

    /// Short retries: a command that nobody answers must say so in seconds, not after the SDK's minute.
    fn client_options(&self) -> ClientOptions {
        let mut authority = CustomConfiguration::default();
        authority.authority_host.clone_from(&self.authority);
        ClientOptions {
            retry: RetryOptions::exponential(ExponentialRetryOptions {
                max_retries: 2,
                ..Default::default()
            }),
            transport: Some(Transport::new(Arc::new(self.http.clone()))),
            cloud: Some(Arc::new(CloudConfiguration::Custom(authority))),
            ..Default::default()
        }
    }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// A token for `scope`, from the SDK's credential.
pub(crate) async fn entra_token(source: &EntraSource, scope: &str) -> Result<AccessToken, SourceError> {
    let token = source.credential.get_token(&[scope], None).await.map_err(|error| {
        source_error(&error).cloned().unwrap_or_else(|| SourceError::Malformed { problem: error.to_string() })
    })?;
    let malformed = |problem: String| SourceError::Malformed { problem };
    let secret =
        Secret::token(token.token.secret().to_owned()).map_err(|error| malformed(error.to_string()))?;
    let expires_at = Timestamp::from_second(token.expires_on.unix_timestamp())
        .map_err(|_| malformed("the token's expiry is no time".to_owned()))?;
    Ok(AccessToken { secret, expires_at })
}
