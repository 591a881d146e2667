//! Errors of a registry: the OCI distribution error list, and what the two registries word differently.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::Words;

/// A refusal of the registry.
#[derive(Debug)]
pub(crate) struct RegistryError {
    status: StatusCode,
    code: &'static str,
    message: String,
    challenge: Option<String>,
    /// Boxed, to keep results small.
    detail: Option<Box<Value>>,
}

impl RegistryError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), challenge: None, detail: None }
    }

    /// 400 with the code of a malformed request.
    pub(crate) fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// 404.
    pub(crate) fn unknown(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    /// 403.
    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "DENIED", message)
    }

    /// 401 with a challenge.
    pub(crate) fn unauthorized(message: impl Into<String>, challenge: String) -> Self {
        Self { challenge: Some(challenge), ..Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message) }
    }

    /// The same with a detail.
    pub(crate) fn with_detail(self, detail: Value) -> Self {
        Self { detail: Some(Box::new(detail)), ..self }
    }

    /// No such manifest. Azure's words: `azure-docs#90060`.
    pub(crate) fn manifest_unknown(words: Words, reference: &str) -> Self {
        match words {
            Words::Google => Self::unknown("MANIFEST_UNKNOWN", format!("Failed to fetch \"{reference}\"")),
            Words::Azure if reference.contains(':') => {
                Self::unknown("MANIFEST_UNKNOWN", format!("manifest {reference} is not found"))
                    .with_detail(json!({ "Revision": reference }))
            }
            Words::Azure => {
                Self::unknown("MANIFEST_UNKNOWN", format!("manifest tagged by \"{reference}\" is not found"))
                    .with_detail(json!({ "Tag": reference }))
            }
        }
    }

    /// A manifest refers to a blob that was not pushed. Azure's words: `azure-sdk-for-net#36076`.
    pub(crate) fn manifest_blob_unknown(words: Words, digest: &str) -> Self {
        match words {
            Words::Google => Self::invalid(
                "MANIFEST_BLOB_UNKNOWN",
                format!("Manifest references unknown blob \"{digest}\""),
            ),
            Words::Azure => {
                Self::invalid("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry").with_detail(json!(digest))
            }
        }
    }

    /// No such blob.
    pub(crate) fn blob_unknown(words: Words, digest: &str) -> Self {
        match words {
            Words::Google => Self::unknown("BLOB_UNKNOWN", format!("Failed to fetch blob \"{digest}\"")),
            Words::Azure => {
                Self::unknown("BLOB_UNKNOWN", "blob unknown to registry").with_detail(json!(digest))
            }
        }
    }

    /// The disk failed the sandbox.
    pub(crate) fn disk(error: &std::io::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", format!("the sandbox's disk failed: {error}"))
    }
}

impl IntoResponse for RegistryError {
    fn into_response(self) -> Response {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let (Some(detail), Some(error)) = (self.detail, error.as_object_mut()) {
            error.insert("detail".to_owned(), *detail);
        }
        let body = json!({ "errors": [error] });
        let mut response = (self.status, Json(body)).into_response();
        if let Some(challenge) = self.challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
