//! Azure Pipelines' OIDC token as log-in: a service connection with workload identity federation vouches for a client.
//! The SDK's own credential reads the process environment, so only its half that talks to Entra is used.
//! <https://learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create>

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH};

use super::assertion::Assertion;
use super::issuer::Issuer;
use super::login::{Login, Opened, setup};
use super::{SourceError, SourceKind};
use crate::answer::Patience;
use crate::http::service_address;
use crate::secret::Secret;

pub(super) const REQUEST_URI: &str = "SYSTEM_OIDCREQUESTURI";
pub(super) const ACCESS_TOKEN: &str = "SYSTEM_ACCESSTOKEN";
pub(super) const CLIENT_ID: &str = "AZURESUBSCRIPTION_CLIENT_ID";
pub(super) const TENANT_ID: &str = "AZURESUBSCRIPTION_TENANT_ID";
pub(super) const CONNECTION_ID: &str = "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID";

/// As `azure_identity` asks.
const API_VERSION: &str = "7.1";
/// Without it, an expired token is answered with a page to log in at instead of a 401.
const NO_PAGE: (&str, &str) = ("x-tfs-fedauthredirect", "Suppress");

pub(super) fn found(login: &Login) -> Result<String, String> {
    login.all_set(&[REQUEST_URI, ACCESS_TOKEN, CLIENT_ID, TENANT_ID, CONNECTION_ID])
}

pub(super) fn open(login: &Login) -> Result<Opened, SourceError> {
    login.check_tenant(TENANT_ID)?;
    let client_id = login.needed(REQUEST_URI, CLIENT_ID)?;
    let connection = login.needed(REQUEST_URI, CONNECTION_ID)?;
    let url = login.needed(ACCESS_TOKEN, REQUEST_URI)?;
    let mut address = service_address(&url).map_err(|error| setup(&error))?;
    address
        .query_pairs_mut()
        .append_pair("api-version", API_VERSION)
        .append_pair("serviceConnectionId", &connection);
    let bearer = Secret::token(login.needed(REQUEST_URI, ACCESS_TOKEN)?).map_err(|error| setup(&error))?;
    let kind = SourceKind::AzurePipelines { client_id: client_id.clone(), connection };
    let (who, http) = (kind.to_string(), login.http.clone());
    let issuer = Issuer { service: "Azure DevOps' OIDC endpoint", who, address, http };
    login.by_assertion(kind, client_id, Run { issuer, bearer })
}

/// A run that may ask.
#[derive(Debug)]
struct Run {
    issuer: Issuer,
    bearer: Secret,
}

#[async_trait]
impl Assertion for Run {
    async fn assertion(&self) -> Result<Secret, SourceError> {
        let ask = || {
            let request = self.issuer.http.post(self.issuer.address.clone());
            request
                .header(AUTHORIZATION, self.bearer.header())
                .header(NO_PAGE.0, NO_PAGE.1)
                .header(CONTENT_LENGTH, "0")
        };
        let answer = self.issuer.ask(Patience::SERVICE, ask).await?;
        self.issuer.token_in(&answer, "oidcToken")
    }
}
