//! Refusals of Google's metadata server: plain text.
//!
//! Sources: `cloud.google.com/compute/docs/metadata/querying-metadata`,
//! `cloud.google.com/kubernetes-engine/docs/troubleshooting/authentication` (texts of the GKE metadata server).

use axum::response::{IntoResponse, Response};
use http::StatusCode;

/// A "no" of the metadata server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No `Metadata-Flavor: Google`, or a proxy's header.
    Header,
    /// No such path, or no service account.
    NotFound,
    /// An ID token for nobody.
    NoAudience,
    /// The pod's service account names no Google service account.
    NotAnnotated,
    /// The annotated service account does not exist.
    NoSuchAccount,
    /// The annotated service account's policy does not name the pod.
    NotGranted(&'static str),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Header => {
                (StatusCode::FORBIDDEN, "Missing required header \"Metadata-Flavor\": \"Google\"\n").into_response()
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "Not Found\n").into_response(),
            Self::NoAudience => {
                (StatusCode::BAD_REQUEST, "non-empty audience parameter required\n").into_response()
            }
            Self::NotAnnotated => (
                StatusCode::NOT_FOUND,
                "Unable to find the service account of this pod: it is not annotated with \
                 iam.gke.io/gcp-service-account\n",
            )
                .into_response(),
            Self::NoSuchAccount => (
                StatusCode::NOT_FOUND,
                "Unable to generate access token; IAM returned 404 Not Found: Requested entity was not found.\n",
            )
                .into_response(),
            Self::NotGranted(permission) => not_granted(permission),
        }
    }
}

fn not_granted(permission: &str) -> Response {
    let text = format!(
        "Unable to generate access token; IAM returned 403 Forbidden: Permission '{permission}' denied on resource (or it \
         may not exist).\nThis error could be caused by a missing IAM policy binding on the target IAM service account.\nFor \
         more information, refer to the Workload Identity documentation:\n\
         \thttps://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity#authenticating_to\n\n"
    );
    (StatusCode::FORBIDDEN, text).into_response()
}
