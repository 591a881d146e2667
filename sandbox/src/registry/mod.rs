//! What the two image registries, Google's and Azure's, have in common: blobs on disk, manifests and tags, referrers, paths, errors.
//! Who may do what, how uploads go and how a refusal is worded is each registry's own.

pub(crate) mod blobs;
pub(crate) mod error;
pub(crate) mod image;
pub(crate) mod manifests;
pub(crate) mod path;
pub(crate) mod referrers;
pub(crate) mod storage;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, StatusCode};

use self::error::RegistryError;

/// The digest of what was stored or sent.
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// Larger manifests are refused.
pub(crate) const LARGEST_MANIFEST: usize = 4 << 20;

/// Whose words an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// Artifact Registry's.
    Google,
    /// Azure Container Registry's.
    Azure,
}

/// An empty answer with these headers.
pub(crate) fn with_headers(
    status: StatusCode,
    headers: &[(HeaderName, &str)],
) -> Result<Response, RegistryError> {
    let mut response = status.into_response();
    for (name, value) in headers {
        let value = HeaderValue::try_from(*value)
            .map_err(|_| RegistryError::invalid("NAME_INVALID", "a name cannot stand in a header"))?;
        response.headers_mut().insert(name, value);
    }
    Ok(response)
}
