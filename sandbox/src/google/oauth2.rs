//! `oauth2.googleapis.com/token`: the administrator's refresh token, as application-default credentials hold it.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Extension, Json, Router};
use http::HeaderMap;
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};
use trust::Caller;

use super::call::CLOUD_PLATFORM;
use super::error::OAuthError;
use super::tokens::{self, Identity, USERINFO_EMAIL};
use crate::serve::Expired;
use crate::world::{Shared, World};
use crate::{random, seed};

/// Google's own tokens for users live a second less than an hour.
const LIFETIME: SignedDuration = SignedDuration::from_secs(3599);

/// What `gcloud auth application-default login` would write, without `token_uri`.
#[derive(Clone, Serialize)]
pub struct AdministratorCredentials {
    /// `authorized_user`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The client that the administrator logged in with.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The long-lived token.
    pub refresh_token: String,
    /// Where quota is taken from.
    pub quota_project_id: &'static str,
    /// The account.
    pub account: &'static str,
}

impl AdministratorCredentials {
    /// Fresh ones.
    pub(crate) fn generate() -> Self {
        Self {
            kind: "authorized_user",
            client_id: format!("{}-{}.apps.googleusercontent.com", seed::PROJECT_NUMBER, random::hex()),
            client_secret: format!("GOCSPX-{}", random::secret()),
            refresh_token: format!("1//0{}", random::secret()),
            quota_project_id: seed::PROJECT,
            account: seed::GOOGLE_ADMIN,
        }
    }
}

/// The service's routes. From here on the administrator's secrets count as handed out.
pub(crate) fn router(shared: Shared) -> Router {
    let known = shared.google.administrator_credentials();
    shared.minted.remember(&known.client_secret);
    shared.minted.remember(&known.refresh_token);
    Router::new().route("/token", post(token)).with_state(shared)
}

async fn token(
    State(world): State<Shared>,
    aged: Option<Extension<Expired>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = match aged {
        Some(_) => Err(OAuthError::new("invalid_grant", "Token has been expired or revoked.")),
        None => refresh(&world, &fields(&headers, &body)),
    };
    match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => error.into_response(),
    }
}

/// The text fields of a form or JSON body, by their snake-case names.
pub(crate) fn fields(headers: &HeaderMap, body: &[u8]) -> BTreeMap<String, String> {
    let kind =
        headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return url::form_urlencoded::parse(body).into_owned().collect();
    }
    let object: BTreeMap<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let text = |value: Value| match value {
        Value::String(text) => Some(text),
        _ => None,
    };
    object.into_iter().filter_map(|(name, value)| Some((snake_case(&name), text(value)?))).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 2);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn refresh(world: &World, fields: &BTreeMap<String, String>) -> Result<Value, OAuthError> {
    let field = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "refresh_token" {
        let description = format!("Invalid grant_type: {}", field("grant_type"));
        return Err(OAuthError::new("unsupported_grant_type", description));
    }
    let known = world.google.administrator_credentials();
    if field("client_id") != known.client_id {
        return Err(OAuthError::new("invalid_client", "The OAuth client was not found.").unauthorized());
    }
    if field("client_secret") != known.client_secret {
        return Err(
            OAuthError::new("invalid_client", "The provided client secret is invalid.").unauthorized()
        );
    }
    if field("refresh_token") != known.refresh_token {
        return Err(OAuthError::new("invalid_grant", "Bad Request"));
    }
    let granted = [CLOUD_PLATFORM, USERINFO_EMAIL, "openid"];
    let asked: Vec<&str> =
        field("scope").split_ascii_whitespace().chain(field("scopes").split_ascii_whitespace()).collect();
    let same = |scope: &str| if scope == "email" { USERINFO_EMAIL } else { scope }.to_owned();
    let scopes: Vec<String> =
        if asked.is_empty() { &granted[..] } else { &asked }.iter().map(|one| same(one)).collect();
    if let Some(foreign) = scopes.iter().find(|scope| !granted.contains(&scope.as_str())) {
        return Err(OAuthError::new(
            "invalid_scope",
            format!("Some requested scopes were invalid. {{invalid=[{foreign}]}}"),
        ));
    }
    let scope = scopes.join(" ");
    let now = world.clock.now();
    let expires = now.checked_add(LIFETIME).unwrap_or(now);
    let caller = Caller::User(seed::GOOGLE_ADMIN.to_owned());
    let token = tokens::mint(world, Identity { caller, scopes, expires, unique_id: None });
    Ok(json!({
        "access_token": token,
        "expires_in": LIFETIME.as_secs(),
        "scope": scope,
        "token_type": "Bearer",
    }))
}
