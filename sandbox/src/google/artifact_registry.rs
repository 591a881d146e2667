//! Artifact Registry's API: repositories and their policies.

use axum::Router;

use crate::world::Shared;

/// The service's routes.
pub(crate) fn router(_shared: Shared) -> Router {
    Router::new()
}
