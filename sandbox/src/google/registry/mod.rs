//! The image registry, `LOCATION-docker.pkg.dev`: OCI distribution as Artifact Registry speaks it.

mod access;
mod name;
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

pub(crate) use uploads::Uploads;

use self::access::{Action, visitor};
pub(crate) use self::name::ImageName;
use crate::registry::error::RegistryError;
use crate::registry::manifests::Named;
use crate::registry::path::{self, Part, is_digest, reads};
use crate::registry::{LARGEST_MANIFEST, Words, blobs, manifests, referrers, storage};
use crate::world::{Shared, World};

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
        other => {
            let (name, part) = path::parse(other).ok_or_else(not_found)?;
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
        (Part::Uploads, &Method::POST) => {
            // A body left unread would cost the client its connection, and what it sends next.
            storage::drain(body).await;
            uploads::begin(world, &visitor, name, &query(parts))
        }
        (Part::Blob(digest), method) if reads => {
            let known = world.google.resources().image(&name).and_then(|it| it.blobs.get(&digest).copied());
            blobs::read((&world.folder, Words::Google), known, &digest, (method, &parts.headers)).await
        }
        (Part::Manifest(reference), method) if reads => {
            let resources = world.google.resources();
            manifests::read(resources.image(&name), Words::Google, &reference, method)
        }
        (Part::Manifest(reference), &Method::PUT) => {
            let bytes = to_bytes(body, LARGEST_MANIFEST).await.map_err(|_| {
                RegistryError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "MANIFEST_INVALID",
                    "manifest is larger than 4 MiB",
                )
            })?;
            let named = Named { path: &name.path(), words: Words::Google };
            let mut resources = world.google.resources();
            let image = resources.image_mut(&name);
            manifests::put(image, &named, &reference, (&parts.headers, bytes), world.clock.now())
        }
        (Part::Referrers(subject), _) if reads && is_digest(&subject) => {
            Ok(referrers::list(world.google.resources().image(&name), &subject, &query(parts)))
        }
        (Part::Manifest(reference), &Method::DELETE) => delete(world, &name, &reference),
        (Part::Tags, _) if reads => {
            let resources = world.google.resources();
            let image = resources.image(&name).filter(|image| !image.manifests.is_empty());
            let unknown =
                || RegistryError::unknown("NAME_UNKNOWN", format!("Image \"{}\" not found", name.image));
            Ok(manifests::tags(image.ok_or_else(unknown)?, &name.path(), &query(parts)))
        }
        _ => Err(RegistryError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "UNSUPPORTED",
            "the operation is unsupported",
        )),
    }
}

/// `DELETE …/manifests/REFERENCE`: a tag, or a version that no tag names.
fn delete(world: &World, name: &ImageName, reference: &str) -> Result<Response, RegistryError> {
    let unknown = || RegistryError::manifest_unknown(Words::Google, reference);
    let mut resources = world.google.resources();
    let image = resources.image_mut(name).ok_or_else(unknown)?;
    if is_digest(reference) {
        if let Some((tag, _)) = image.tags.iter().find(|(_, digest)| *digest == reference) {
            let message = format!("Manifest is still referenced by tag: {tag}");
            return Err(RegistryError::invalid("GOOGLE_MANIFEST_DANGLING_TAG", message));
        }
        image.manifests.remove(reference).ok_or_else(unknown)?;
    } else {
        image.tags.remove(reference).ok_or_else(unknown)?;
    }
    Ok(StatusCode::ACCEPTED.into_response())
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
