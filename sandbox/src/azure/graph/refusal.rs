//! Microsoft Graph's refusals.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::azure::bearer::Unauthenticated;
use crate::random;
use crate::world::Shared;

/// A "no" of Microsoft Graph.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    pub(crate) fn invalid_property(name: &str) -> Self {
        Self::bad_request("Request_BadRequest", format!("Invalid property '{name}'."))
    }

    pub(crate) fn invalid_value(name: &str) -> Self {
        let message = format!("Invalid value specified for property '{name}' of resource.");
        Self::bad_request("Request_BadRequest", message)
    }

    /// An enabled role or permission must be disabled before it is changed or removed.
    pub(crate) fn enabled_entitlement() -> Self {
        Self::bad_request(
            "CannotDeleteOrUpdateEnabledEntitlement",
            "Permission (scope or role) cannot be deleted or updated unless disabled first.",
        )
    }

    pub(crate) fn duplicate_value() -> Self {
        Self::bad_request("DuplicateValue", "Request contains a property with duplicate values.")
    }

    pub(crate) fn unreadable(error: &serde_json::Error) -> Self {
        let message = format!(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid \
             JSON format. {error}"
        );
        Self::bad_request("BadRequest", message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        let code = "Request_MultipleObjectsWithSameKeyValue";
        Self { status: StatusCode::CONFLICT, code, message: message.into() }
    }

    pub(crate) fn not_found(id: &str) -> Self {
        let message = format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
        );
        Self { status: StatusCode::NOT_FOUND, code: "Request_ResourceNotFound", message }
    }

    pub(crate) fn no_segment(segment: &str) -> Self {
        let message = format!("Resource not found for the segment '{segment}'.");
        Self::bad_request("BadRequest", message)
    }

    pub(crate) fn denied() -> Self {
        let message = "Insufficient privileges to complete the operation.".to_owned();
        Self { status: StatusCode::FORBIDDEN, code: "Authorization_RequestDenied", message }
    }

    pub(crate) fn unauthenticated(why: &Unauthenticated) -> Self {
        let message = match why {
            Unauthenticated::Missing => "Access token is empty.",
            Unauthenticated::Malformed => "IDX14100: JWT is not well formed, there are no dots (.).",
            Unauthenticated::Signature => "Access token validation failure. Invalid signature.",
            Unauthenticated::Issuer => "Access token validation failure. Invalid issuer.",
            Unauthenticated::Audience(_) => "Access token validation failure. Invalid audience.",
            Unauthenticated::Expired { .. } => "Lifetime validation failed, the token is expired.",
        };
        Self {
            status: StatusCode::UNAUTHORIZED,
            code: "InvalidAuthenticationToken",
            message: message.to_owned(),
        }
    }

    pub(crate) fn respond(&self, shared: &Shared) -> Response {
        let request = random::uuid();
        let body = json!({ "error": {
            "code": self.code,
            "message": self.message,
            "innerError": {
                "date": shared.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string(),
                "request-id": request,
                "client-request-id": request,
            },
        } });
        (self.status, Json(body)).into_response()
    }
}
