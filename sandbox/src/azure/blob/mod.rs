//! Azure Blob Storage, path style (`/ACCOUNT/CONTAINER/BLOB`): listing and reading, by bearer token and data role.

mod list;
mod read;
mod refusal;
mod xml;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use http::Method;

use self::refusal::{Refusal, insert};
use super::bearer;
use super::first_party::STORAGE;
use super::roles::{self, Plane};
use super::wire::{Pairs, unescape};
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
    let caller = bearer::caller(shared, &STORAGE, request.headers(), request.extensions())
        .map_err(|why| Refusal::unauthenticated(&why))?;
    let path = request.uri().path().trim_start_matches('/');
    let (account, rest) = path.split_once('/').unwrap_or((path, ""));
    let (container, blob) = rest.split_once('/').unwrap_or((rest, ""));
    if account != seed::STORAGE_ACCOUNT {
        return Err(Refusal::RESOURCE_NOT_FOUND);
    }
    let (container, blob) = (unescape(container), unescape(blob));
    let assignments = shared.azure.assignments();
    let scope = scope(&container);
    if roles::grounds(&assignments, &caller.principals, Plane::Data, READ, &scope).is_empty() {
        return Err(Refusal::DENIED);
    }
    if container != seed::CONTAINER {
        return Err(Refusal::CONTAINER_NOT_FOUND);
    }
    let query = Pairs::of(request.uri());
    match (request.method(), blob.as_str()) {
        (&Method::GET, "") if query.get("comp") == Some("list") => list::list(shared, &query),
        (method @ (&Method::GET | &Method::HEAD), name) if !name.is_empty() => {
            let blob = shared.azure.models().blobs.get(name).cloned();
            read::read(&blob.ok_or(Refusal::BLOB_NOT_FOUND)?, method, request.headers())
        }
        (&Method::GET | &Method::HEAD, _) => Err(Refusal::QUERY),
        _ => Err(Refusal::METHOD),
    }
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
