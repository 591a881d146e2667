//! An Azure container registry, `quayacr.azurecr.io`: OCI distribution as Azure speaks it, with its own tokens for Entra's
//! (Azure/acr `docs/AAD-OAuth.md`). Rights are Azure role assignments on the registry.

mod access;
mod contents;
mod metadata;
mod seeded;
mod tokens;
mod uploads;

use std::collections::HashMap;
use std::path::PathBuf;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use serde_json::json;

use self::access::{Action, visitor};
pub(crate) use self::contents::ContainerRegistry;
pub(crate) use self::seeded::put_packaged;
use super::wire::{Pairs, insert_header};
use crate::registry::error::RegistryError;
use crate::registry::manifests::Named;
use crate::registry::path::{self, Part, is_component, is_digest, reads};
use crate::registry::{LARGEST_MANIFEST, Words, blobs, manifests, referrers, storage};
use crate::world::{Shared, World};
use crate::{random, seed};

/// A token request's form is no larger.
const LARGEST_FORM: usize = 64 << 10;

/// The registry's routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new().fallback(respond).with_state(shared)
}

/// The registry's ARM id: the scope that role assignments are looked up at.
pub(crate) fn scope() -> String {
    format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ContainerRegistry/registries/{}",
        seed::SUBSCRIPTION,
        seed::RESOURCE_GROUP,
        seed::CONTAINER_REGISTRY
    )
}

/// Where the registry keeps its blobs.
fn folder(world: &World) -> PathBuf {
    world.folder.join("container-registry")
}

async fn respond(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = answer(&shared, &parts, body).await.unwrap_or_else(RegistryError::into_response);
    let version = HeaderName::from_static("docker-distribution-api-version");
    response.headers_mut().insert(version, HeaderValue::from_static("registry/2.0"));
    insert_header(&mut response, "x-ms-correlation-request-id", &random::uuid());
    response
}

async fn answer(shared: &Shared, parts: &Parts, body: Body) -> Result<Response, RegistryError> {
    // Some clients write the slashes of a repository's name as `%2F`.
    let path = path::decode(parts.uri.path());
    match path.as_str() {
        "/v2/" | "/v2" if reads(&parts.method) => {
            visitor(shared, parts, None)?;
            Ok(Json(json!({})).into_response())
        }
        "/v2/_catalog" if reads(&parts.method) => {
            visitor(shared, parts, Some(("catalog", Action::Catalog)))?;
            Ok(metadata::catalog(shared, parts))
        }
        "/oauth2/exchange" if parts.method == Method::POST => {
            Ok(Json(tokens::exchange(shared, parts, &form(body).await?)?).into_response())
        }
        "/oauth2/token" if parts.method == Method::POST => {
            Ok(Json(tokens::by_form(shared, parts, &form(body).await?)?).into_response())
        }
        "/oauth2/token" if parts.method == Method::GET => {
            Ok(Json(tokens::by_header(shared, parts)?).into_response())
        }
        other => {
            if let Some(rest) = other.strip_prefix("/acr/v1/") {
                return metadata::answer(shared, parts, rest);
            }
            if let Some(upload) = uploads::parse(other) {
                return self::upload(shared, parts, upload, body).await;
            }
            let (name, part) = path::parse(other).ok_or_else(not_found)?;
            image(shared, parts, (name, part), body).await
        }
    }
}

async fn form(body: Body) -> Result<Vec<u8>, RegistryError> {
    let bytes = to_bytes(body, LARGEST_FORM).await;
    bytes.map(|bytes| bytes.to_vec()).map_err(|_| tokens::unauthorized())
}

/// Everything below `/v2/NAME/` but uploads under way.
async fn image(
    shared: &Shared,
    parts: &Parts,
    (name, part): (&str, Part),
    body: Body,
) -> Result<Response, RegistryError> {
    check_name(name)?;
    let visitor = visitor(shared, parts, Some((name, action(&parts.method))))?;
    let reads = reads(&parts.method);
    let registry = || shared.azure.container_registry();
    match (part, &parts.method) {
        (Part::Uploads, &Method::POST) => {
            // A body left unread would cost the client its connection, and what it sends next.
            storage::drain(body).await;
            uploads::begin(shared, &visitor, name, &Pairs::of(&parts.uri))
        }
        (Part::Blob(digest), method) if reads => {
            let known = registry().image(name).and_then(|image| image.blobs.get(&digest).copied());
            blobs::read((&folder(shared), Words::Azure), known, &digest, (method, &parts.headers)).await
        }
        (Part::Manifest(reference), method) if reads => {
            manifests::read(registry().image(name), Words::Azure, &reference, method)
        }
        (Part::Manifest(reference), &Method::PUT) => {
            let bytes = to_bytes(body, LARGEST_MANIFEST).await.map_err(|_| too_large())?;
            let named = Named { path: name, words: Words::Azure };
            let now = shared.clock.now();
            manifests::put(registry().image_mut(name), &named, &reference, (&parts.headers, bytes), now)
        }
        (Part::Referrers(subject), _) if reads && is_digest(&subject) => {
            Ok(referrers::list(registry().image(name), &subject, &query(parts)))
        }
        (Part::Manifest(reference), &Method::DELETE) if is_digest(&reference) => {
            registry().delete(name, &reference)?;
            Ok(StatusCode::ACCEPTED.into_response())
        }
        (Part::Tags, _) if reads => {
            let registry = registry();
            let image = registry.image(name).filter(|image| !image.manifests.is_empty());
            let image = image.ok_or_else(|| name_unknown(name))?;
            Ok(manifests::tags(image, name, &query(parts)))
        }
        _ => Err(unsupported()),
    }
}

async fn upload(
    shared: &Shared,
    parts: &Parts,
    (name, id): (&str, &str),
    body: Body,
) -> Result<Response, RegistryError> {
    if let Err(refusal) = visitor(shared, parts, Some((name, Action::Push))) {
        // A client that is still sending would see a broken connection in the answer's place.
        storage::drain(body).await;
        return Err(refusal);
    }
    match parts.method {
        Method::PATCH => uploads::receive(shared, (name, id), &parts.headers, body).await,
        Method::PUT => {
            let query = Pairs::of(&parts.uri);
            uploads::finish(shared, (name, id), query.get("digest"), (&parts.headers, body)).await
        }
        Method::GET => uploads::status(shared, (name, id)),
        Method::DELETE => uploads::cancel(shared, (name, id)),
        _ => Err(unsupported()),
    }
}

fn query(parts: &Parts) -> HashMap<String, String> {
    url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn action(method: &Method) -> Action {
    match *method {
        Method::GET | Method::HEAD => Action::Pull,
        Method::DELETE => Action::Delete,
        _ => Action::Push,
    }
}

fn check_name(name: &str) -> Result<(), RegistryError> {
    if name.split('/').all(is_component) {
        return Ok(());
    }
    Err(RegistryError::invalid("NAME_INVALID", "invalid repository name"))
}

fn too_large() -> RegistryError {
    RegistryError::new(StatusCode::PAYLOAD_TOO_LARGE, "MANIFEST_INVALID", "manifest is larger than 4 MiB")
}

/// The words of `Azure/acr#79`.
fn name_unknown(name: &str) -> RegistryError {
    RegistryError::unknown("NAME_UNKNOWN", "repository name not known to registry")
        .with_detail(json!({ "name": name }))
}

fn unsupported() -> RegistryError {
    RegistryError::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "The operation is unsupported.")
}

/// A wrong method on `/oauth2/exchange` is a wrong path (`Azure/acr#166`).
fn not_found() -> RegistryError {
    RegistryError::unknown("NOT_FOUND", "404 page not found")
}
