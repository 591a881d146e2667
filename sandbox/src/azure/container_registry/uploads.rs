//! Blob uploads as Azure takes them: whole or in pieces, each piece where the last one ended.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, StatusCode, header};
use serde_json::json;

use super::access::{Action, Visitor};
use super::folder;
use crate::azure::wire::Pairs;
use crate::random;
use crate::registry::error::RegistryError;
use crate::registry::path::is_digest;
use crate::registry::storage::{self, Arrived, WriteError};
use crate::registry::{CONTENT_DIGEST, with_headers};
use crate::world::{Shared, World};

const UPLOAD_ID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// One upload that has begun.
pub(super) struct Upload {
    name: String,
    arrived: Option<Arrived>,
}

/// Takes `/v2/NAME/blobs/uploads/ID` apart.
pub(super) fn parse(path: &str) -> Option<(&str, &str)> {
    let (name, id) = path.strip_prefix("/v2/")?.rsplit_once("/blobs/uploads/")?;
    (!id.is_empty() && !id.contains('/')).then_some((name, id))
}

/// `POST …/blobs/uploads/`: begins an upload, or takes the blob over from another repository.
pub(super) fn begin(
    shared: &Shared,
    visitor: &Visitor,
    name: &str,
    query: &Pairs,
) -> Result<Response, RegistryError> {
    let mut registry = shared.azure.container_registry();
    if let (Some(digest), Some(from)) = (query.get("mount"), query.get("from"))
        && visitor.may(from, Action::Pull)
        && let Some(size) = registry.image(from).and_then(|image| image.blobs.get(digest).copied())
    {
        registry.put_blob(name, digest, size);
        return created(name, digest);
    }
    let id = random::uuid();
    let answer = progress(StatusCode::ACCEPTED, (name, &id), 0);
    registry.uploads.insert(id, Upload { name: name.to_owned(), arrived: None });
    answer
}

/// `PATCH`: the next piece.
pub(super) async fn receive(
    world: &World,
    (name, id): (&str, &str),
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, RegistryError> {
    let (upload, body) = take_in_order(world, (name, id), headers, body).await?;
    let arrived = add(world, upload.arrived, body).await?;
    let size = arrived.size;
    let upload = Upload { name: upload.name, arrived: Some(arrived) };
    world.azure.container_registry().uploads.insert(id.to_owned(), upload);
    progress(StatusCode::ACCEPTED, (name, id), size)
}

/// Takes the upload and the body that goes on where it ended; one that begins elsewhere leaves the upload as it was.
async fn take_in_order(
    world: &World,
    (name, id): (&str, &str),
    headers: &HeaderMap,
    body: Body,
) -> Result<(Upload, Body), RegistryError> {
    let upload = take(world, (name, id))?;
    let have = upload.arrived.as_ref().map_or(0, |arrived| arrived.size);
    let range = headers.get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    let starts = range.and_then(|range| range.split('-').next()?.parse::<u64>().ok());
    if starts.is_none_or(|starts| starts == have) {
        return Ok((upload, body));
    }
    world.azure.container_registry().uploads.insert(id.to_owned(), upload);
    storage::drain(body).await;
    Err(RegistryError::new(StatusCode::RANGE_NOT_SATISFIABLE, "BLOB_UPLOAD_INVALID", "blob upload invalid"))
}

async fn add(world: &World, arrived: Option<Arrived>, body: Body) -> Result<Arrived, RegistryError> {
    let added = match arrived {
        Some(arrived) => arrived.append(body).await,
        None => storage::receive(&folder(world), body).await,
    };
    added.map_err(|error| match error {
        WriteError::Cut => RegistryError::invalid("BLOB_UPLOAD_INVALID", "blob upload invalid"),
        WriteError::Disk(error) => RegistryError::disk(&error),
    })
}

/// `PUT …?digest=`: the end, perhaps with a last piece.
pub(super) async fn finish(
    world: &World,
    (name, id): (&str, &str),
    digest: Option<&str>,
    (headers, body): (&HeaderMap, Body),
) -> Result<Response, RegistryError> {
    let invalid =
        || RegistryError::invalid("DIGEST_INVALID", "provided digest did not match uploaded content");
    let digest = digest.filter(|digest| is_digest(digest)).ok_or_else(invalid)?;
    let (upload, body) = take_in_order(world, (name, id), headers, body).await?;
    let arrived = add(world, upload.arrived, body).await?;
    if arrived.digest() != digest {
        return Err(invalid());
    }
    let size = arrived.size;
    arrived.keep(&folder(world)).await.map_err(|error| RegistryError::disk(&error))?;
    world.azure.container_registry().put_blob(name, digest, size);
    created(name, digest)
}

/// `GET`: how much has arrived.
pub(super) fn status(world: &World, (name, id): (&str, &str)) -> Result<Response, RegistryError> {
    let registry = world.azure.container_registry();
    let upload = registry.uploads.get(id).filter(|upload| upload.name == name).ok_or_else(|| unknown(id))?;
    let size = upload.arrived.as_ref().map_or(0, |arrived| arrived.size);
    progress(StatusCode::NO_CONTENT, (name, id), size)
}

/// `DELETE`: forgets the upload.
pub(super) fn cancel(world: &World, upload: (&str, &str)) -> Result<Response, RegistryError> {
    take(world, upload)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Takes the upload out of the table: a request that dies leaves nothing behind.
fn take(world: &World, (name, id): (&str, &str)) -> Result<Upload, RegistryError> {
    let mut registry = world.azure.container_registry();
    if registry.uploads.get(id).is_none_or(|upload| upload.name != name) {
        return Err(unknown(id));
    }
    registry.uploads.remove(id).ok_or_else(|| unknown(id))
}

fn progress(status: StatusCode, (name, id): (&str, &str), size: u64) -> Result<Response, RegistryError> {
    let location = format!("/v2/{name}/blobs/uploads/{id}?_nouploadcache=false&_state={}", random::secret());
    let range = format!("0-{}", size.saturating_sub(1));
    with_headers(status, &[(header::LOCATION, &location), (header::RANGE, &range), (UPLOAD_ID, id)])
}

fn created(name: &str, digest: &str) -> Result<Response, RegistryError> {
    let location = format!("/v2/{name}/blobs/{digest}");
    with_headers(StatusCode::CREATED, &[(header::LOCATION, &location), (CONTENT_DIGEST, digest)])
}

fn unknown(id: &str) -> RegistryError {
    RegistryError::unknown("BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        .with_detail(json!({ "uuid": id }))
}
