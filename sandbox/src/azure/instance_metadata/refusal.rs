//! Refusals of the three forms of the managed-identity endpoint. They differ in shape: the instance metadata service
//! answers as an OAuth server, App Service and Azure ML with a status and a message.
//!
//! Sources: `learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token` (error handling)
//! and the answers quoted in Azure-Samples/azure-search-openai-demo#2148, MicrosoftDocs/azure-docs#43543 and #21322.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::host::NoIdentity;
use crate::azure::entra::refusal::Refusal as Entra;
use crate::random;
use crate::world::Shared;

/// A "no" of the endpoint.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No `Metadata: true`, or a proxy's header.
    Header,
    /// A missing query parameter.
    Missing(&'static str),
    /// An `api-version` that there is not.
    Version,
    /// The secret is missing or wrong.
    Secret,
    /// No such identity.
    Identity(NoIdentity),
    /// Entra's.
    Entra(Entra),
}

impl Refusal {
    /// As the instance metadata service says it.
    pub(super) fn oauth(&self, shared: &Shared) -> Response {
        let request = |text: &str| {
            (StatusCode::BAD_REQUEST, json!({ "error": "invalid_request", "error_description": text }))
        };
        let (status, body) = match self {
            Self::Header => request("Required metadata header not specified"),
            Self::Missing(name) => request(&format!("Required query variable '{name}' is missing")),
            Self::Version => (
                StatusCode::BAD_REQUEST,
                json!({
                    "error": "Bad request. api-version is invalid or was not specified in the request.",
                    "newest-versions": super::VERSIONS,
                }),
            ),
            Self::Secret => (StatusCode::UNAUTHORIZED, Value::Null),
            Self::Identity(NoIdentity::NotFound) => request("Identity not found"),
            Self::Identity(NoIdentity::Several) => request(
                "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the \
                 token request",
            ),
            Self::Entra(refusal) => (refusal.status(), refusal.short(shared)),
        };
        (status, Json(body)).into_response()
    }

    /// As App Service says it.
    pub(super) fn app_service(&self, shared: &Shared) -> Response {
        let (status, message) = match self {
            Self::Secret | Self::Header => (StatusCode::UNAUTHORIZED, "Unauthorized".to_owned()),
            Self::Missing(name) => (StatusCode::BAD_REQUEST, format!("The parameter '{name}' is required.")),
            Self::Version => (StatusCode::BAD_REQUEST, "The api-version is not supported.".to_owned()),
            Self::Identity(_) => (
                StatusCode::BAD_REQUEST,
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
                    .to_owned(),
            ),
            Self::Entra(refusal) => (refusal.status(), refusal.description(shared)),
        };
        let body =
            json!({ "statusCode": status.as_u16(), "message": message, "correlationId": random::uuid() });
        (status, Json(body)).into_response()
    }

    /// As the host of an Azure ML job says it.
    pub(super) fn machine_learning(&self, shared: &Shared) -> Response {
        match self {
            Self::Identity(_) => {
                let message = "No MSI found for specified ClientId/ResourceId.";
                let body = json!({
                    "StatusCode": 400, "Message": message, "CorrelationId": random::uuid(),
                });
                (StatusCode::BAD_REQUEST, Json(body)).into_response()
            }
            other => other.app_service(shared),
        }
    }
}
