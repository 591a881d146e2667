//! Tables over Deployments and pods.
