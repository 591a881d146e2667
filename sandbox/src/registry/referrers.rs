//! Referrers: what says of itself, by `subject`, that it is about another manifest.
//!
//! <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers>. Azure Container Registry
//! documents the API (<https://learn.microsoft.com/azure/container-registry/container-registry-manage-artifact>); Artifact
//! Registry documents that ORAS attaches and finds there (<https://cloud.google.com/artifact-registry/docs/docker/manage-metadata>).

use std::collections::HashMap;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::image::{Image, Manifest};

/// Names the subject of the manifest that was just pushed.
pub(crate) const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

const FILTERED: HeaderName = HeaderName::from_static("oci-filters-applied");
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What a manifest says about its kind and its subject.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    artifact_type: Option<String>,
    config: Option<Config>,
    subject: Option<Subject>,
    #[serde(default)]
    annotations: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    media_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: String,
}

/// `GET …/referrers/DIGEST`: an index of what is about it, perhaps of one artifact type. A digest that nothing is about, or
/// that was never pushed, gets an empty one.
pub(crate) fn list(image: Option<&Image>, subject: &str, query: &HashMap<String, String>) -> Response {
    let wanted = query.get("artifactType").filter(|kind| !kind.is_empty());
    let all = image.into_iter().flat_map(|image| &image.manifests);
    let about = all.filter_map(|(digest, manifest)| descriptor(digest, manifest, subject));
    let found: Vec<Value> =
        about.filter(|it| wanted.is_none_or(|kind| it["artifactType"] == kind.as_str())).collect();
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": found });
    let mut response = index.to_string().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(INDEX));
    if wanted.is_some() {
        headers.insert(FILTERED, HeaderValue::from_static("artifactType"));
    }
    response
}

/// The descriptor of a manifest that is about `subject`.
fn descriptor(digest: &str, manifest: &Manifest, subject: &str) -> Option<Value> {
    let about: About = serde_json::from_slice(&manifest.bytes).ok()?;
    about.subject.filter(|it| it.digest == subject)?;
    let mut found =
        json!({ "mediaType": manifest.media_type, "digest": digest, "size": manifest.bytes.len() });
    let fields = found.as_object_mut()?;
    // An artifact without a type of its own has that of its configuration.
    if let Some(kind) = about.artifact_type.or(about.config.map(|config| config.media_type)) {
        fields.insert("artifactType".to_owned(), json!(kind));
    }
    if !about.annotations.is_empty() {
        fields.insert("annotations".to_owned(), about.annotations.into());
    }
    Some(found)
}
