//! Who gives a managed identity's tokens, and how each of them is asked.

use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::HeaderValue;
use url::Url;

use super::super::SourceError;
use super::super::login::{Login, setup};
use crate::answer::{Patience, is_busy};
use crate::http::machine_address;

const IDENTITY_ENDPOINT: &str = "IDENTITY_ENDPOINT";
const IDENTITY_HEADER: &str = "IDENTITY_HEADER";
const IDENTITY_SERVER_THUMBPRINT: &str = "IDENTITY_SERVER_THUMBPRINT";
const MSI_ENDPOINT: &str = "MSI_ENDPOINT";
const MSI_SECRET: &str = "MSI_SECRET";
/// The identity that an Azure ML job was given: <https://learn.microsoft.com/azure/machine-learning/how-to-identity-based-service-authentication>.
const DEFAULT_IDENTITY_CLIENT_ID: &str = "DEFAULT_IDENTITY_CLIENT_ID";
/// Another address of the instance metadata endpoint, as the Azure SDKs read it.
const METADATA_HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const METADATA: &str = "http://169.254.169.254";
const METADATA_PATH: &str = "/metadata/identity/oauth2/token";

/// Every variable looked at.
pub(in super::super) const VARIABLES: [&str; 7] = [
    IDENTITY_ENDPOINT,
    IDENTITY_HEADER,
    IDENTITY_SERVER_THUMBPRINT,
    MSI_ENDPOINT,
    MSI_SECRET,
    DEFAULT_IDENTITY_CLIENT_ID,
    METADATA_HOST,
];

/// Who gives the tokens.
pub(super) enum Endpoint {
    /// App Service, Functions, Container Apps:
    /// <https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference>.
    AppService { address: Url, header: HeaderValue },
    /// Azure ML jobs, computes and endpoints: App Service's older protocol, as `azure-identity` speaks it there.
    AzureMl { address: Url, secret: HeaderValue, given: Option<String> },
    /// Virtual machines, scale sets, AKS nodes:
    /// <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>.
    InstanceMetadata { address: Url },
}

impl Endpoint {
    /// By which variables an endpoint is named, or which are missing.
    pub(super) fn found(login: &Login) -> Result<String, String> {
        if let Some(reason) = Self::unsupported(login) {
            return Err(reason);
        }
        let app_service = login.all_set(&[IDENTITY_ENDPOINT, IDENTITY_HEADER]);
        let azure_ml = || login.all_set(&[MSI_ENDPOINT, MSI_SECRET]);
        app_service.or_else(|_| azure_ml()).map_err(|_| {
            format!("neither `{IDENTITY_ENDPOINT}` nor `{MSI_ENDPOINT}` is set; the instance metadata endpoint is asked last")
        })
    }

    /// Endpoints that the environment names and that nothing here can ask.
    pub(super) fn unsupported(login: &Login) -> Option<String> {
        let set = |name: &str| login.get(name).is_some();
        if set(IDENTITY_ENDPOINT) && set(IDENTITY_SERVER_THUMBPRINT) {
            return Some(format!(
                "`{IDENTITY_SERVER_THUMBPRINT}` is set (Service Fabric), which is not supported"
            ));
        }
        if set(IDENTITY_ENDPOINT) && !set(IDENTITY_HEADER) {
            return Some(format!(
                "`{IDENTITY_ENDPOINT}` is set without `{IDENTITY_HEADER}` (Azure Arc), which is not supported"
            ));
        }
        if !set(IDENTITY_ENDPOINT) && set(MSI_ENDPOINT) && !set(MSI_SECRET) {
            return Some(format!(
                "`{MSI_ENDPOINT}` is set without `{MSI_SECRET}` (Cloud Shell), which is not supported; use `--as azure-cli`"
            ));
        }
        None
    }

    /// The endpoint that the environment names.
    pub(super) fn named(login: &Login) -> Result<Self, SourceError> {
        if login.get(IDENTITY_ENDPOINT).is_some() {
            let address = address(&login.needed(IDENTITY_HEADER, IDENTITY_ENDPOINT)?)?;
            let header = secret(&login.needed(IDENTITY_ENDPOINT, IDENTITY_HEADER)?)?;
            return Ok(Self::AppService { address, header });
        }
        let address = address(&login.needed(MSI_SECRET, MSI_ENDPOINT)?)?;
        let secret = secret(&login.needed(MSI_ENDPOINT, MSI_SECRET)?)?;
        let given = login.get(DEFAULT_IDENTITY_CLIENT_ID).map(str::to_owned);
        Ok(Self::AzureMl { address, secret, given })
    }

    /// The instance metadata endpoint.
    pub(super) fn instance_metadata(login: &Login) -> Result<Self, SourceError> {
        let host = login.get(METADATA_HOST).unwrap_or(METADATA).trim_end_matches('/');
        Ok(Self::InstanceMetadata { address: address(&format!("{host}{METADATA_PATH}"))? })
    }

    pub(super) fn is_instance_metadata(&self) -> bool {
        matches!(self, Self::InstanceMetadata { .. })
    }

    /// What its users call it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::AppService { .. } => "App Service",
            Self::AzureMl { .. } => "Azure ML",
            Self::InstanceMetadata { .. } => "instance metadata",
        }
    }

    /// What it is called in errors.
    pub(super) fn service(&self) -> &'static str {
        match self {
            Self::AppService { .. } => "the identity endpoint of App Service",
            Self::AzureMl { .. } => "the identity endpoint of Azure ML",
            Self::InstanceMetadata { .. } => "the instance metadata endpoint",
        }
    }

    pub(super) fn address(&self) -> &Url {
        match self {
            Self::AppService { address, .. }
            | Self::AzureMl { address, .. }
            | Self::InstanceMetadata { address } => address,
        }
    }

    /// The user-assigned identity to ask for: the one named, else the one that an Azure ML job was given.
    pub(super) fn client_id(&self, named: Option<&str>) -> Option<String> {
        let given = match self {
            Self::AzureMl { given, .. } => given.as_deref(),
            Self::AppService { .. } | Self::InstanceMetadata { .. } => None,
        };
        named.or(given).map(str::to_owned)
    }

    /// A request for a token for `resource`.
    pub(super) fn request(
        &self,
        http: &reqwest::Client,
        resource: &str,
        client_id: Option<&str>,
    ) -> RequestBuilder {
        let (version, identity) = match self {
            Self::AppService { .. } => ("2019-08-01", "client_id"),
            Self::AzureMl { .. } => ("2017-09-01", "clientid"),
            Self::InstanceMetadata { .. } => ("2018-02-01", "client_id"),
        };
        let mut address = self.address().clone();
        address.query_pairs_mut().append_pair("api-version", version).append_pair("resource", resource);
        if let Some(client_id) = client_id {
            address.query_pairs_mut().append_pair(identity, client_id);
        }
        let request = http.get(address);
        match self {
            Self::AppService { header, .. } => request.header("X-IDENTITY-HEADER", header.clone()),
            Self::AzureMl { secret, .. } => request.header("secret", secret.clone()),
            Self::InstanceMetadata { .. } => request.header("Metadata", "true"),
        }
    }

    /// The instance metadata endpoint also answers 404 and 410 while it is being updated.
    pub(super) fn patience(&self) -> Patience {
        let again = if self.is_instance_metadata() { is_busy_or_updating } else { is_busy };
        Patience { tries: 4, pause: Duration::from_millis(400), again, unreachable: true }
    }
}

fn is_busy_or_updating(status: u16) -> bool {
    is_busy(status) || matches!(status, 404 | 410)
}

fn address(url: &str) -> Result<Url, SourceError> {
    machine_address(url).map_err(|error| setup(&error))
}

fn secret(text: &str) -> Result<HeaderValue, SourceError> {
    let mut header = HeaderValue::from_str(text).map_err(|_| SourceError::Setup {
        problem: format!("`{IDENTITY_HEADER}` or `{MSI_SECRET}` holds characters that no header can carry"),
    })?;
    header.set_sensitive(true);
    Ok(header)
}
