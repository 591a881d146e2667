//! The first token: which log-in is used, and the official SDK that speaks for it.
//!
//! Callers take the first source that is there, in the order of [`SourceName::ALL`] (`google` only by name);
//! administrators begin with the Azure CLI. The instance metadata endpoint is asked last of all. The variables looked at
//! are listed in [`VARIABLES`].

pub mod adc;
mod assertion;
mod azure_cli;
mod azure_pipelines;
mod choose;
mod client_certificate;
mod client_secret;
mod error;
mod github;
pub mod google;
mod google_account;
mod issuer;
mod kind;
mod login;
mod machine;
mod managed_identity;
mod name;
mod refusal;
mod workload;

use std::fmt;
use std::sync::Arc;

use azure_core::credentials::TokenCredential;
use jiff::Timestamp;

use crate::claims::Claims;
use crate::clock::Clock;
use crate::environment::Environment;
use crate::error::TokenError;
use crate::secret::{AccessToken, Secret};
use assertion::Presents;
use login::Login;

pub use adc::{Administrator, administrator_google};
pub use error::{SourceError, source_error};
pub use kind::SourceKind;
pub use name::{PassedOver, Preference, SourceName, UnknownSource};

/// Every variable that decides who logs in to Entra.
pub const VARIABLES: [&[&str]; 3] = [
    &[
        login::CLIENT_ID,
        login::TENANT_ID,
        login::AUTHORITY_HOST,
        workload::FILE,
        client_certificate::PATH,
        client_certificate::SEND_CHAIN,
        client_secret::SECRET,
        google_account::METADATA_HOST,
        "PATH",
    ],
    &[
        github::REQUEST_URL,
        github::REQUEST_TOKEN,
        azure_pipelines::REQUEST_URI,
        azure_pipelines::ACCESS_TOKEN,
        azure_pipelines::CLIENT_ID,
        azure_pipelines::TENANT_ID,
        azure_pipelines::CONNECTION_ID,
    ],
    &managed_identity::VARIABLES,
];

/// What the bridge says about Entra, and what the edge knows.
#[derive(Clone)]
pub struct Options {
    /// The bridge's tenant.
    pub tenant: String,
    /// The bridge's authority host; `None`: `AZURE_AUTHORITY_HOST`, else the public cloud.
    pub authority_host: Option<String>,
    /// The client to send with, see [`crate::http::client`].
    pub http: reqwest::Client,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The source that was asked for by name; `None`: the first that is there.
    pub log_in: Option<SourceName>,
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
    /// Why it was taken.
    pub why: String,
    /// The sources that were not, in the callers' order.
    pub passed_over: Vec<PassedOver>,
    presents: Option<Arc<dyn Presents>>,
}

impl EntraSource {
    /// The claims that are no secret of this log-in's token for `scope`; `None` if that token is opaque.
    pub async fn claims(&self, scope: &str) -> Result<Option<Claims>, TokenError> {
        let token = entra_token(self, scope).await?;
        Ok(Claims::of(token.secret.expose()))
    }

    /// Claims of the token that this log-in presents to Entra, where it presents one; fetched anew. An error says that
    /// there is nothing to present, before Entra has been asked.
    pub async fn assertion_claims(&self) -> Result<Option<Claims>, TokenError> {
        match &self.presents {
            Some(presents) => Ok(presents.presented().await?),
            None => Ok(None),
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

/// The log-in to use, by what the environment holds. Asks nobody: an instance metadata endpoint that is not there shows
/// when a token is asked for.
pub fn azure_credential(
    environment: &Environment,
    preference: Preference,
    options: &Options,
) -> Result<EntraSource, SourceError> {
    choose::choose(&Login::read(environment, options)?, preference, options.log_in)
}

/// A token for `scope`, from the SDK's credential.
pub(crate) async fn entra_token(source: &EntraSource, scope: &str) -> Result<AccessToken, SourceError> {
    let token = source.credential.get_token(&[scope], None).await.map_err(|error| {
        source_error(&error)
            .cloned()
            .unwrap_or_else(|| SourceError::Malformed { service: refusal::ENTRA, problem: error.to_string() })
    })?;
    let malformed = |problem: String| SourceError::Malformed { service: refusal::ENTRA, problem };
    let secret =
        Secret::token(token.token.secret().to_owned()).map_err(|error| malformed(error.to_string()))?;
    let expires_at = Timestamp::from_second(token.expires_on.unix_timestamp())
        .map_err(|_| malformed("the token's expiry is no time".to_owned()))?;
    Ok(AccessToken { secret, expires_at })
}
