//! azure entra.

use axum::Router;

use crate::world::Shared;

/// The service's routes.
pub(crate) fn router(_shared: Shared) -> Router {
    Router::new()
}
