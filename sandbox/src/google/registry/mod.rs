//! The image registry, `LOCATION-docker.pkg.dev`: OCI distribution as Artifact Registry speaks it.

mod access;
mod blobs;
mod error;
mod manifests;
mod name;
mod storage;
#[cfg(test)]
mod tests;
mod uploads;

use std::collections::HashMap;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::json;

pub(crate) use storage::remove as remove_blobs;
pub(crate) use uploads::Uploads;

use self::access::{Action, visitor};
use self::error::RegistryError;
pub(crate) use self::name::ImageName;
use self::name::{Part, is_digest, reads};
use crate::world::{Shared, World};

/// Larger manifests are refused.
const LARGEST_MANIFEST: usize = 4 << 20;

/// The registry's routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new().fallback(respond).with_state(shared)
}

async fn respond(State(world): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let mut response = answer(&world, &parts, body).await.unwrap_or_else(RegistryError::into_response);
    let version = HeaderName::from_static("docker-distribution-api-version");
    response.headers_mut().insert(version, HeaderValue::from_static("registry/2.0"));
    response
}

async fn answer(world: &World, parts: &Parts, body: Body) -> Result<Response, RegistryError> {
    match parts.uri.path() {
        "/v2/" | "/v2" if reads(&parts.method) => {
            visitor(world, parts, None)?;
            Ok(Json(json!({})).into_response())
        }
        "/v2/token" if parts.method == Method::GET => {
            Ok(Json(access::give_token(world, parts)?).into_response())
        }
        "/v2/token" => Err(RegistryError::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "expected GET")),
        path if path.starts_with("/artifacts-uploads/") => upload(world, parts, body).await,
        path => {
            let (name, part) = name::parse(path).ok_or_else(not_found)?;
            image(world, parts, (ImageName::parse(name)?, part), body).await
        }
    }
}

/// Everything below `/v2/NAME/`.
async fn image(
    world: &World,
    parts: &Parts,
    (name, part): (ImageName, Part),
    body: Body,
) -> Result<Response, RegistryError> {
    let action = action(&parts.method, &part);
    let visitor = visitor(world, parts, Some((&name, action)))?;
    visitor.permit(world, &name, action)?;
    let reads = reads(&parts.method);
    match (part, &parts.method) {
        (Part::Uploads, &Method::POST) => uploads::begin(world, &visitor, name, &query(parts)),
        (Part::Blob(digest), method) if reads => {
            blobs::read(world, &name, &digest, (method, &parts.headers)).await
        }
        (Part::Manifest(reference), method) if reads => manifests::read(world, &name, &reference, method),
        (Part::Manifest(reference), &Method::PUT) => {
            let bytes = to_bytes(body, LARGEST_MANIFEST).await.map_err(|_| {
                RegistryError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "MANIFEST_INVALID",
                    "manifest is larger than 4 MiB",
                )
            })?;
            manifests::put(world, &name, &reference, (&parts.headers, bytes))
        }
        (Part::Manifest(reference), &Method::DELETE) => manifests::delete(world, &name, &reference),
        (Part::Tags, _) if reads => manifests::tags(world, &name, &query(parts)),
        _ => Err(RegistryError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "UNSUPPORTED",
            "the operation is unsupported",
        )),
    }
}

fn action(method: &Method, part: &Part) -> Action {
    match (part, method) {
        (_, method) if reads(method) => Action::Pull,
        (Part::Manifest(reference), &Method::DELETE) if is_digest(reference) => Action::DeleteVersion,
        (_, &Method::DELETE) => Action::DeleteTag,
        _ => Action::Push,
    }
}

/// Everything that happens to an upload once it has a location.
async fn upload(world: &World, parts: &Parts, body: Body) -> Result<Response, RegistryError> {
    let id = parts.uri.path().rsplit('/').next().unwrap_or_default();
    if let Err(refusal) = admit_upload(world, parts, id) {
        // A client that is still sending would see a broken connection in the answer's place.
        storage::drain(body).await;
        return Err(refusal);
    }
    match parts.method {
        Method::PATCH => uploads::receive(world, id, parts.headers.get(header::CONTENT_RANGE), body).await,
        Method::PUT => uploads::finish(world, id, query(parts).get("digest"), body).await,
        Method::GET => uploads::status(world, id),
        Method::DELETE => uploads::cancel(world, id),
        _ => Err(RegistryError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "UNSUPPORTED",
            "the operation is unsupported",
        )),
    }
}

fn admit_upload(world: &World, parts: &Parts, id: &str) -> Result<(), RegistryError> {
    let name = uploads::target(world, id);
    let wanted = name.as_ref().ok().map(|name| (name, Action::Push));
    let visitor = visitor(world, parts, wanted)?;
    visitor.permit(world, &name?, Action::Push)
}

fn query(parts: &Parts) -> HashMap<String, String> {
    url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

fn not_found() -> RegistryError {
    RegistryError::unknown("UNSUPPORTED", "page not found")
}
