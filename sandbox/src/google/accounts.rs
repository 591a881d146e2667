//! `https://accounts.google.com`: the issuer of service accounts' ID tokens.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::world::{Addresses, Shared, World};

/// How long ID tokens live, in seconds.
const LIFETIME: i64 = 3600;

/// The issuer of Google's ID tokens.
pub fn issuer(addresses: &Addresses) -> String {
    format!("https://{}", addresses.accounts)
}

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(configuration))
        .route("/oauth2/v3/certs", get(keys))
        .with_state(shared)
}

async fn configuration(State(shared): State<Shared>) -> Response {
    Json(shared.addresses().map(|addresses| {
        let issuer = issuer(addresses);
        json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/oauth2/v3/certs"),
            "response_types_supported": ["code", "token", "id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "email", "profile"],
            "claims_supported": ["aud", "email", "email_verified", "exp", "iat", "iss", "sub"],
        })
    }))
    .into_response()
}

async fn keys(State(shared): State<Shared>) -> Response {
    match shared.google.id_tokens.get() {
        Ok(key) => Json(key.key_set()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// An ID token of the service account `email`, with `more` claims; `None` if there is no such account.
pub(crate) fn id_token(
    world: &World,
    email: &str,
    audience: &str,
    more: Map<String, Value>,
) -> Option<String> {
    let unique_id = world.google.resources().service_account(email)?.unique_id.clone();
    let now = world.clock.seconds();
    let mut claims = more;
    claims.extend(
        json!({
            "aud": audience,
            "azp": unique_id,
            "exp": now + LIFETIME,
            "iat": now,
            "iss": issuer(world.addresses()?),
            "sub": unique_id,
        })
        .as_object()
        .cloned()?,
    );
    let token = world.google.id_tokens.get().ok()?.sign(&Value::Object(claims)).ok()?;
    world.minted.remember(&token);
    Some(token)
}
