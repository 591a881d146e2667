//! Tokens of managed identities, as their host hands them out: the instance metadata service of a virtual machine, App
//! Service's endpoint, and that of an Azure ML job. A token lives for a day and is handed out again until shortly before
//! its end, so that a change of roles or groups is not seen before.

mod host;
mod refusal;

use axum::Json;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use serde_json::{Value, json};

pub use host::Host;

use self::host::{Kept, Wanted};
use self::refusal::Refusal;
use super::directory::ManagedIdentity;
use super::entra;
use super::wire::Pairs;
use crate::world::Shared;

/// Versions of the instance metadata service, newest first.
const VERSIONS: [&str; 4] = ["2021-02-01", "2019-08-01", "2018-10-01", "2018-02-01"];
/// How long before its end a kept token is replaced, in seconds.
const NEAR_THE_END: i64 = 30 * 60;

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    shared.minted.remember(&shared.azure.host().secret);
    Router::new()
        .route("/metadata/identity/oauth2/token", get(instance))
        .route("/msi/token", get(app_service))
        .route("/v1/token/msi/xds", get(machine_learning))
        .with_state(shared)
}

/// What a request gets, before it is shaped.
struct Answer {
    identity: ManagedIdentity,
    resource: String,
    kept: Kept,
}

async fn instance(State(shared): State<Shared>, request: Request) -> Response {
    let query = Pairs::of(request.uri());
    match instance_answer(&shared, request.headers(), &query) {
        Ok(answer) => {
            let left = answer.kept.expires - shared.clock.seconds();
            Json(json!({
                "access_token": answer.kept.token,
                "client_id": answer.identity.client_id,
                "expires_in": left.to_string(),
                "expires_on": answer.kept.expires.to_string(),
                "ext_expires_in": left.to_string(),
                "not_before": answer.kept.begins.to_string(),
                "resource": answer.resource,
                "token_type": "Bearer",
            }))
            .into_response()
        }
        Err(refusal) => refusal.oauth(&shared),
    }
}

fn instance_answer(shared: &Shared, headers: &HeaderMap, query: &Pairs) -> Result<Answer, Refusal> {
    let metadata = headers.get("metadata").and_then(|it| it.to_str().ok()).unwrap_or_default();
    if !metadata.eq_ignore_ascii_case("true") || headers.contains_key("x-forwarded-for") {
        return Err(Refusal::Header);
    }
    let version = query.get("api-version").ok_or(Refusal::Missing("api-version"))?;
    if !VERSIONS.contains(&version) {
        return Err(Refusal::Version);
    }
    let resource_id = query.get("msi_res_id").or_else(|| query.get("mi_res_id"));
    let wanted = wanted(query.get("client_id"), query.get("object_id"), resource_id);
    answer(shared, query, &wanted)
}

async fn app_service(State(shared): State<Shared>, request: Request) -> Response {
    let query = Pairs::of(request.uri());
    match guarded(&shared, &request, &query, "x-identity-header", "2019-08-01") {
        Ok(()) => {}
        Err(refusal) => return refusal.app_service(&shared),
    }
    let resource_id = query.get("mi_res_id");
    let wanted = wanted(query.get("client_id"), query.get("principal_id"), resource_id);
    match answer(&shared, &query, &wanted) {
        Ok(answer) => Json(short(&answer)).into_response(),
        Err(refusal) => refusal.app_service(&shared),
    }
}

/// The form of 2017: another header and another parameter.
async fn machine_learning(State(shared): State<Shared>, request: Request) -> Response {
    let query = Pairs::of(request.uri());
    match guarded(&shared, &request, &query, "secret", "2017-09-01") {
        Ok(()) => {}
        Err(refusal) => return refusal.machine_learning(&shared),
    }
    let wanted = wanted(query.get("clientid"), None, None);
    match answer(&shared, &query, &wanted) {
        Ok(answer) => Json(short(&answer)).into_response(),
        Err(refusal) => refusal.machine_learning(&shared),
    }
}

fn guarded(
    shared: &Shared,
    request: &Request,
    query: &Pairs,
    header: &str,
    version: &str,
) -> Result<(), Refusal> {
    let shown = request.headers().get(header).map(http::HeaderValue::as_bytes).unwrap_or_default();
    let secret = shared.azure.host().secret.clone();
    if aws_lc_rs::constant_time::verify_slices_are_equal(shown, secret.as_bytes()).is_err() {
        return Err(Refusal::Secret);
    }
    match query.get("api-version") {
        None => Err(Refusal::Missing("api-version")),
        Some(asked) if asked == version => Ok(()),
        Some(_) => Err(Refusal::Version),
    }
}

fn short(answer: &Answer) -> Value {
    json!({
        "access_token": answer.kept.token,
        "client_id": answer.identity.client_id,
        "expires_on": answer.kept.expires.to_string(),
        "resource": answer.resource,
        "token_type": "Bearer",
    })
}

fn wanted<'a>(
    client_id: Option<&'a str>,
    object_id: Option<&'a str>,
    resource_id: Option<&'a str>,
) -> Wanted<'a> {
    match (client_id, object_id, resource_id) {
        (Some(id), ..) => Wanted::ClientId(id),
        (_, Some(id), _) => Wanted::ObjectId(id),
        (_, _, Some(id)) => Wanted::ResourceId(id),
        _ => Wanted::Any,
    }
}

fn answer(shared: &Shared, query: &Pairs, wanted: &Wanted<'_>) -> Result<Answer, Refusal> {
    let resource =
        query.get("resource").filter(|it| !it.is_empty()).ok_or(Refusal::Missing("resource"))?.to_owned();
    let identity = {
        let directory = shared.azure.directory();
        shared.azure.host().choose(&directory, wanted).map_err(Refusal::Identity)?
    };
    let kept = kept(shared, &identity, &resource)?;
    Ok(Answer { identity, resource, kept })
}

/// The token that is kept for identity and resource, or a new one.
fn kept(shared: &Shared, identity: &ManagedIdentity, resource: &str) -> Result<Kept, Refusal> {
    let key = (identity.client_id.clone(), resource.to_owned());
    let fresh_until = shared.clock.seconds() + NEAR_THE_END;
    if let Some(kept) = shared.azure.host().kept.get(&key).filter(|kept| kept.expires > fresh_until) {
        return Ok(kept.clone());
    }
    let minted = entra::managed_identity(shared, &identity.client_id, resource).map_err(Refusal::Entra)?;
    let begins = minted.begins;
    let kept = Kept { token: minted.token().to_owned(), begins, expires: minted.expires };
    shared.azure.host().kept.insert(key, kept.clone());
    Ok(kept)
}
