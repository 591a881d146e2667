//! Blob uploads as Artifact Registry takes them: one body, by PATCH and then PUT, or by PUT alone. A second PATCH is
//! refused, and an upload that broke off is gone.

use std::collections::HashMap;

use axum::body::{Body, HttpBody as _};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use super::access::{Action, Visitor};
use super::name::ImageName;
use crate::random;
use crate::registry::error::RegistryError;
use crate::registry::path::is_digest;
use crate::registry::storage::{self, Arrived, WriteError};
use crate::registry::{CONTENT_DIGEST, with_headers};
use crate::world::World;

/// One upload that has begun.
pub(crate) struct Upload {
    name: ImageName,
    arrived: Option<Arrived>,
}

/// The uploads that wait for a request.
pub(crate) type Uploads = HashMap<String, Upload>;

/// `POST …/blobs/uploads/`: begins an upload, or takes the blob over from another image of the registry.
pub(crate) fn begin(
    world: &World,
    visitor: &Visitor,
    name: ImageName,
    query: &HashMap<String, String>,
) -> Result<Response, RegistryError> {
    if let (Some(digest), Some(from)) = (query.get("mount"), query.get("from"))
        && mount(world, visitor, &name, digest, from)
    {
        return created(&name, digest);
    }
    let id = random::uuid();
    let location = location(&name, &id);
    world.google.uploads().insert(id, Upload { name, arrived: None });
    accepted(&location, 0)
}

/// Whether `digest` could be had from `from`; anything that stands in the way just means an upload.
fn mount(world: &World, visitor: &Visitor, name: &ImageName, digest: &str, from: &str) -> bool {
    let Ok(source) = ImageName::parse(from) else { return false };
    if visitor.permit(world, &source, Action::Pull).is_err() {
        return false;
    }
    let mut resources = world.google.resources();
    let size = resources.image(&source).and_then(|image| image.blobs.get(digest).copied());
    size.is_some_and(|size| resources.put_blob(name, digest, size))
}

/// The image that upload `id` goes to.
pub(crate) fn target(world: &World, id: &str) -> Result<ImageName, RegistryError> {
    world.google.uploads().get(id).map(|upload| upload.name.clone()).ok_or_else(unknown)
}

/// `PATCH`: the one body.
pub(crate) async fn receive(
    world: &World,
    id: &str,
    range: Option<&HeaderValue>,
    body: Body,
) -> Result<Response, RegistryError> {
    let upload = take(world, id)?;
    let starts_later = range.is_some_and(|range| !range.as_bytes().starts_with(b"0-"));
    if upload.arrived.is_some() || starts_later {
        world.google.uploads().insert(id.to_owned(), upload);
        storage::drain(body).await;
        return Err(chunked());
    }
    let arrived = storage::receive(&world.folder, body).await.map_err(broken)?;
    let (size, location) = (arrived.size, location(&upload.name, id));
    world.google.uploads().insert(id.to_owned(), Upload { arrived: Some(arrived), ..upload });
    accepted(&location, size)
}

/// `PUT …?digest=`: the end, with the body unless that has arrived already.
pub(crate) async fn finish(
    world: &World,
    id: &str,
    digest: Option<&String>,
    body: Body,
) -> Result<Response, RegistryError> {
    let Some(digest) = digest.filter(|digest| is_digest(digest)) else {
        return Err(RegistryError::invalid("DIGEST_INVALID", "expected ?digest=sha256:…"));
    };
    let Upload { name, arrived } = take(world, id)?;
    let arrived = match arrived {
        None => storage::receive(&world.folder, body).await.map_err(broken)?,
        Some(arrived) if body.is_end_stream() => arrived,
        Some(_) => return Err(chunked()),
    };
    if arrived.digest() != *digest {
        let message = format!("provided digest {digest} did not match uploaded content {}", arrived.digest());
        return Err(RegistryError::invalid("DIGEST_INVALID", message));
    }
    // Known first, there second: a repository that is deleted meanwhile must not take the file with it.
    if !world.google.resources().put_blob(&name, digest, arrived.size) {
        let message = format!("Repository \"{}\" not found", name.repository);
        return Err(RegistryError::unknown("NAME_UNKNOWN", message));
    }
    arrived.keep(&world.folder).await.map_err(|error| RegistryError::disk(&error))?;
    created(&name, digest)
}

/// `GET`: how much has arrived.
pub(crate) fn status(world: &World, id: &str) -> Result<Response, RegistryError> {
    let uploads = world.google.uploads();
    let upload = uploads.get(id).ok_or_else(unknown)?;
    let size = upload.arrived.as_ref().map_or(0, |arrived| arrived.size);
    progress(StatusCode::NO_CONTENT, &location(&upload.name, id), size)
}

/// `DELETE`: forgets the upload.
pub(crate) fn cancel(world: &World, id: &str) -> Result<Response, RegistryError> {
    take(world, id)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Takes the upload out of the table: a request that dies leaves nothing behind.
fn take(world: &World, id: &str) -> Result<Upload, RegistryError> {
    world.google.uploads().remove(id).ok_or_else(unknown)
}

fn location(name: &ImageName, id: &str) -> String {
    format!("/artifacts-uploads/namespaces/{}/repositories/{}/uploads/{id}", name.project, name.repository)
}

fn accepted(location: &str, size: u64) -> Result<Response, RegistryError> {
    progress(StatusCode::ACCEPTED, location, size)
}

fn progress(status: StatusCode, location: &str, size: u64) -> Result<Response, RegistryError> {
    let range = format!("0-{}", size.saturating_sub(1));
    with_headers(status, &[(header::LOCATION, location), (header::RANGE, &range)])
}

fn created(name: &ImageName, digest: &str) -> Result<Response, RegistryError> {
    let location = format!("/v2/{}/blobs/{digest}", name.path());
    with_headers(StatusCode::CREATED, &[(header::LOCATION, &location), (CONTENT_DIGEST, digest)])
}

fn unknown() -> RegistryError {
    RegistryError::unknown("BLOB_UPLOAD_UNKNOWN", "Upload not found")
}

fn chunked() -> RegistryError {
    RegistryError::invalid("UNSUPPORTED", "Chunked uploads are not supported, send the blob in one request")
}

fn broken(error: WriteError) -> RegistryError {
    match error {
        WriteError::Cut => RegistryError::invalid("BLOB_UPLOAD_INVALID", "The upload broke off"),
        WriteError::Disk(error) => RegistryError::disk(&error),
    }
}
