//! Azure DevOps' issuer of pipeline tokens, `https://vstoken.dev.azure.com/ORGANISATION`, and the address a job asks.
//!
//! Sources: `learn.microsoft.com/azure/devops/pipelines/release/configure-workload-identity` (issuer and subject),
//! `learn.microsoft.com/rest/api/azure/devops/distributedtask/oidctoken/create` (request and answer).

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{StatusCode, header};
use serde_json::json;

use super::{bearer, discovery, is};
use crate::azure::wire::Pairs;
use crate::random;
use crate::seed::{DEVOPS_CONNECTION, DEVOPS_ORGANISATION, DEVOPS_PROJECT};
use crate::world::{Addresses, Shared};

/// The audience of a service connection's tokens.
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// How long a token lives, in seconds.
const LIFETIME: i64 = 600;

/// The issuer of the organisation's tokens.
pub fn issuer(addresses: &Addresses) -> String {
    format!("https://{}/{}", addresses.pipelines, DEVOPS_ORGANISATION.1)
}

/// The subject of the service connection's tokens.
pub(crate) fn subject() -> String {
    format!("sc://{}/{}/{}", DEVOPS_ORGANISATION.0, DEVOPS_PROJECT.0, DEVOPS_CONNECTION.0)
}

fn path() -> String {
    format!(
        "/{}/{}/_apis/distributedtask/hubs/build/plans/1f2e3d4c-5b6a-4978-8897-a6b5c4d3e2f1/jobs/\
         12f1e2d3-c4b5-4a69-8778-695a4b3c2d1e/oidctoken",
        DEVOPS_ORGANISATION.0, DEVOPS_PROJECT.1
    )
}

pub(super) fn request_uri(addresses: &Addresses) -> String {
    format!("https://{}{}", addresses.pipelines, path())
}

pub(super) fn routes() -> Router<Shared> {
    let issuer = format!("/{}", DEVOPS_ORGANISATION.1);
    Router::new()
        .route(&format!("{issuer}/.well-known/openid-configuration"), get(configuration))
        .route(&format!("{issuer}/.well-known/jwks"), get(keys))
        .route(&path(), post(token))
}

async fn configuration(State(shared): State<Shared>) -> Response {
    let claims = ["sub", "aud", "exp", "iat", "iss", "nbf"];
    Json(shared.addresses().map(|addresses| discovery(&issuer(addresses), &claims))).into_response()
}

async fn keys(State(shared): State<Shared>) -> Response {
    match shared.pipelines.azure_devops.get() {
        Ok(key) => Json(key.key_set()).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn token(State(shared): State<Shared>, request: Request) -> Response {
    if !is(bearer(request.headers()), &shared.pipelines.system_access_token) {
        return unauthenticated(&request);
    }
    let query = Pairs::of(request.uri());
    if query.get("api-version").is_none() {
        return refused(
            StatusCode::BAD_REQUEST,
            "No api-version was supplied for the \"POST\" request. The version must be supplied either as part of the Accept \
             header (e.g. \"application/json; api-version=1.0\") or as a query parameter (e.g. \"?api-version=1.0\").",
            "VssVersionNotSpecifiedException",
        );
    }
    let subject = match query.get("serviceConnectionId") {
        Some(id) if id.eq_ignore_ascii_case(DEVOPS_CONNECTION.1) => subject(),
        Some(id) => {
            let message = format!("No service connection found with identifier {id}.");
            return refused(StatusCode::NOT_FOUND, &message, "ServiceEndpointNotFoundException");
        }
        None => format!("p://{}/{}/ship", DEVOPS_ORGANISATION.0, DEVOPS_PROJECT.0),
    };
    match sign(&shared, &subject) {
        Some(token) => Json(json!({ "oidcToken": token })).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn sign(shared: &Shared, subject: &str) -> Option<String> {
    let now = shared.clock.seconds();
    let claims = json!({
        "jti": random::uuid(),
        "sub": subject,
        "aud": AUDIENCE,
        "iss": issuer(shared.addresses()?),
        "nbf": now,
        "exp": now + LIFETIME,
        "iat": now,
    });
    let token = shared.pipelines.azure_devops.get().ok()?.sign(&claims).ok()?;
    shared.minted.remember(&token);
    Some(token)
}

/// Who shows no good token is sent to a page for people, unless the request says that nobody is there to read it.
fn unauthenticated(request: &Request) -> Response {
    let suppressed = request.headers().get("x-tfs-fedauthredirect").is_some_and(|it| it == "Suppress");
    if suppressed {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let page = "https://spsprodweu1.vssps.visualstudio.com/_signin";
    (StatusCode::FOUND, [(header::LOCATION, page)]).into_response()
}

fn refused(status: StatusCode, message: &str, kind: &str) -> Response {
    let body = json!({
        "$id": "1", "innerException": null, "message": message, "typeKey": kind, "errorCode": 0, "eventId": 3000,
    });
    (status, Json(body)).into_response()
}
