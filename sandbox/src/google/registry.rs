//! The image registry: the OCI distribution API with Artifact Registry's manners.

use axum::Router;

use crate::world::Shared;

/// The service's routes.
pub(crate) fn router(_shared: Shared) -> Router {
    Router::new()
}
