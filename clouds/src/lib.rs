//! Speaking to Azure, Google and Kubernetes: implements the ports of bridge.

pub mod google;
