//! Looking the GKE cluster up: where its API server is, and who its nodes are.
//!
//! Not over Google's own crate: its type for clusters takes more than a mebibyte of stack to read, and a worker thread
//! has two.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bridge::port::PortResult;
use bridge::spec::Bridge;
use google_cloud_auth::credentials::Credentials;
use http::Method;
use serde::Deserialize;

use super::addresses::Addresses;
use super::patience::patiently;
use super::refusal::unexpected;
use super::rest::Rest;

const SERVICE: &str = "Kubernetes Engine";

/// Where the cluster's API server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterAddress {
    /// `https://HOST` or `https://HOST:PORT`.
    pub endpoint: String,
    /// The cluster's certificate authority, PEM.
    pub ca: Vec<u8>,
}

/// The bridge's cluster, looked up as whoever holds `credentials`; needs `container.clusters.get`. `http` comes from
/// [`identity::http::client`].
pub async fn cluster(
    bridge: &Bridge,
    credentials: Credentials,
    http: &reqwest::Client,
) -> PortResult<ClusterAddress> {
    find(bridge, credentials, http).await?.address()
}

pub(super) async fn find(
    bridge: &Bridge,
    credentials: Credentials,
    http: &reqwest::Client,
) -> PortResult<Cluster> {
    let rest =
        Rest { service: SERVICE, http: http.clone(), address: Addresses::of(bridge).container, credentials };
    let google = &bridge.google;
    let path =
        format!("projects/{}/locations/{}/clusters/{}", google.project, google.location, google.cluster);
    let found = patiently(|| rest.call(Method::GET, &path, &[], None)).await?;
    serde_json::from_value(found).map_err(|error| unexpected(SERVICE, error.to_string()))
}

/// A cluster, as far as we look.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Cluster {
    name: String,
    endpoint: String,
    master_auth: MasterAuth,
    node_config: NodeConfig,
    node_pools: Vec<NodePool>,
    autoscaling: Autoscaling,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MasterAuth {
    cluster_ca_certificate: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeConfig {
    service_account: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodePool {
    config: NodeConfig,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Autoscaling {
    autoprovisioning_node_pool_defaults: NodeConfig,
}

impl Cluster {
    fn address(&self) -> PortResult<ClusterAddress> {
        let name = &self.name;
        if self.endpoint.is_empty() {
            return Err(unexpected(SERVICE, format!("cluster `{name}` has no endpoint (yet)")));
        }
        let ca = BASE64_STANDARD.decode(self.master_auth.cluster_ca_certificate.trim()).ok();
        let ca = ca
            .filter(|ca| !ca.is_empty())
            .ok_or_else(|| unexpected(SERVICE, format!("cluster `{name}` has no CA certificate")))?;
        Ok(ClusterAddress { endpoint: format!("https://{}", self.endpoint), ca })
    }

    /// The service account that the nodes run as. Standard clusters say it in their node pools (older answers: for the
    /// cluster as a whole), Autopilot clusters in the defaults of the pools they make by themselves.
    pub(super) fn node_service_account(&self, project_number: &str) -> String {
        let pools = self.node_pools.iter().map(|pool| &pool.config);
        let others = [&self.node_config, &self.autoscaling.autoprovisioning_node_pool_defaults];
        let said =
            pools.chain(others).map(|node| node.service_account.as_str()).find(|account| !account.is_empty());
        match said {
            None | Some("default") => format!("{project_number}-compute@developer.gserviceaccount.com"),
            Some(account) => account.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn cluster(answer: Value) -> Cluster {
        serde_json::from_value(answer).unwrap()
    }

    #[test]
    fn nodes_are_found_in_every_kind_of_cluster() {
        let table = [
            (json!({}), "42-compute@developer.gserviceaccount.com"),
            (
                json!({"nodeConfig": {"serviceAccount": "default"}}),
                "42-compute@developer.gserviceaccount.com",
            ),
            (json!({"nodeConfig": {"serviceAccount": "ship@p"}}), "ship@p"),
            (json!({"nodePools": [{"config": {"serviceAccount": "pool@p"}}]}), "pool@p"),
            (
                json!({"nodeConfig": {}, "autopilot": {"enabled": true}, "autoscaling":
                    {"autoprovisioningNodePoolDefaults": {"serviceAccount": "auto@p"}}}),
                "auto@p",
            ),
        ];
        for (answer, wanted) in table {
            assert_eq!(cluster(answer.clone()).node_service_account("42"), wanted, "{answer}");
        }
    }

    #[test]
    fn an_address_needs_endpoint_and_authority() {
        let authority = json!({"clusterCaCertificate": BASE64_STANDARD.encode("PEM")});
        let whole = cluster(json!({"endpoint": "127.0.0.1:6443", "masterAuth": authority}));
        let found = whole.address().unwrap();
        assert_eq!((found.endpoint.as_str(), found.ca.as_slice()), ("https://127.0.0.1:6443", &b"PEM"[..]));
        for lacking in [
            json!({"masterAuth": authority}),
            json!({"endpoint": "10.0.0.1"}),
            json!({"endpoint": "10.0.0.1", "masterAuth": {"clusterCaCertificate": "%%%"}}),
        ] {
            assert!(cluster(lacking.clone()).address().is_err(), "{lacking}");
        }
    }
}
