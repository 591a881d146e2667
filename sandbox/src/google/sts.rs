//! Google STS: an external token becomes a federated access token.

use axum::Router;

use crate::world::Shared;

/// The service's routes.
pub(crate) fn router(_shared: Shared) -> Router {
    Router::new()
}
