//! `sts.googleapis.com/v1/token`: somebody else's token in, a federated Google token out.
//!
//! In this order: whether the project has switched the API off; the request's parameters; the provider that `audience`
//! names; what can be refused without keys; the signature, by the issuer's published keys; mapping and condition, which
//! `trust` decides; the token.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use trust::provider::{Pool, Provider, Refusal, ResourceName, Stage, exchange};
use trust::{Caller, Claims};

use super::error::OAuthError;
use super::oauth2::fields;
use super::resources::Resources;
use super::tokens::{self, Identity};
use crate::seed;
use crate::serve::Expired;
use crate::signing::{self, Unverified};
use crate::world::{Shared, World};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const SUBJECT_TYPES: [&str; 2] =
    ["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"];
/// A changed key set counts after this long.
const KEYS_FRESH: Duration = Duration::from_secs(5);
/// No federated token lives longer.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// Issuers' key sets, and when they were fetched.
pub(crate) type KeySets = BTreeMap<String, (Instant, Value)>;

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.error, refusal.description)
    }
}

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new().route("/v1/token", post(token)).with_state(shared)
}

async fn token(
    State(world): State<Shared>,
    aged: Option<Extension<Expired>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let enabled = world.google.resources().organisation.require_enabled("sts.googleapis.com");
    if let Err(disabled) = enabled {
        return disabled.into_response();
    }
    match exchange_token(&world, &fields(&headers, &body), aged.is_some()).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => error.into_response(),
    }
}

/// A request whose parameters are in order.
struct Request<'a> {
    audience: ResourceName,
    scopes: Vec<String>,
    subject_token: &'a str,
}

async fn exchange_token(
    world: &World,
    fields: &BTreeMap<String, String>,
    aged: bool,
) -> Result<Value, OAuthError> {
    let request = read(fields)?;
    let (pool, provider) = find(&world.google.resources(), &request.audience)?;
    let shown = signing::peek(request.subject_token).and_then(Claims::from_value);
    let shown = shown.ok_or_else(|| OAuthError::new("invalid_grant", "Unable to parse the ID Token."))?;
    refuse_early(&pool, &provider, &shown, world)?;
    if aged {
        let issued = shown.issued_at().map(Timestamp::as_second);
        return Err(Refusal::stale(issued, String::new(), String::new()).into());
    }
    let claims = verified(world, &provider, request.subject_token).await?;
    let now = world.clock.now();
    let mapped = exchange(&pool, &provider, &claims, now)?;
    let left = claims.expires_at().map_or(LONGEST, |end| end.duration_since(now));
    let lifetime = left.clamp(SignedDuration::ZERO, LONGEST);
    let identity = Identity {
        caller: Caller::Federated { pool_resource: pool.name, mapped },
        scopes: request.scopes,
        expires: now.checked_add(lifetime).unwrap_or(now),
        unique_id: None,
    };
    Ok(json!({
        "access_token": tokens::mint(world, identity),
        "issued_token_type": ACCESS_TOKEN,
        "token_type": "Bearer",
        "expires_in": lifetime.as_secs(),
    }))
}

fn read(fields: &BTreeMap<String, String>) -> Result<Request<'_>, OAuthError> {
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let invalid = |name: &str, expected: &str| {
        Err(OAuthError::new("invalid_request", format!("Invalid value for \"{name}\". Expected {expected}.")))
    };
    if field("grant_type") != EXCHANGE {
        return invalid("grant_type", EXCHANGE);
    }
    let audience = field("audience");
    let audience =
        ResourceName::parse_audience(audience).ok_or_else(|| Refusal::audience_parameter(audience))?;
    if !matches!(field("requested_token_type"), "" | ACCESS_TOKEN) {
        return invalid("requested_token_type", ACCESS_TOKEN);
    }
    if !SUBJECT_TYPES.contains(&field("subject_token_type")) {
        return invalid("subject_token_type", &SUBJECT_TYPES.join(" or "));
    }
    let subject_token = field("subject_token");
    if subject_token.is_empty() {
        return invalid("subject_token", "a token of the identity provider");
    }
    let scopes: Vec<String> = field("scope").split_ascii_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        return invalid("scope", "at least one OAuth scope");
    }
    Ok(Request { audience, scopes, subject_token })
}

/// The provider of that name in the project of that number; the project's id does not name it here.
fn find(resources: &Resources, audience: &ResourceName) -> Result<(Pool, Provider), Refusal> {
    let ours = audience.project == seed::PROJECT_NUMBER && audience.location == "global";
    let pool = resources.pools.get(&audience.pool).filter(|_| ours);
    let provider = pool.and_then(|pool| pool.providers.get(&audience.provider));
    match (pool, provider) {
        (Some(pool), Some(provider)) => Ok((pool.pool.value.clone(), provider.value.clone())),
        _ => Err(Refusal::no_live_provider("no such provider")),
    }
}

/// What stands in the way before keys are looked for: a dead provider, somebody else's issuer.
fn refuse_early(pool: &Pool, provider: &Provider, shown: &Claims, world: &World) -> Result<(), Refusal> {
    match exchange(pool, provider, shown, world.clock.now()) {
        Err(refusal) if refusal.stage < Stage::Signature => Err(refusal),
        _ => Ok(()),
    }
}

/// The claims, once a key of the provider's issuer has vouched for them.
async fn verified(world: &World, provider: &Provider, token: &str) -> Result<Claims, Refusal> {
    let uploaded = provider.oidc.as_ref().and_then(|oidc| oidc.jwks_json.as_ref());
    let claims = match uploaded {
        Some(text) => signing::verify(&serde_json::from_str(text).unwrap_or_default(), token),
        None => verify_by_published(world, provider.issuer(), token).await?,
    };
    let claims = claims.map_err(|error| match error {
        Unverified::Signature => Refusal::signature(""),
        Unverified::Malformed | Unverified::Algorithm(_) | Unverified::UnknownKey(_) => {
            Refusal::unusable_keys(error.to_string())
        }
    })?;
    Claims::from_value(claims).ok_or_else(|| Refusal::unusable_keys("claims that are no object"))
}

async fn verify_by_published(
    world: &World,
    issuer: &str,
    token: &str,
) -> Result<Result<Value, Unverified>, Refusal> {
    if let Some((when, keys)) = world.google.key_sets().get(issuer)
        && when.elapsed() < KEYS_FRESH
    {
        return Ok(signing::verify(keys, token));
    }
    let keys = signing::fetch_key_set(&world.client, issuer).await;
    let keys = keys.map_err(|error| Refusal::unusable_keys(error.to_string()))?;
    world.google.key_sets().insert(issuer.to_owned(), (Instant::now(), keys.clone()));
    Ok(signing::verify(&keys, token))
}
