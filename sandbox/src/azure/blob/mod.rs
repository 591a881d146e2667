//! Azure Blob Storage, path style (`/ACCOUNT/CONTAINER/BLOB`): listing and reading, by bearer token and data role or by
//! shared access signature.

mod list;
mod read;
mod refusal;
pub(crate) mod sas;
mod xml;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, header};

use self::refusal::{Refusal, insert};
use super::bearer;
use super::first_party::STORAGE;
use super::roles::{self, Plane};
use super::wire::{Pairs, unescape};
use crate::serve::Expired;
use crate::world::Shared;
use crate::{random, seed};

/// The data action behind every read.
const READ: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
/// The version answered with if the caller names none.
const VERSION: &str = "2026-04-06";

/// The service's routes: blob names hold slashes, no route pattern is needed.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new().fallback(serve).with_state(shared)
}

async fn serve(State(shared): State<Shared>, request: Request) -> Response {
    let version =
        request.headers().get("x-ms-version").and_then(|it| it.to_str().ok()).unwrap_or(VERSION).to_owned();
    let client_request = request.headers().get("x-ms-client-request-id").cloned();
    let mut response =
        answer(&shared, &request).unwrap_or_else(|refusal| refusal.respond(&shared, request.method()));
    let headers = response.headers_mut();
    insert(headers, "x-ms-version", &version);
    if !headers.contains_key("x-ms-request-id") {
        insert(headers, "x-ms-request-id", &random::uuid());
    }
    if let Some(id) = client_request {
        headers.insert("x-ms-client-request-id", id);
    }
    response
}

fn answer(shared: &Shared, request: &Request) -> Result<Response, Refusal> {
    let path = request.uri().path().trim_start_matches('/');
    let (account, rest) = path.split_once('/').unwrap_or((path, ""));
    let (container, blob) = rest.split_once('/').unwrap_or((rest, ""));
    let (container, blob) = (unescape(container), unescape(blob));
    let place = (account, container.as_str());
    if account == seed::STORAGE_ACCOUNT && shared.azure.is_storage_closed() {
        return Err(Refusal::NETWORK);
    }
    let query = Pairs::of(request.uri());
    if account == seed::STORAGE_ACCOUNT
        && shared.azure.models().keys_are_off
        && comes_with_a_key(request, &query)
    {
        return Err(Refusal::KEYS_ARE_OFF);
    }
    if !request.headers().contains_key(header::AUTHORIZATION) && query.get("sig").is_some() {
        let needed = if blob.is_empty() { 'l' } else { 'r' };
        let aged = request.extensions().get::<Expired>().is_some();
        sas::check(shared, place, &query, needed, aged)?;
    } else {
        admit(shared, request, place)?;
    }
    let blobs = |name: &str| Some(shared.azure.models().container(account, &container)?.get(name).cloned());
    match (request.method(), blob.as_str()) {
        (&Method::GET, "") if query.get("comp") == Some("list") => list::list(shared, place, &query),
        (method @ (&Method::GET | &Method::HEAD), name) if !name.is_empty() => {
            let blob = blobs(name).ok_or(Refusal::CONTAINER_NOT_FOUND)?;
            read::read(&blob.ok_or(Refusal::BLOB_NOT_FOUND)?, method, request.headers())
        }
        (&Method::GET | &Method::HEAD, _) => Err(Refusal::QUERY),
        _ => Err(Refusal::METHOD),
    }
}

/// Whether a request is signed with the account's key, or shows a signature that is made with it.
fn comes_with_a_key(request: &Request, query: &Pairs) -> bool {
    let header = request.headers().get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    header.map_or(query.get("sig").is_some(), |header| header.starts_with("SharedKey"))
}

/// Admits the bearer of a token whose data role reaches the container.
fn admit(shared: &Shared, request: &Request, (account, container): (&str, &str)) -> Result<(), Refusal> {
    let caller = bearer::caller(shared, &STORAGE, request.headers(), request.extensions())
        .map_err(|why| Refusal::unauthenticated(&why))?;
    // The registry's account is Azure ML's own: no assignment of this subscription reaches it.
    let scope = match account {
        seed::STORAGE_ACCOUNT => scope(container),
        seed::ML_REGISTRY_ACCOUNT => return Err(Refusal::DENIED),
        _ => return Err(Refusal::RESOURCE_NOT_FOUND),
    };
    let assignments = shared.azure.assignments();
    if roles::grounds(&assignments, &caller.principals, Plane::Data, READ, &scope).is_empty() {
        return Err(Refusal::DENIED);
    }
    drop(assignments);
    let known = shared.azure.models().container(account, container).is_some();
    if known { Ok(()) } else { Err(Refusal::CONTAINER_NOT_FOUND) }
}

/// The ARM scope of a container of the seeded account.
fn scope(container: &str) -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Storage/storageAccounts/{}/blobServices/default/\
         containers/{container}",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::STORAGE_ACCOUNT
    )
}
