//! The registry's own tokens: a refresh token for one of Entra's, an access token for a refresh token
//! (Azure/acr `docs/AAD-OAuth.md`). Both are JSON web tokens; what somebody may do is settled when the refresh token is made.

use http::StatusCode;
use http::header;
use http::request::Parts;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access::{NULL_USER, basic};
use super::{scope, unsupported};
use crate::azure::bearer::{self, Caller};
use crate::azure::first_party::{CONTAINER_REGISTRY, RESOURCE_MANAGER};
use crate::azure::roles::{self, Plane};
use crate::azure::wire::Pairs;
use crate::registry::error::RegistryError;
use crate::serve::Expired;
use crate::signing;
use crate::world::Shared;
use crate::{random, seed};

/// What every refused log-in is told.
pub(super) const MESSAGE: &str =
    "authentication required, visit https://aka.ms/acr/authorization for more information.";

/// Who signs both kinds of token.
const ISSUER: &str = "Azure Container Registry";
/// How long a refresh token lives; `az acr login --expose-token` says three hours.
const REFRESH_LIFETIME: SignedDuration = SignedDuration::from_hours(3);
/// How long an access token lives: 75 minutes in the published sample.
const ACCESS_LIFETIME: SignedDuration = SignedDuration::from_mins(75);

/// What each word of a scope takes.
const ACTIONS: [(&str, &str); 3] = [
    ("pull", "Microsoft.ContainerRegistry/registries/pull/read"),
    ("push", "Microsoft.ContainerRegistry/registries/push/write"),
    ("delete", "Microsoft.ContainerRegistry/registries/artifacts/delete"),
];

/// The word of a scope for looking at a repository: whoever may pull may.
pub(super) const METADATA_READ: &str = "metadata_read";

/// What an access token admits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Access {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) actions: Vec<String>,
}

/// What a request showed.
pub(super) enum Shown {
    /// An access token's scopes.
    Access(Vec<Access>),
    /// A refresh token's rights.
    Refresh(Vec<String>),
}

/// The host that the request was sent to: realm, service and audience of everything here.
pub(super) fn host(parts: &Parts) -> &str {
    parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1")
}

/// A refused log-in at the token endpoints. They give no challenge.
pub(super) fn unauthorized() -> RegistryError {
    RegistryError::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", MESSAGE)
}

/// `POST /oauth2/exchange`: a refresh token for an Entra token of somebody who has any right on the registry.
pub(super) fn exchange(shared: &Shared, parts: &Parts, form: &[u8]) -> Result<Value, RegistryError> {
    let form = Pairs::parse(form);
    if form.get("grant_type") != Some("access_token") {
        return Err(unsupported());
    }
    let tenant = form.get("tenant").filter(|tenant| !tenant.is_empty());
    let here = form.get("service") == Some(host(parts))
        && tenant.is_none_or(|tenant| tenant.eq_ignore_ascii_case(seed::TENANT));
    let aged = parts.extensions.get::<Expired>().is_some();
    let token = form.get("access_token").filter(|_| here).ok_or_else(unauthorized)?;
    let services = [&CONTAINER_REGISTRY, &RESOURCE_MANAGER];
    let caller = bearer::of_token(shared, &services, token, aged).map_err(|_| unauthorized())?;
    let rights = rights(shared, &caller);
    if rights.is_empty() {
        return Err(unauthorized());
    }
    let claims = json!({
        "grant_type": "refresh_token",
        "appid": caller.name,
        "tenant": seed::TENANT,
        "permissions": { "actions": rights, "notActions": [] },
    });
    Ok(json!({ "refresh_token": sign(shared, parts, &caller.object_id, (claims, REFRESH_LIFETIME))? }))
}

/// What the caller's roles allow on the registry.
fn rights(shared: &Shared, caller: &Caller) -> Vec<&'static str> {
    let (assignments, scope) = (shared.azure.assignments_in_force(), scope());
    let may = |action: &str| {
        !roles::grounds(&assignments, &caller.principals, Plane::Control, action, &scope).is_empty()
    };
    ACTIONS.iter().filter(|(_, action)| may(action)).map(|(word, _)| *word).collect()
}

/// `POST /oauth2/token`: by refresh token, or as docker sends a log-in it was given.
pub(super) fn by_form(shared: &Shared, parts: &Parts, form: &[u8]) -> Result<Value, RegistryError> {
    let pairs = Pairs::parse(form);
    let token = match pairs.get("grant_type") {
        Some("refresh_token") => pairs.get("refresh_token"),
        Some("password") if pairs.get("username") == Some(NULL_USER) => pairs.get("password"),
        Some("password") => None,
        _ => return Err(unsupported()),
    };
    give(shared, parts, token, form)
}

/// `GET /oauth2/token`: by Basic, with the refresh token as password.
pub(super) fn by_header(shared: &Shared, parts: &Parts) -> Result<Value, RegistryError> {
    let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let basic = header.and_then(|text| text.split_once(' ')).and_then(|(scheme, encoded)| {
        if scheme.eq_ignore_ascii_case("basic") { basic(encoded) } else { None }
    });
    give(shared, parts, basic.as_deref(), parts.uri.query().unwrap_or_default().as_bytes())
}

/// An access token for the scopes asked for, as far as the refresh token's rights go.
fn give(shared: &Shared, parts: &Parts, token: Option<&str>, pairs: &[u8]) -> Result<Value, RegistryError> {
    let aged = parts.extensions.get::<Expired>().is_some();
    let token = token.ok_or_else(unauthorized)?;
    let rights = read_refresh(shared, parts, token, aged).ok_or_else(unauthorized)?;
    if Pairs::parse(pairs).get("service") != Some(host(parts)) {
        return Err(unauthorized());
    }
    let subject = read(shared, parts, token).and_then(|claims| Some(claims.get("sub")?.as_str()?.to_owned()));
    let scopes = url::form_urlencoded::parse(pairs).filter(|(key, _)| key == "scope");
    let mut access = Vec::new();
    for (_, value) in scopes {
        access.extend(value.split_ascii_whitespace().filter_map(|scope| narrowed(scope, &rights)));
    }
    let claims = json!({ "grant_type": "access_token", "access": access, "roles": [] });
    let subject = subject.unwrap_or_default();
    Ok(json!({ "access_token": sign(shared, parts, &subject, (claims, ACCESS_LIFETIME))? }))
}

/// A scope without what the rights do not cover; `None` if it is no scope.
fn narrowed(scope: &str, rights: &[String]) -> Option<Access> {
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let has = |right: &str| {
        let right = if right == METADATA_READ { "pull" } else { right };
        rights.iter().any(|it| it == right)
    };
    let actions: Vec<String> = match (kind, name) {
        ("registry", "catalog") => {
            actions.split(',').filter(|it| *it == "*" && has("pull")).map(str::to_owned).collect()
        }
        ("repository", _) => actions.split(',').filter(|it| has(it)).map(str::to_owned).collect(),
        _ => return None,
    };
    Some(Access { kind: kind.to_owned(), name: name.to_owned(), actions })
}

/// What an access token admits, if it is one.
pub(super) fn read_access(shared: &Shared, parts: &Parts, token: &str, aged: bool) -> Option<Vec<Access>> {
    let claims = read(shared, parts, token).filter(|claims| !aged && is(claims, "access_token"))?;
    serde_json::from_value(claims.get("access")?.clone()).ok()
}

/// The rights of a refresh token, if it is one.
pub(super) fn read_refresh(shared: &Shared, parts: &Parts, token: &str, aged: bool) -> Option<Vec<String>> {
    let claims = read(shared, parts, token).filter(|claims| !aged && is(claims, "refresh_token"))?;
    serde_json::from_value(claims.pointer("/permissions/actions")?.clone()).ok()
}

fn is(claims: &Value, grant_type: &str) -> bool {
    claims.get("grant_type").and_then(Value::as_str) == Some(grant_type)
}

/// The claims of a token of this registry that has not ended.
fn read(shared: &Shared, parts: &Parts, token: &str) -> Option<Value> {
    let claims = signing::verify(&shared.azure.signing.key_set(), token).ok()?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let ours = text("iss") == Some(ISSUER) && text("aud") == Some(host(parts));
    let end = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
    (ours && shared.clock.seconds() < end).then_some(claims)
}

/// Adds what every token has, signs with the sandbox's key for tokens, and remembers the token.
fn sign(
    shared: &Shared,
    parts: &Parts,
    subject: &str,
    (claims, lifetime): (Value, SignedDuration),
) -> Result<String, RegistryError> {
    let now = shared.clock.seconds();
    let mut all = json!({
        "jti": random::uuid(),
        "sub": subject,
        "nbf": now,
        "exp": now + lifetime.as_secs(),
        "iat": now,
        "iss": ISSUER,
        "aud": host(parts),
        "version": "1.0",
    });
    if let (Value::Object(all), Value::Object(claims)) = (&mut all, claims) {
        all.extend(claims);
    }
    let token = shared.azure.signing.sign(&all).map_err(|_| unauthorized())?;
    shared.minted.remember(&token);
    Ok(token)
}
