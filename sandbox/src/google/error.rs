//! Errors as Google's services word them: `google.rpc.Status` in JSON, and OAuth error objects.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::joined;

/// The `google.rpc.Code`s that the sandbox answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidArgument,
    FailedPrecondition,
    Unauthenticated,
    PermissionDenied,
    NotFound,
    AlreadyExists,
    Aborted,
}

impl Code {
    fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::Aborted => "ABORTED",
        }
    }

    fn http(self) -> StatusCode {
        match self {
            Self::InvalidArgument | Self::FailedPrecondition => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::PermissionDenied => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::AlreadyExists | Self::Aborted => StatusCode::CONFLICT,
        }
    }
}

/// A refusal of a Google API, before it becomes JSON.
#[derive(Debug, Clone)]
pub(crate) struct ApiError {
    code: Code,
    message: String,
    details: Vec<Value>,
}

impl ApiError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: Vec::new() }
    }

    /// The bare wording for an argument that no text names.
    pub(crate) fn invalid_argument() -> Self {
        Self::new(Code::InvalidArgument, "Request contains an invalid argument.")
    }

    /// The bare wording for something absent.
    pub(crate) fn not_found() -> Self {
        Self::new(Code::NotFound, "Requested entity was not found.")
    }

    /// The bare wording for something that is there already, soft-deleted things included.
    pub(crate) fn already_exists() -> Self {
        Self::new(Code::AlreadyExists, "Requested entity already exists")
    }

    /// A path or method that the sandbox does not play.
    pub(crate) fn no_such_method() -> Self {
        Self::new(Code::NotFound, "Method not found.")
    }

    /// Adds a detail message.
    pub(crate) fn with(mut self, detail: Value) -> Self {
        self.details.push(detail);
        self
    }

    /// Adds a `google.rpc.ErrorInfo`.
    pub(crate) fn with_info(self, reason: &str, domain: &str, metadata: &Value) -> Self {
        self.with(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": reason,
            "domain": domain,
            "metadata": metadata,
        }))
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let http = self.code.http();
        let error = json!({ "code": http.as_u16(), "message": self.message, "status": self.code.name() });
        let details = if self.details.is_empty() { json!({}) } else { json!({ "details": self.details }) };
        let error = joined(error, details);
        let mut response = (http, Json(json!({ "error": error }))).into_response();
        if http == StatusCode::UNAUTHORIZED {
            let challenge = http::HeaderValue::from_static("Bearer realm=\"https://accounts.google.com/\"");
            response.headers_mut().insert(http::header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// A refusal of a token endpoint.
#[derive(Debug)]
pub(crate) struct OAuthError {
    status: StatusCode,
    error: String,
    description: String,
}

impl OAuthError {
    pub(crate) fn new(error: impl Into<String>, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error: error.into(), description: description.into() }
    }

    /// The same refusal under status 401.
    pub(crate) fn unauthorized(self) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, ..self }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        (self.status, Json(body)).into_response()
    }
}
