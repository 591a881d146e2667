//! The chain: Entra token → federated Google token → service account's token. Every hop that really happens is recorded
//! and traced; what the cache answers is not a hop.

mod config;
mod record;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use google_cloud_auth::credentials::Credentials;
use http::HeaderValue;
use jiff::Timestamp;
use tracing::Instrument as _;

use crate::CLOUD_PLATFORM;
use crate::bearer::{Bearer, HeaderSource};
use crate::cache::{Cache, Key};
use crate::claims::Claims;
use crate::clock::Clock;
use crate::error::{Hop, TokenError};
use crate::http::{HttpSetup, service_address};
use crate::impersonation::IamCredentials;
use crate::secret::AccessToken;
use crate::source::google::ProvidesHeaders;
use crate::source::{EntraSource, entra_token};
use crate::sts::Sts;

pub use config::ChainConfig;
pub use record::{HopOutcome, HopRecord};

/// How many hops are remembered; a long run forgets its oldest.
const REMEMBERED: usize = 256;
/// How long a service account's token lives: the longest that no organisation policy is needed for.
const ACCOUNT_LIFETIME: Duration = Duration::from_hours(1);

/// Whose rights a request uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grantee {
    /// The federated principal itself.
    Federated,
    /// A service account it impersonates, by e-mail address.
    ServiceAccount(String),
}

/// A log-in carried across. Clones share tokens and records.
#[derive(Clone)]
pub struct Chain {
    inner: Arc<Inner>,
}

struct Inner {
    config: ChainConfig,
    source: EntraSource,
    sts: Sts,
    iam_credentials: IamCredentials,
    cache: Cache,
    records: Mutex<Vec<HopRecord>>,
}

impl Chain {
    /// A chain from `source` to where `config` says, asked for through `http` (see [`crate::http::client`]).
    pub fn new(
        config: ChainConfig,
        source: EntraSource,
        http: reqwest::Client,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HttpSetup> {
        let sts = Sts { http: http.clone(), address: service_address(&config.sts)? };
        let iam_credentials = IamCredentials { http, address: service_address(&config.iam_credentials)? };
        let (cache, records) = (Cache::new(clock), Mutex::default());
        Ok(Self { inner: Arc::new(Inner { config, source, sts, iam_credentials, cache, records }) })
    }

    /// Where this chain leads.
    pub fn config(&self) -> &ChainConfig {
        &self.inner.config
    }

    /// The first token's source.
    pub fn source(&self) -> &EntraSource {
        &self.inner.source
    }

    /// The client that the hops after the first are asked with.
    pub fn http(&self) -> &reqwest::Client {
        &self.inner.sts.http
    }

    /// The first token, from Entra.
    pub async fn entra_token(&self) -> Result<AccessToken, TokenError> {
        let inner = self.inner.clone();
        self.inner.cache.get(inner.entra_key(), Hop::Entra, || inner.ask_entra()).await
    }

    /// The federated token, from Google STS.
    pub async fn federated(&self) -> Result<AccessToken, TokenError> {
        let chain = self.clone();
        let fetch = || async move {
            let subject = chain.entra_token().await?;
            match chain.inner.exchange(subject).await {
                // It may have run out on the way.
                Err(refused) if refused.is_expired() => {
                    chain.inner.cache.forget(&chain.inner.entra_key());
                    chain.inner.exchange(chain.entra_token().await?).await
                }
                outcome => outcome,
            }
        };
        self.inner.cache.get(self.inner.federated_key(), Hop::Exchange, fetch).await
    }

    /// A token of the service account `email`, from IAM credentials.
    pub async fn impersonated(&self, email: &str) -> Result<AccessToken, TokenError> {
        self.impersonated_for(email, ACCOUNT_LIFETIME).await
    }

    /// A token of the service account `email` that lives no longer than `lifetime`, at most an hour.
    pub async fn impersonated_for(&self, email: &str, lifetime: Duration) -> Result<AccessToken, TokenError> {
        let (chain, account) = (self.clone(), email.to_owned());
        let lifetime = lifetime.min(ACCOUNT_LIFETIME);
        let key = self.inner.key(email, &format!("{CLOUD_PLATFORM} for {}s", lifetime.as_secs()));
        let fetch = || async move {
            let caller = chain.federated().await?;
            match chain.inner.impersonate(&account, caller, lifetime).await {
                // It may have run out on the way.
                Err(refused) if refused.is_expired() => {
                    chain.inner.cache.forget(&chain.inner.federated_key());
                    chain.inner.impersonate(&account, chain.federated().await?, lifetime).await
                }
                outcome => outcome,
            }
        };
        self.inner.cache.get(key, Hop::Impersonation, fetch).await
    }

    /// An Entra token of the same log-in for another `scope`.
    pub async fn entra_token_for(&self, scope: &str) -> Result<AccessToken, TokenError> {
        Ok(entra_token(&self.inner.source, scope).await?)
    }

    /// The token that `grantee`'s requests carry.
    pub async fn token(&self, grantee: &Grantee) -> Result<AccessToken, TokenError> {
        match grantee {
            Grantee::Federated => self.federated().await,
            Grantee::ServiceAccount(email) => self.impersonated(email).await,
        }
    }

    /// Claims of the Entra token that are no secret.
    pub async fn claims(&self) -> Result<Claims, TokenError> {
        let token = self.entra_token().await?;
        Ok(Claims::of(token.secret.expose()).unwrap_or_default())
    }

    /// Who one is on the Google side, as IAM names a subject of the pool; `None` if the Entra token has no `sub`.
    pub async fn principal(&self) -> Result<Option<String>, TokenError> {
        Ok(self.claims().await?.text("sub").map(|subject| self.inner.config.principal(subject)))
    }

    /// Every hop so far, oldest first.
    pub fn records(&self) -> Vec<HopRecord> {
        self.inner.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the Google tokens, so that the next request walks the chain again. Entra's own are kept by its SDK.
    pub fn forget(&self) {
        self.inner.cache.forget_all();
    }

    /// Headers with `grantee`'s rights.
    pub fn bearer(&self, grantee: Grantee) -> Bearer {
        let who = match &grantee {
            Grantee::Federated => "the federated principal".to_owned(),
            Grantee::ServiceAccount(email) => email.clone(),
        };
        Bearer::new(Arc::new(Granted { chain: self.clone(), grantee }), who)
    }

    /// Credentials with `grantee`'s rights for Google's client libraries.
    pub fn google_credentials(&self, grantee: Grantee) -> Credentials {
        Credentials::from(ProvidesHeaders(self.bearer(grantee)))
    }

    /// The Entra log-in for Azure's client libraries: the same log-in, tokens for other audiences.
    pub fn azure_credential(&self) -> Arc<dyn TokenCredential> {
        self.inner.source.credential.clone()
    }
}

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chain").field("config", &self.inner.config).finish_non_exhaustive()
    }
}

impl Inner {
    fn key(&self, audience: &str, scope: &str) -> Key {
        Key { identity: self.source.identity(), audience: audience.to_owned(), scope: scope.to_owned() }
    }

    fn entra_key(&self) -> Key {
        self.key(&self.config.scope, "")
    }

    fn federated_key(&self) -> Key {
        self.key(&self.config.provider, CLOUD_PLATFORM)
    }

    async fn ask_entra(self: Arc<Self>) -> Result<AccessToken, TokenError> {
        let span = tracing::info_span!(
            "hop",
            hop = "entra",
            issuer = %self.source.authority,
            audience = %self.config.scope,
            target = %self.source.kind
        );
        let began = self.cache.clock().now();
        let outcome =
            entra_token(&self.source, &self.config.scope).instrument(span).await.map_err(TokenError::from);
        let claims = outcome.as_ref().ok().and_then(|token| Claims::of(token.secret.expose()));
        let step =
            Step { hop: Hop::Entra, began, target: self.source.kind.to_string(), claims, principal: None };
        self.record(step, &outcome);
        outcome
    }

    async fn exchange(self: &Arc<Self>, subject: AccessToken) -> Result<AccessToken, TokenError> {
        let claims = Claims::of(subject.secret.expose());
        let claim =
            |name: &str| claims.as_ref().and_then(|claims| claims.text(name)).unwrap_or_default().to_owned();
        let span = tracing::info_span!(
            "hop",
            hop = "exchange",
            issuer = %claim("iss"),
            audience = %claim("aud"),
            target = %self.config.provider
        );
        let began = self.cache.clock().now();
        let exchange = self.sts.exchange(&self.config.provider, &subject.secret, began);
        let outcome = exchange.instrument(span).await.map_err(TokenError::from);
        let principal =
            Some(claim("sub")).filter(|sub| !sub.is_empty()).map(|sub| self.config.principal(&sub));
        let step =
            Step { hop: Hop::Exchange, began, target: self.config.provider.clone(), claims, principal };
        self.record(step, &outcome);
        outcome
    }

    async fn impersonate(
        self: &Arc<Self>,
        account: &str,
        caller: AccessToken,
        lifetime: Duration,
    ) -> Result<AccessToken, TokenError> {
        let span = tracing::info_span!(
            "hop",
            hop = "impersonation",
            issuer = "https://sts.googleapis.com",
            audience = CLOUD_PLATFORM,
            target = %account
        );
        let began = self.cache.clock().now();
        let generate = self.iam_credentials.generate_access_token(account, &caller.secret, lifetime, began);
        let outcome = generate.instrument(span).await.map_err(TokenError::from);
        let principal = Some(format!("serviceAccount:{account}"));
        let step =
            Step { hop: Hop::Impersonation, began, target: account.to_owned(), claims: None, principal };
        self.record(step, &outcome);
        outcome
    }

    fn record(&self, step: Step, outcome: &Result<AccessToken, TokenError>) {
        let at = self.cache.clock().now();
        let outcome = match outcome {
            Ok(token) => HopOutcome::Token { expires_at: token.expires_at },
            Err(error) => {
                HopOutcome::Refused { code: error.code().map(str::to_owned), message: error.to_string() }
            }
        };
        let milliseconds = at.as_millisecond().saturating_sub(step.began.as_millisecond());
        let Step { hop, target, claims, principal, .. } = step;
        tracing::debug!(hop = hop.service(), %target, milliseconds, ok = matches!(outcome, HopOutcome::Token { .. }));
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() == REMEMBERED {
            records.remove(0);
        }
        records.push(HopRecord { hop, at, milliseconds, target, claims, principal, outcome });
    }
}

/// A hop on its way.
struct Step {
    hop: Hop,
    began: Timestamp,
    target: String,
    claims: Option<Claims>,
    principal: Option<String>,
}

/// One grantee's headers.
struct Granted {
    chain: Chain,
    grantee: Grantee,
}

#[async_trait]
impl HeaderSource for Granted {
    async fn header(&self) -> Result<HeaderValue, TokenError> {
        Ok(self.chain.token(&self.grantee).await?.header())
    }

    async fn renew(&self) {
        self.chain.forget();
    }
}
