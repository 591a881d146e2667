//! Google STS, IAM, IAM credentials, Resource Manager, Artifact Registry, Kubernetes Engine.

/// What this side of the world knows.
#[derive(Default)]
pub struct State {}
