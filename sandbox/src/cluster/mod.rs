//! A small Kubernetes cluster: an API server, controllers and one node.

/// What this side of the world knows.
#[derive(Default)]
pub struct State {}
