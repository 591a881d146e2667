//! Log-ins: what the authorizer gives goes to the registry, or to the token service that the registry names.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Method};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::transport::Call;
use super::{Registry, RegistryError};
use crate::authorizer::{Ask, Challenge, Purpose, Scope};
use crate::reference::is_loopback;

/// What the protocol says a token lives for if nobody says otherwise.
const DEFAULT_LIFE: u64 = 60;
/// A token is replaced this long before it runs out.
const MARGIN: Duration = Duration::from_secs(10);
const LONGEST_TOKEN_REPLY: usize = 256 << 10;

/// Tokens of the registry's own token service, by what they are good for.
#[derive(Default)]
pub(super) struct Logins(Mutex<HashMap<Vec<Scope>, Exchanged>>);

struct Exchanged {
    header: HeaderValue,
    until: Instant,
}

/// A token service's reply. Holds a secret: no `Debug`.
#[derive(Deserialize)]
struct TokenReply {
    #[serde(alias = "access_token")]
    token: String,
    expires_in: Option<u64>,
}

impl Logins {
    fn get(&self, scopes: &[Scope]) -> Option<HeaderValue> {
        let all = self.0.lock().ok()?;
        let found = all.get(scopes).filter(|it| Instant::now() < it.until)?;
        Some(found.header.clone())
    }

    fn put(&self, scopes: &[Scope], exchanged: Option<Exchanged>) {
        let Ok(mut all) = self.0.lock() else { return };
        match exchanged {
            Some(exchanged) => all.insert(scopes.to_vec(), exchanged),
            None => all.remove(scopes),
        };
    }
}

impl Registry {
    /// The header to send before anybody has refused one.
    pub(super) async fn login(&self, scopes: &[Scope]) -> Result<Option<HeaderValue>, RegistryError> {
        if let Some(header) = self.shared.logins.get(scopes) {
            return Ok(Some(header));
        }
        self.ask(Purpose::Request, scopes, None).await
    }

    /// The header to send after a 401: a token of the service that the challenge names, or a new header of the
    /// authorizer's own.
    pub(super) async fn renew_login(
        &self,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        self.shared.logins.put(scopes, None);
        let Some(realm) = challenge.and_then(Challenge::realm) else {
            return self.ask(Purpose::Request, scopes, challenge).await;
        };
        let login = self.ask(Purpose::Exchange { realm: &realm }, scopes, challenge).await?;
        if login.is_none() {
            // Whoever does not log in at token services may still log in at the registry itself.
            let direct = self.ask(Purpose::Request, scopes, challenge).await?;
            if direct.is_some() {
                return Ok(direct);
            }
        }
        let exchanged = self.exchange(&realm, login, scopes, challenge).await?;
        let header = exchanged.header.clone();
        self.shared.logins.put(scopes, Some(exchanged));
        Ok(Some(header))
    }

    async fn ask(
        &self,
        purpose: Purpose<'_>,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Option<HeaderValue>, RegistryError> {
        let ask = Ask { registry: self.host(), purpose, scopes, challenge, refused: challenge.is_some() };
        let answered = self.shared.authorizer.authorize(&ask).await;
        answered.map_err(|source| RegistryError::LogIn { host: self.host().to_owned(), source })
    }

    async fn exchange(
        &self,
        realm: &Url,
        login: Option<HeaderValue>,
        scopes: &[Scope],
        challenge: Option<&Challenge>,
    ) -> Result<Exchanged, RegistryError> {
        let act = "give a token";
        if !self.is_safe(realm) {
            let problem =
                format!("the token service `{}` is not on https", realm.origin().ascii_serialization());
            return Err(self.unexpected(act, problem));
        }
        let mut request = self.shared.client.request(Method::GET, with_query(realm, scopes, challenge));
        if let Some(login) = login {
            request = request.header(AUTHORIZATION, login);
        }
        let response = self.in_time(act, 1, self.answer(act, request)).await?;
        if !response.status().is_success() {
            return Err(self.refusal(response, act).await);
        }
        let body = self.read_up_to(response, LONGEST_TOKEN_REPLY, act).await?;
        let reply: TokenReply =
            serde_json::from_slice(&body).map_err(|_| self.unexpected(act, "no token in the reply"))?;
        reply.into_exchanged().ok_or_else(|| self.unexpected(act, "the token is no header"))
    }

    fn is_safe(&self, realm: &Url) -> bool {
        let local = realm.host_str().is_some_and(is_loopback);
        realm.scheme() == "https" || local || self.shared.endpoint.covers(realm)
    }
}

impl TokenReply {
    fn into_exchanged(self) -> Option<Exchanged> {
        let mut header = HeaderValue::from_str(&format!("Bearer {}", self.token)).ok()?;
        header.set_sensitive(true);
        let life = Duration::from_secs(self.expires_in.unwrap_or(DEFAULT_LIFE).min(24 * 3600));
        Some(Exchanged { header, until: Instant::now() + life.saturating_sub(MARGIN) })
    }
}

fn with_query(realm: &Url, scopes: &[Scope], challenge: Option<&Challenge>) -> Url {
    let mut url = realm.clone();
    let service = challenge.and_then(|challenge| challenge.parameters.get("service"));
    {
        let mut query = url.query_pairs_mut();
        if let Some(service) = service {
            query.append_pair("service", service);
        }
        for scope in scopes {
            query.append_pair("scope", &scope.to_string());
        }
    }
    url
}

impl Call {
    /// A request for one repository's content.
    pub(super) fn pull(url: Url, repository: &str, act: String) -> Self {
        Self::new(Method::GET, url, vec![Scope::pull(repository)], act)
    }
}
