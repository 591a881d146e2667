//! GitHub Actions' OIDC token as log-in: a job with `permissions: id-token: write` may ask for one.
//! <https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments/about-security-hardening-with-openid-connect>

use async_trait::async_trait;
use reqwest::header::{ACCEPT, AUTHORIZATION};

use super::assertion::Assertion;
use super::issuer::Issuer;
use super::login::{CLIENT_ID, Login, Opened, setup};
use super::{SourceError, SourceKind};
use crate::answer::Patience;
use crate::http::service_address;
use crate::secret::Secret;

pub(super) const REQUEST_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
pub(super) const REQUEST_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

pub(super) fn found(login: &Login) -> Result<String, String> {
    // Many jobs may ask for tokens without meaning to log in to Entra with them.
    login.all_set(&[REQUEST_URL, REQUEST_TOKEN, CLIENT_ID])
}

pub(super) fn open(login: &Login) -> Result<Opened, SourceError> {
    let client_id = login.needed(REQUEST_URL, CLIENT_ID)?;
    let url = login.needed(REQUEST_TOKEN, REQUEST_URL)?;
    let mut address = service_address(&url).map_err(|error| setup(&error))?;
    address.query_pairs_mut().append_pair("audience", login.exchange_audience());
    let bearer = Secret::token(login.needed(REQUEST_URL, REQUEST_TOKEN)?).map_err(|error| setup(&error))?;
    let kind = SourceKind::Github { client_id: client_id.clone() };
    let (who, http) = (kind.to_string(), login.http.clone());
    let issuer = Issuer { service: "GitHub's OIDC endpoint", who, address, http };
    login.by_assertion(kind, client_id, Job { issuer, bearer })
}

/// A job that may ask.
#[derive(Debug)]
struct Job {
    issuer: Issuer,
    bearer: Secret,
}

#[async_trait]
impl Assertion for Job {
    async fn assertion(&self) -> Result<Secret, SourceError> {
        let ask = || {
            let request = self.issuer.http.get(self.issuer.address.clone());
            request.header(AUTHORIZATION, self.bearer.header()).header(ACCEPT, "application/json")
        };
        let answer = self.issuer.ask(Patience::SERVICE, ask).await?;
        self.issuer.token_in(&answer, "value")
    }
}
