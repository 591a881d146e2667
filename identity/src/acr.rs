//! Azure container registries: an Entra token becomes a refresh token of the registry's own, with which its token service is
//! logged in to (Azure/acr `docs/AAD-OAuth.md`). The refresh token stays in here; what leaves is a header.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use crate::answer::{Answer, ask, words};
use crate::claims::Claims;
use crate::clock::Clock;
use crate::error::TokenError;
use crate::http::service_address;
use crate::secret::{AccessToken, Secret};
use crate::source::{EntraSource, entra_token};

/// The user name that says the password is a refresh token.
const NULL_USER: &str = "00000000-0000-0000-0000-000000000000";
/// A refresh token is not used in its last minutes.
const MARGIN: SignedDuration = SignedDuration::from_mins(2);
/// How long a refresh token is trusted that does not say when it ends.
const UNSTATED_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// Why there is no log-in to a container registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AcrError {
    /// No token from Entra.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The registry refused the exchange.
    #[error("the container registry `{registry}` refused the log-in: {message}")]
    Refused {
        /// The registry's host.
        registry: String,
        /// HTTP status.
        status: u16,
        /// `UNAUTHORIZED`, …
        code: Option<String>,
        /// The registry's words.
        message: String,
    },
    /// The answer is not what is documented.
    #[error("the container registry `{registry}` gave an answer we cannot use: {problem}")]
    Malformed {
        /// The registry's host.
        registry: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No answer.
    #[error("cannot reach the container registry `{registry}`: {problem}")]
    Unreachable {
        /// The registry's host.
        registry: String,
        /// The network's words.
        problem: String,
    },
}

/// Logs in to Azure container registries as one caller.
pub struct AcrLogin {
    source: EntraSource,
    scope: String,
    http: reqwest::Client,
    clock: Arc<dyn Clock>,
    /// Refresh tokens by service.
    kept: Mutex<HashMap<String, AccessToken>>,
}

impl AcrLogin {
    /// Logs in as `source`, with its tokens for `scope`. `http` comes from [`crate::http::client`].
    pub fn new(source: EntraSource, scope: &str, http: reqwest::Client, clock: Arc<dyn Clock>) -> Self {
        Self { source, scope: scope.to_owned(), http, clock, kept: Mutex::default() }
    }

    /// The header for the token service at `realm` of the registry that calls itself `service`.
    pub async fn header(&self, realm: &Url, service: &str) -> Result<HeaderValue, AcrError> {
        // Held over the exchange: blobs that are copied side by side share one.
        let mut kept = self.kept.lock().await;
        let usable_until = self.clock.now().checked_add(MARGIN).unwrap_or(Timestamp::MAX);
        let token = match kept.get(service).filter(|token| token.expires_at > usable_until) {
            Some(token) => token.clone(),
            None => self.exchange(realm, service).await?,
        };
        let header = basic(&token.secret);
        kept.insert(service.to_owned(), token);
        Ok(header)
    }

    /// The refresh token of the registry at `address` that calls itself `service`, for a tool that logs in by itself. Leaves only
    /// by a [`crate::Handover`].
    pub async fn refresh_token(&self, address: &str, service: &str) -> Result<AccessToken, AcrError> {
        let realm = service_address(address).map_err(|problem| AcrError::Malformed {
            registry: service.to_owned(),
            problem: problem.to_string(),
        })?;
        self.exchange(&realm, service).await
    }

    async fn exchange(&self, realm: &Url, service: &str) -> Result<AccessToken, AcrError> {
        let registry = realm.host_str().unwrap_or_default().to_owned();
        let malformed = |problem: String| AcrError::Malformed { registry: registry.clone(), problem };
        // Our token goes there.
        service_address(realm.as_str()).map_err(|problem| malformed(problem.to_string()))?;
        let mut url = realm.clone();
        url.set_path("/oauth2/exchange");
        url.set_query(None);
        let entra = entra_token(&self.source, &self.scope).await.map_err(TokenError::from)?;
        let form = [
            ("grant_type", "access_token"),
            ("service", service),
            ("tenant", self.source.tenant.as_str()),
            ("access_token", entra.secret.expose()),
        ];
        let answer = ask(|| self.http.post(url.clone()).form(&form))
            .await
            .map_err(|problem| AcrError::Unreachable { registry: registry.clone(), problem })?;
        if !answer.is_success() {
            return Err(refusal(registry, &answer));
        }
        let body = answer.body.map_err(|problem| malformed(problem.to_owned()))?;
        let token = body.get("refresh_token").and_then(Value::as_str).unwrap_or_default();
        let secret = Secret::token(token.to_owned())
            .map_err(|problem| malformed(format!("`refresh_token`: {problem}")))?;
        Ok(AccessToken { expires_at: self.end(&secret), secret })
    }

    /// When a refresh token ends, as it says itself.
    fn end(&self, token: &Secret) -> Timestamp {
        let said = Claims::of(token.expose()).and_then(|claims| claims.to_json().get("exp")?.as_i64());
        let unstated = self.clock.now().checked_add(UNSTATED_LIFE).unwrap_or(Timestamp::MAX);
        said.and_then(|end| Timestamp::from_second(end).ok()).unwrap_or(unstated)
    }
}

impl std::fmt::Debug for AcrLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcrLogin").field("scope", &self.scope).finish_non_exhaustive()
    }
}

fn basic(token: &Secret) -> HeaderValue {
    let encoded = BASE64_STANDARD.encode(format!("{NULL_USER}:{}", token.expose()));
    let mut header =
        HeaderValue::from_str(&format!("Basic {encoded}")).unwrap_or_else(|_| HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// `{"errors": [{"code", "message"}]}`.
fn refusal(registry: String, answer: &Answer) -> AcrError {
    let body = answer.body.as_ref().ok();
    let text = |name: &str| body?.pointer(&format!("/errors/0/{name}")).and_then(Value::as_str).map(words);
    let message = text("message").unwrap_or_else(|| format!("HTTP status {}", answer.status));
    AcrError::Refused { registry, status: answer.status, code: text("code"), message }
}
