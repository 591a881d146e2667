//! Request bodies: reading them, and JSON or YAML into values.

use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::Value;

use super::protobuf;
use super::status::Failure;

/// The API server's limit.
const LARGEST: usize = 3 * 1024 * 1024;

/// The media types of objects.
const ACCEPTED: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/// The whole body.
pub(crate) async fn read(body: Body) -> Result<Bytes, Failure> {
    let large = |_| {
        let mut failure = Failure::bad_request(format!("Request entity too large: limit is {LARGEST}"));
        failure.code = 413;
        failure.reason = "RequestEntityTooLarge";
        failure
    };
    to_bytes(body, LARGEST).await.map_err(large)
}

/// The media type, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let whole = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    whole.split(';').next().unwrap_or_default().trim()
}

/// An object out of a create or replace.
pub(crate) fn object(headers: &HeaderMap, bytes: &Bytes) -> Result<Value, Failure> {
    match media_type(headers) {
        "" | "application/json" => json(bytes),
        "application/yaml" => yaml(bytes),
        "application/vnd.kubernetes.protobuf" => protobuf::object(bytes)
            .map_err(|why| Failure { message: why, ..Failure::unsupported_media(ACCEPTED) }),
        _ => Err(Failure::unsupported_media(ACCEPTED)),
    }
}

/// JSON.
pub(crate) fn json(bytes: &Bytes) -> Result<Value, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::bad_request(format!("error decoding the body as JSON: {error}")))
}

/// YAML, of which JSON is a part.
pub(crate) fn yaml(bytes: &Bytes) -> Result<Value, Failure> {
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Ok(value);
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Failure::bad_request(format!("error decoding the body as YAML: {error}")))?;
    serde_saphyr::from_str(text)
        .map_err(|error| Failure::bad_request(format!("error decoding the body as YAML: {error}")))
}
