//! Kubernetes Engine: looking up the cluster.

use axum::Router;

use crate::world::Shared;

/// The service's routes.
pub(crate) fn router(_shared: Shared) -> Router {
    Router::new()
}
