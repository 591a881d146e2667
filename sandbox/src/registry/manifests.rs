//! Manifests and tags: what makes blobs an image.

use std::collections::HashMap;

use axum::body::Bytes;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, body::Body};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::error::RegistryError;
use super::image::{Image, Manifest};
use super::path::is_tag;
use super::referrers::SUBJECT;
use super::{CONTENT_DIGEST, Words, storage, with_headers};

/// Which image, by its path, and whose words refusals have.
pub(crate) struct Named<'a> {
    /// The name as it stands in paths.
    pub(crate) path: &'a str,
    /// Whose words.
    pub(crate) words: Words,
}

const IMAGE_TYPES: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];
const INDEX_TYPES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// The parts of a manifest or index that refer to something.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema_version: u32,
    media_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
    /// Need not be there, or not yet.
    subject: Option<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    size: u64,
    /// Foreign layers lie elsewhere.
    #[serde(default)]
    urls: Vec<String>,
}

/// `PUT …/manifests/REFERENCE`. `image` is what was pushed under this name so far.
pub(crate) fn put(
    image: Option<&mut Image>,
    name: &Named<'_>,
    reference: &str,
    (headers, bytes): (&HeaderMap, Bytes),
    now: Timestamp,
) -> Result<Response, RegistryError> {
    let document: Document = serde_json::from_slice(&bytes).map_err(|error| {
        RegistryError::invalid("MANIFEST_INVALID", format!("Failed to parse manifest: {error}"))
    })?;
    let media_type = media_type(headers, &document)?;
    let digest = storage::digest(&bytes);
    if !is_tag(reference) && reference != digest {
        let message = format!("manifest digest \"{digest}\" does not match reference \"{reference}\"");
        return Err(RegistryError::invalid("DIGEST_INVALID", message));
    }
    let Some(image) = image else {
        let digest = document.config.as_ref().map_or("", |config| config.digest.as_str());
        return Err(RegistryError::manifest_blob_unknown(name.words, digest));
    };
    require_parts(image, &document, name.words)?;
    let size = document.config.iter().chain(&document.layers).map(|part| part.size).sum::<u64>()
        + bytes.len() as u64;
    image.manifests.entry(digest.clone()).or_insert(Manifest {
        media_type,
        bytes,
        size,
        uploaded: now,
        updated: now,
    });
    if is_tag(reference) {
        image.tag(reference, &digest, now);
    }
    let location = format!("/v2/{}/manifests/{digest}", name.path);
    let mut headers = vec![(header::LOCATION, location.as_str()), (CONTENT_DIGEST, &digest)];
    headers.extend(document.subject.iter().map(|subject| (SUBJECT, subject.digest.as_str())));
    with_headers(StatusCode::CREATED, &headers)
}

/// Everything that a manifest refers to must have been pushed before.
fn require_parts(image: &Image, document: &Document, words: Words) -> Result<(), RegistryError> {
    let pushed = document.config.iter().chain(&document.layers).filter(|part| part.urls.is_empty());
    for part in pushed {
        match image.blobs.get(&part.digest) {
            None => return Err(RegistryError::manifest_blob_unknown(words, &part.digest)),
            Some(size) if *size != part.size => {
                let message =
                    format!("blob {} has {size} bytes, its descriptor says {}", part.digest, part.size);
                return Err(RegistryError::invalid("MANIFEST_INVALID", message));
            }
            Some(_) => {}
        }
    }
    match document.manifests.iter().find(|part| !image.manifests.contains_key(&part.digest)) {
        Some(part) => Err(RegistryError::manifest_blob_unknown(words, &part.digest)),
        None => Ok(()),
    }
}

/// The media type, which header and document must agree on.
fn media_type(headers: &HeaderMap, document: &Document) -> Result<String, RegistryError> {
    let header = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let header = header.map(|value| value.split(';').next().unwrap_or_default().trim());
    let found = document.media_type.as_deref().or(header).unwrap_or_default();
    let invalid = |message: String| Err(RegistryError::invalid("MANIFEST_INVALID", message));
    if header.is_some_and(|header| header != found) {
        return invalid(format!("Content-Type does not match the manifest's mediaType \"{found}\""));
    }
    let whole = document.config.is_some() && document.manifests.is_empty();
    let fits = (IMAGE_TYPES.contains(&found) && whole)
        || (INDEX_TYPES.contains(&found) && document.config.is_none());
    if !fits || document.schema_version != 2 {
        return invalid(format!("Unsupported manifest type \"{found}\""));
    }
    Ok(found.to_owned())
}

/// `GET` and `HEAD …/manifests/REFERENCE`.
pub(crate) fn read(
    image: Option<&Image>,
    words: Words,
    reference: &str,
    method: &Method,
) -> Result<Response, RegistryError> {
    let digest =
        image.and_then(|image| image.tags.get(reference).map_or(Some(reference), |digest| Some(digest)));
    let found = image.zip(digest).and_then(|(image, digest)| Some((digest, image.manifests.get(digest)?)));
    let (digest, manifest) = found.ok_or_else(|| RegistryError::manifest_unknown(words, reference))?;
    let length = manifest.bytes.len();
    let body = if *method == Method::HEAD { Body::empty() } else { Body::from(manifest.bytes.clone()) };
    let mut response = with_headers(
        StatusCode::OK,
        &[(header::CONTENT_TYPE, &manifest.media_type), (CONTENT_DIGEST, digest)],
    )?;
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    *response.body_mut() = body;
    Ok(response)
}

/// `GET …/tags/list`, by `n` and `last` a page at a time.
pub(crate) fn tags(image: &Image, path: &str, query: &HashMap<String, String>) -> Response {
    let limit = query.get("n").and_then(|n| n.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let after = query.get("last").map_or("", String::as_str);
    let mut left = image.tags.keys().filter(|tag| tag.as_str() > after);
    let page: Vec<&String> = left.by_ref().take(limit).collect();
    let next = left
        .next()
        .and(page.last())
        .map(|last| format!("</v2/{path}/tags/list?n={limit}&last={last}>; rel=\"next\""));
    let mut response = Json(json!({ "name": path, "tags": page })).into_response();
    if let Some(link) = next.and_then(|link| HeaderValue::try_from(link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}
