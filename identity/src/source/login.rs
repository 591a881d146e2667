//! What every source starts from: the environment and the bridge's options, checked against each other.

use std::sync::Arc;

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions, Transport};
use azure_identity::{ClientAssertionCredential, ClientAssertionCredentialOptions};

use super::assertion::{Asserted, Assertion, Presents};
use super::{Options, SourceError, SourceKind};
use crate::clock::Clock;
use crate::environment::Environment;

pub(super) const CLIENT_ID: &str = "AZURE_CLIENT_ID";
pub(super) const TENANT_ID: &str = "AZURE_TENANT_ID";
pub(super) const AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";
const PUBLIC_AUTHORITY: &str = "https://login.microsoftonline.com";

/// The audience that Entra wants of another issuer's token, and what ends the authority's host in the clouds that want
/// another: <https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust>.
const EXCHANGE_AUDIENCE: &str = "api://AzureADTokenExchange";
const NATIONAL_AUDIENCES: [(&str, &str); 3] = [
    ("microsoftonline.us", "api://AzureADTokenExchangeUSGov"),
    ("partner.microsoftonline.cn", "api://AzureADTokenExchangeChina"),
    ("chinacloudapi.cn", "api://AzureADTokenExchangeChina"),
];

/// The environment and the bridge's options, checked against each other.
pub(super) struct Login {
    pub(super) environment: Environment,
    pub(super) http: reqwest::Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tenant: String,
    pub(super) authority: String,
}

/// A source, ready to be asked.
pub(super) struct Opened {
    pub(super) kind: SourceKind,
    pub(super) credential: Arc<dyn TokenCredential>,
    /// What it shows to Entra, where that can be looked at.
    pub(super) presents: Option<Arc<dyn Presents>>,
}

impl Login {
    pub(super) fn read(environment: &Environment, options: &Options) -> Result<Self, SourceError> {
        let authority =
            options.authority_host.as_deref().or(environment.get(AUTHORITY_HOST)).unwrap_or(PUBLIC_AUTHORITY);
        crate::http::service_address(authority).map_err(|error| setup(&error))?;
        let login = Self {
            environment: environment.clone(),
            http: options.http.clone(),
            clock: options.clock.clone(),
            tenant: options.tenant.clone(),
            authority: authority.trim_end_matches('/').to_owned(),
        };
        login.check_tenant(TENANT_ID)?;
        Ok(login)
    }

    /// A variable that is set and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.environment.get(name)
    }

    /// Names the variables, if all of them are set; else the first that is not.
    pub(super) fn all_set(&self, names: &[&str]) -> Result<String, String> {
        if let Some(missing) = names.iter().find(|name| self.get(name).is_none()) {
            return Err(format!("`{missing}` is not set"));
        }
        let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        Ok(format!("{} {verb} set", quoted.join(", ")))
    }

    /// A variable that `present` needs.
    pub(super) fn needed(&self, present: &'static str, missing: &'static str) -> Result<String, SourceError> {
        self.get(missing).map(str::to_owned).ok_or(SourceError::Incomplete { present, missing })
    }

    /// Refuses a variable that names another tenant than the bridge's.
    pub(super) fn check_tenant(&self, variable: &'static str) -> Result<(), SourceError> {
        // A tenant may also be named by a domain, which nothing here can compare.
        match self.get(variable) {
            Some(found) if is_guid(found) && !found.eq_ignore_ascii_case(&self.tenant) => {
                let (found, wanted) = (found.to_owned(), self.tenant.clone());
                Err(SourceError::OtherTenant { variable, found, wanted })
            }
            _ => Ok(()),
        }
    }

    /// The audience that another issuer's token must have for Entra to take it.
    pub(super) fn exchange_audience(&self) -> &'static str {
        let host = self.authority.split("://").last().unwrap_or_default();
        let national = NATIONAL_AUDIENCES.iter().find(|(end, _)| host.ends_with(end));
        national.map_or(EXCHANGE_AUDIENCE, |(_, audience)| audience)
    }

    /// Where assertions are sent.
    pub(super) fn token_address(&self) -> String {
        format!("{}/{}/oauth2/v2.0/token", self.authority, self.tenant)
    }

    /// A log-in by assertions, with the SDK's credential.
    pub(super) fn by_assertion<A: Assertion>(
        &self,
        kind: SourceKind,
        client_id: String,
        assertion: A,
    ) -> Result<Opened, SourceError> {
        let asserted = Asserted::new(assertion);
        let options = ClientAssertionCredentialOptions { client_options: self.client_options() };
        let credential =
            ClientAssertionCredential::new(self.tenant.clone(), client_id, asserted.clone(), Some(options))
                .map_err(|error| setup(&error))?;
        Ok(Opened { kind, credential, presents: Some(Arc::new(asserted)) })
    }

    /// Short retries: a command that nobody answers must say so in seconds, not after the SDK's minute.
    pub(super) fn client_options(&self) -> ClientOptions {
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

/// A setting that no request can be made with.
pub(super) fn setup(error: &dyn std::error::Error) -> SourceError {
    SourceError::Setup { problem: crate::http::with_causes(error) }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn login(authority: Option<&str>) -> Login {
        let options = Options {
            tenant: "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10".to_owned(),
            authority_host: authority.map(str::to_owned),
            http: crate::http::client(None).unwrap(),
            clock: Arc::new(|| Timestamp::UNIX_EPOCH),
            log_in: None,
        };
        Login::read(&Environment::from_pairs([("A", "1"), ("B", "2")]), &options).unwrap()
    }

    #[test]
    fn each_cloud_has_its_exchange_audience() {
        for (authority, audience) in [
            (None, "api://AzureADTokenExchange"),
            (Some("https://127.0.0.1:4433"), "api://AzureADTokenExchange"),
            (Some("https://login.microsoftonline.us/"), "api://AzureADTokenExchangeUSGov"),
            (Some("https://login.partner.microsoftonline.cn"), "api://AzureADTokenExchangeChina"),
            (Some("https://login.chinacloudapi.cn"), "api://AzureADTokenExchangeChina"),
        ] {
            assert_eq!(login(authority).exchange_audience(), audience, "{authority:?}");
        }
    }

    #[test]
    fn what_is_set_is_named_and_so_is_the_first_that_is_not() {
        let login = login(None);
        assert_eq!(login.all_set(&["A"]), Ok("`A` is set".to_owned()));
        assert_eq!(login.all_set(&["A", "B"]), Ok("`A`, `B` are set".to_owned()));
        assert_eq!(login.all_set(&["A", "C", "D"]), Err("`C` is not set".to_owned()));
    }
}
