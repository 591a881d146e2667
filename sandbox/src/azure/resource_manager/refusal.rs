//! Azure Resource Manager's refusals.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::azure::bearer::{Caller, Unauthenticated};
use crate::azure::wire::american_date;
use crate::seed;
use crate::world::Shared;

/// The audiences that Resource Manager accepts, as it words them.
const AUDIENCES: &str = "'https://management.core.windows.net/','https://management.core.windows.net',\
                         'https://management.azure.com/','https://management.azure.com'";

/// A "no" of Resource Manager.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(crate) fn bad_request(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    pub(crate) fn not_found(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn resource_not_found(kind: &str, name: &str) -> Self {
        let message = format!(
            "The Resource '{kind}/{name}' under resource group '{}' was not found. For more details please go to \
             https://aka.ms/ARMResourceNotFoundFix",
            seed::RESOURCE_GROUP
        );
        Self::not_found("ResourceNotFound", message)
    }

    pub(crate) fn method(method: &http::Method) -> Self {
        let message = format!("The requested resource does not support http method '{method}'.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    pub(crate) fn no_api_version() -> Self {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        Self::bad_request("MissingApiVersionParameter", message)
    }

    pub(crate) fn wrong_api_version(version: &str) -> Self {
        let message =
            format!("The api-version '{version}' is invalid. The supported format is 'yyyy-MM-dd'.");
        Self::bad_request("InvalidApiVersionParameter", message)
    }

    pub(crate) fn denied(caller: &Caller, action: &str, scope: &str) -> Self {
        let message = format!(
            "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope \
             '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
            caller.name, caller.object_id
        );
        Self::new(StatusCode::FORBIDDEN, "AuthorizationFailed", message)
    }

    pub(crate) fn unauthenticated(why: &Unauthenticated) -> Self {
        let (code, message) = match why {
            Unauthenticated::Missing => (
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.".to_owned(),
            ),
            Unauthenticated::Malformed | Unauthenticated::Signature => {
                ("InvalidAuthenticationToken", "The access token is invalid.".to_owned())
            }
            Unauthenticated::Issuer => (
                "InvalidAuthenticationTokenTenant",
                "The access token is from the wrong issuer. It must match the tenant associated with this \
                 subscription."
                    .to_owned(),
            ),
            Unauthenticated::Audience(audience) => (
                "InvalidAuthenticationTokenAudience",
                format!(
                    "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly \
                     match with one of the allowed audiences {AUDIENCES}."
                ),
            ),
            Unauthenticated::Expired { at, now } => (
                "ExpiredAuthenticationToken",
                format!(
                    "The access token expiry UTC time '{}' is earlier than current UTC time '{}'.",
                    american_date(*at),
                    american_date(*now)
                ),
            ),
        };
        Self::new(StatusCode::UNAUTHORIZED, code, message)
    }

    pub(crate) fn respond(&self, shared: &Shared) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert("x-ms-failure-cause", HeaderValue::from_static("gateway"));
        if self.status == StatusCode::UNAUTHORIZED
            && let Some(challenge) = challenge(shared, &self.message)
        {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

fn challenge(shared: &Shared, description: &str) -> Option<HeaderValue> {
    let host = shared.addresses()?.entra;
    let text = format!(
        "Bearer authorization_uri=\"https://{host}/{}\", error=\"invalid_token\", error_description=\"{}\"",
        seed::TENANT,
        description.replace('"', "'")
    );
    HeaderValue::from_str(&text).ok()
}
