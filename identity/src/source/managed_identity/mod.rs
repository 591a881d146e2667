//! A managed identity of the machine as log-in. Own code and not the SDK's credential: that one reads the process
//! environment, knows no Azure ML, and waits 72 seconds for an instance metadata endpoint that is not there.

mod endpoint;
mod refusal;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken as AzureToken, TokenCredential, TokenRequestOptions};
use azure_core::time::OffsetDateTime;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::sync::Mutex;

use super::assertion::{Presents, carried};
use super::issuer::Issuer;
use super::login::{CLIENT_ID, Login, Opened, setup};
use super::{SourceError, SourceKind, SourceName, machine};
use crate::answer::Answer;
use crate::claims::Claims;
use crate::clock::Clock;
use crate::secret::AccessToken;
use endpoint::Endpoint;

pub(super) use endpoint::VARIABLES;

/// A token is replaced this long before its end, as the SDK's cache does.
const SPARE: SignedDuration = SignedDuration::from_mins(5);
/// How long the instance metadata endpoint may take to show that it is there.
const PROBE: Duration = Duration::from_secs(2);

pub(super) fn found(login: &Login) -> Result<String, String> {
    Endpoint::found(login)
}

/// The endpoint that the environment names; the instance metadata endpoint if it names none.
pub(super) fn open(login: &Login) -> Result<Opened, SourceError> {
    if Endpoint::found(login).is_ok() {
        return opened(login, Endpoint::named(login)?, None);
    }
    match Endpoint::unsupported(login) {
        Some(reason) => Err(SourceError::NotHere { name: SourceName::ManagedIdentity, reason }),
        None => opened(login, Endpoint::instance_metadata(login)?, None),
    }
}

/// The instance metadata endpoint, as the last resort: `otherwise` makes the error from the reason why it is not there.
pub(super) fn last_resort(
    login: &Login,
    otherwise: impl Fn(String) -> SourceError + Send + Sync + 'static,
) -> Result<Opened, SourceError> {
    opened(login, Endpoint::instance_metadata(login)?, Some(Arc::new(otherwise)))
}

type Otherwise = Arc<dyn Fn(String) -> SourceError + Send + Sync>;

fn opened(login: &Login, endpoint: Endpoint, otherwise: Option<Otherwise>) -> Result<Opened, SourceError> {
    let client_id = endpoint.client_id(login.get(CLIENT_ID));
    let kind = SourceKind::ManagedIdentity { client_id: client_id.clone(), endpoint: endpoint.name() };
    let address = endpoint.address().clone();
    let http = if address.scheme() == "https" { login.http.clone() } else { machine::client()? };
    let issuer = Issuer { service: endpoint.service(), who: kind.to_string(), address, http };
    let identity = Arc::new(ManagedIdentity {
        issuer,
        endpoint,
        client_id,
        otherwise,
        seen: AtomicBool::new(false),
        clock: login.clock.clone(),
        kept: Mutex::default(),
    });
    Ok(Opened { kind, credential: identity.clone(), presents: Some(identity) })
}

/// A managed identity and the endpoint that gives its tokens.
struct ManagedIdentity {
    issuer: Issuer,
    endpoint: Endpoint,
    client_id: Option<String>,
    /// What to say if the endpoint is not there: only where nobody asked for it by name.
    otherwise: Option<Otherwise>,
    /// Whether the endpoint has answered.
    seen: AtomicBool,
    clock: Arc<dyn Clock>,
    /// Tokens by resource.
    kept: Mutex<HashMap<String, AccessToken>>,
}

impl ManagedIdentity {
    async fn token(&self, scopes: &[&str]) -> Result<AccessToken, SourceError> {
        let [scope] = scopes else {
            let problem = format!("a managed identity takes one scope at a time, not {}", scopes.len());
            return Err(SourceError::Setup { problem });
        };
        // These endpoints speak the first version of the protocol: resources, not scopes.
        let resource = scope.strip_suffix("/.default").unwrap_or(scope);
        let mut kept = self.kept.lock().await;
        if let Some(token) = kept.get(resource).filter(|token| self.is_fresh(token)) {
            return Ok(token.clone());
        }
        self.be_there().await?;
        let token = self.fetch(resource).await?;
        kept.insert(resource.to_owned(), token.clone());
        Ok(token)
    }

    fn is_fresh(&self, token: &AccessToken) -> bool {
        token.expires_at.duration_since(self.clock.now()) > SPARE
    }

    /// Waits a short time for a sign of the instance metadata endpoint.
    async fn be_there(&self) -> Result<(), SourceError> {
        if !self.endpoint.is_instance_metadata() || self.seen.load(Ordering::Relaxed) {
            return Ok(());
        }
        // Without the header that it demands, it refuses at once; any answer will do.
        let probe = self.issuer.http.get(self.issuer.address.clone()).timeout(PROBE).send().await;
        if let Err(error) = probe {
            let problem = crate::http::with_causes(&error.without_url());
            return Err(match &self.otherwise {
                Some(otherwise) => otherwise(format!(
                    "no endpoint is named in the environment, and the instance metadata endpoint `{}` does not \
                     answer",
                    self.issuer.address.origin().ascii_serialization()
                )),
                None => self.issuer.unreachable(problem),
            });
        }
        self.seen.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn fetch(&self, resource: &str) -> Result<AccessToken, SourceError> {
        let request = || self.endpoint.request(&self.issuer.http, resource, self.client_id.as_deref());
        let answer = self.issuer.ask(self.endpoint.patience(), request).await?;
        if !answer.is_success() {
            return Err(refusal::typed(&self.issuer, self.client_id.as_deref(), &answer));
        }
        self.read(&answer)
    }

    fn read(&self, answer: &Answer) -> Result<AccessToken, SourceError> {
        let secret = self.issuer.token_in(answer, "access_token")?;
        let body = self.issuer.body_of(answer)?;
        let expires_at = expiry(body, self.clock.now()).map_err(|problem| self.issuer.malformed(problem))?;
        Ok(AccessToken { secret, expires_at })
    }
}

/// When the token ends: `expires_on` in seconds since 1970, a number or (mostly) a number in a text; else `expires_in`.
fn expiry(body: &Value, now: Timestamp) -> Result<Timestamp, &'static str> {
    let seconds = |name: &str| match body.get(name) {
        Some(Value::String(text)) => text.trim().parse::<i64>().ok(),
        Some(other) => other.as_i64(),
        None => None,
    };
    let end = match (seconds("expires_on"), seconds("expires_in")) {
        (Some(end), _) => Timestamp::from_second(end).ok(),
        (None, Some(life)) => now.checked_add(SignedDuration::from_secs(life)).ok(),
        (None, None) => None,
    };
    let end = end.ok_or("its `expires_on` is no time")?;
    if end <= now { Err("it has expired already") } else { Ok(end) }
}

#[async_trait]
impl TokenCredential for ManagedIdentity {
    async fn get_token(
        &self,
        scopes: &[&str],
        _: Option<TokenRequestOptions<'_>>,
    ) -> azure_core::Result<AzureToken> {
        let token = self.token(scopes).await.map_err(carried)?;
        let expires_on = OffsetDateTime::from_unix_timestamp(token.expires_at.as_second())
            .map_err(|error| carried(setup(&error)))?;
        Ok(AzureToken::new(token.secret.expose().to_owned(), expires_on))
    }
}

#[async_trait]
impl Presents for ManagedIdentity {
    /// It shows nothing of its own; but an endpoint that is not there is known before Entra is asked.
    async fn presented(&self) -> Result<Option<Claims>, SourceError> {
        self.be_there().await.map(|()| None)
    }
}

impl fmt::Debug for ManagedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedIdentity").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn ends_are_read_as_every_endpoint_writes_them() {
        for body in [
            json!({"expires_on": "3600"}),
            json!({"expires_on": 3600, "expires_in": "9"}),
            json!({"expires_in": 3600}),
            json!({"expires_in": "3600", "expires_on": "09/14/2017 00:00:00 PM +00:00"}),
        ] {
            assert_eq!(expiry(&body, NOW).unwrap().as_second(), 3600, "{body}");
        }
        for body in [
            json!({}),
            json!({"expires_on": "soon"}),
            json!({"expires_on": "0"}),
            json!({"expires_in": -1}),
            json!({"expires_on": i64::MAX}),
            json!({"expires_on": 1e300}),
        ] {
            assert!(expiry(&body, NOW).is_err(), "{body}");
        }
    }
}
