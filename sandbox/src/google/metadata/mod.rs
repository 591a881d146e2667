//! Google's metadata server, as a pod on GKE or a machine sees it: tokens and ID tokens of its service account, and where
//! it is.

mod caller;
mod refusal;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

pub use self::caller::MetadataCaller;
use self::caller::Wish;
use self::refusal::Refusal;
use super::accounts;
use super::call::CLOUD_PLATFORM;
use super::tokens::{self, USERINFO_EMAIL};
use crate::azure::wire::{Pairs, insert_header};
use crate::seed;
use crate::world::Shared;

/// How long its tokens live at most.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

async fn serve(State(shared): State<Shared>, request: Request) -> Response {
    let mut response = answer(&shared, &request).unwrap_or_else(Refusal::into_response);
    insert_header(&mut response, "metadata-flavor", "Google");
    insert_header(&mut response, "server", "GKE Metadata Server");
    response
}

fn answer(shared: &Shared, request: &Request) -> Result<Response, Refusal> {
    require_header(request.headers())?;
    let path = request.uri().path().trim_end_matches('/');
    if path.is_empty() {
        return Ok("computeMetadata/\n".into_response());
    }
    let below = path.strip_prefix("/computeMetadata/v1").ok_or(Refusal::NotFound)?;
    let parts: Vec<&str> = below.split('/').skip(1).collect();
    if request.method() != Method::GET {
        return Err(Refusal::NotFound);
    }
    let query = Pairs::of(request.uri());
    match parts.as_slice() {
        ["instance", "service-accounts", rest @ ..] => service_accounts(shared, rest, &query),
        parts => place(parts).map(IntoResponse::into_response).ok_or(Refusal::NotFound),
    }
}

fn require_header(headers: &HeaderMap) -> Result<(), Refusal> {
    let flavor = headers.get("metadata-flavor").is_some_and(|it| it == "Google");
    if flavor && !headers.contains_key("x-forwarded-for") { Ok(()) } else { Err(Refusal::Header) }
}

/// What is known of the place itself.
fn place(parts: &[&str]) -> Option<String> {
    let text = match parts {
        [] => "instance/\nproject/\nuniverse/\n".to_owned(),
        ["project", "project-id"] => seed::PROJECT.to_owned(),
        ["project", "numeric-project-id"] => seed::PROJECT_NUMBER.to_owned(),
        ["instance", "zone"] => format!("projects/{}/zones/{}", seed::PROJECT_NUMBER, seed::zone()),
        ["instance", "id"] => "4129076558219990001".to_owned(),
        ["instance", "name" | "hostname"] => format!("gke-{}-default-pool-1", seed::CLUSTER),
        ["instance", "attributes", "cluster-name"] => seed::CLUSTER.to_owned(),
        ["instance", "attributes", "cluster-location"] => seed::LOCATION.to_owned(),
        ["universe", "universe-domain" | "universe_domain"] => "googleapis.com".to_owned(),
        _ => return None,
    };
    Some(text)
}

fn service_accounts(shared: &Shared, rest: &[&str], query: &Pairs) -> Result<Response, Refusal> {
    let caller = shared.google.metadata_caller().clone();
    let email = caller::email(shared, &caller)?;
    let Some((name, below)) = rest.split_first() else {
        return Ok(format!("default/\n{email}/\n").into_response());
    };
    if *name != "default" && *name != email {
        return Err(Refusal::NotFound);
    }
    match below {
        [] if query.get("recursive") == Some("true") => {
            let body =
                json!({ "aliases": ["default"], "email": email, "scopes": [CLOUD_PLATFORM, USERINFO_EMAIL] });
            Ok(Json(body).into_response())
        }
        [] => Ok("aliases\nemail\nidentity\nscopes\ntoken\n".into_response()),
        ["email"] => Ok(email.into_response()),
        ["aliases"] => Ok("default\n".into_response()),
        ["scopes"] => Ok(format!("{CLOUD_PLATFORM}\n{USERINFO_EMAIL}\n").into_response()),
        ["token"] => access_token(shared, query),
        ["identity"] => identity(shared, query),
        _ => Err(Refusal::NotFound),
    }
}

fn access_token(shared: &Shared, query: &Pairs) -> Result<Response, Refusal> {
    let email = caller::account(shared, Wish::AccessToken)?;
    let asked: Vec<String> = query
        .get("scopes")
        .unwrap_or_default()
        .split(',')
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect();
    let scopes =
        if asked.is_empty() { vec![CLOUD_PLATFORM.to_owned(), USERINFO_EMAIL.to_owned()] } else { asked };
    let (token, _) =
        tokens::mint_service_account(shared, &email, scopes, LIFETIME).ok_or(Refusal::NoSuchAccount)?;
    let body = json!({
        "access_token": token, "expires_in": LIFETIME.as_secs() - 1, "token_type": "Bearer",
    });
    Ok(Json(body).into_response())
}

/// `format=full` adds who and where; by default the token says no more than the account's number.
fn identity(shared: &Shared, query: &Pairs) -> Result<Response, Refusal> {
    let audience = query.get("audience").filter(|it| !it.is_empty()).ok_or(Refusal::NoAudience)?;
    let email = caller::account(shared, Wish::IdToken)?;
    let more = match query.get("format") {
        Some("full") => full(&email),
        _ => Map::new(),
    };
    let token = accounts::id_token(shared, &email, audience, more).ok_or(Refusal::NoSuchAccount)?;
    Ok(token.into_response())
}

fn full(email: &str) -> Map<String, Value> {
    let claims = json!({
        "email": email,
        "email_verified": true,
        "google": { "compute_engine": {
            "instance_id": "4129076558219990001",
            "instance_name": format!("gke-{}-default-pool-1", seed::CLUSTER),
            "project_id": seed::PROJECT,
            "project_number": seed::PROJECT_NUMBER.parse::<u64>().unwrap_or_default(),
            "zone": seed::zone(),
        } },
    });
    claims.as_object().cloned().unwrap_or_default()
}
