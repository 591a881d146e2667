//! Looking the GKE cluster up: where its API server is, and who its nodes are.
//!
//! Not over Google's own crate: its type for clusters takes more than a mebibyte of stack to read, and a worker thread
//! has two.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bridge::doctor::{Node, NodePool};
use bridge::port::PortResult;
use bridge::spec::Bridge;
use google_cloud_auth::credentials::Credentials;
use http::Method;
use serde::Deserialize;

use super::addresses::Addresses;
use super::refusal::unexpected;
use super::rest::Rest;
use crate::patience::patiently;

const SERVICE: &str = "Kubernetes Engine";

/// Where the cluster's API server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterAddress {
    /// `https://HOST` or `https://HOST:PORT`.
    pub endpoint: String,
    /// The cluster's certificate authority, PEM; `None` where a public one vouches for the address.
    pub ca: Option<Vec<u8>>,
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

/// Who the cluster's nodes are; needs the same right.
pub async fn nodes(bridge: &Bridge, credentials: Credentials, http: &reqwest::Client) -> PortResult<Node> {
    let cluster = find(bridge, credentials, http).await?;
    Ok(Node {
        service_account: cluster.node_service_account(&bridge.google.project_number),
        pools: cluster.node_pools(),
    })
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
    control_plane_endpoints_config: Option<ControlPlaneEndpoints>,
    node_config: NodeConfig,
    node_pools: Vec<Pool>,
    autoscaling: Autoscaling,
    workload_identity_config: WorkloadIdentity,
}

/// Workload Identity Federation for GKE; without a pool it is switched off.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WorkloadIdentity {
    workload_pool: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MasterAuth {
    cluster_ca_certificate: String,
}

/// The ways to the control plane. What is false is not said.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ControlPlaneEndpoints {
    dns_endpoint_config: DnsEndpoint,
    ip_endpoints_config: IpEndpoints,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DnsEndpoint {
    endpoint: String,
    allow_external_traffic: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct IpEndpoints {
    enabled: bool,
    enable_public_endpoint: bool,
    authorized_networks_config: AuthorizedNetworks,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct AuthorizedNetworks {
    enabled: bool,
}

impl ControlPlaneEndpoints {
    /// The DNS-based endpoint, where it is open and the IP-based one is not open to everywhere. It is a service of
    /// Google's own, with a certificate of a public authority, and asks IAM for `container.clusters.connect`:
    /// <https://cloud.google.com/blog/products/containers-kubernetes/new-dns-based-endpoint-for-the-gke-control-plane>.
    fn dns(&self) -> Option<&str> {
        let ip = &self.ip_endpoints_config;
        let everywhere = ip.enabled && ip.enable_public_endpoint && !ip.authorized_networks_config.enabled;
        let DnsEndpoint { endpoint, allow_external_traffic } = &self.dns_endpoint_config;
        (*allow_external_traffic && !everywhere && !endpoint.is_empty()).then_some(endpoint)
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeConfig {
    service_account: String,
    oauth_scopes: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Pool {
    name: String,
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
        if let Some(host) = self.control_plane_endpoints_config.as_ref().and_then(ControlPlaneEndpoints::dns)
        {
            return Ok(ClusterAddress { endpoint: format!("https://{host}"), ca: None });
        }
        if self.endpoint.is_empty() {
            return Err(unexpected(SERVICE, format!("cluster `{name}` has no endpoint (yet)")));
        }
        let ca = BASE64_STANDARD.decode(self.master_auth.cluster_ca_certificate.trim()).ok();
        let ca = ca
            .filter(|ca| !ca.is_empty())
            .ok_or_else(|| unexpected(SERVICE, format!("cluster `{name}` has no CA certificate")))?;
        Ok(ClusterAddress { endpoint: format!("https://{}", self.endpoint), ca: Some(ca) })
    }

    /// The pool of Workload Identity Federation for GKE, if it is switched on.
    pub(super) fn workload_pool(&self) -> Option<String> {
        Some(self.workload_identity_config.workload_pool.clone()).filter(|pool| !pool.is_empty())
    }

    /// The pools that say the OAuth scopes of their nodes' tokens. Older answers say them for the cluster as a whole,
    /// whose first pool is made with it.
    fn node_pools(&self) -> Vec<NodePool> {
        let pools = self.node_pools.iter().map(|pool| (pool.name.as_str(), &pool.config));
        let whole = self.node_pools.is_empty().then_some(("default-pool", &self.node_config));
        let telling = pools.chain(whole).filter(|(_, config)| !config.oauth_scopes.is_empty());
        telling
            .map(|(name, config)| NodePool { name: name.to_owned(), scopes: config.oauth_scopes.clone() })
            .collect()
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
    fn each_node_pool_says_its_scopes() {
        let pool =
            |name: &str, scope: &str| NodePool { name: name.to_owned(), scopes: vec![scope.to_owned()] };
        let table = [
            (json!({}), vec![]),
            (json!({"nodeConfig": {"oauthScopes": ["a"]}}), vec![pool("default-pool", "a")]),
            (
                json!({"nodeConfig": {"oauthScopes": ["a"]}, "nodePools": [
                    {"name": "x", "config": {"oauthScopes": ["a"]}},
                    {"name": "y", "config": {"oauthScopes": ["b"]}},
                    {"name": "z", "config": {}},
                ]}),
                vec![pool("x", "a"), pool("y", "b")],
            ),
        ];
        for (answer, wanted) in table {
            assert_eq!(cluster(answer.clone()).node_pools(), wanted, "{answer}");
        }
    }

    #[test]
    fn a_cluster_without_an_open_address_is_reached_by_its_name() {
        let authority = json!({"clusterCaCertificate": BASE64_STANDARD.encode("PEM")});
        let (ip, dns) = ("https://34.1.2.3", "https://gke-1.europe-west4.gke.goog");
        let open = json!({"endpoint": "gke-1.europe-west4.gke.goog", "allowExternalTraffic": true});
        let closed = json!({"endpoint": "gke-1.europe-west4.gke.goog"});
        let public = json!({"enabled": true, "enablePublicEndpoint": true});
        let fenced = json!({"enabled": true, "enablePublicEndpoint": true, "authorizedNetworksConfig": {"enabled": true}});
        for (ways, wanted) in [
            (json!({"dnsEndpointConfig": open, "ipEndpointsConfig": public}), ip),
            (json!({"dnsEndpointConfig": open, "ipEndpointsConfig": fenced}), dns),
            (json!({"dnsEndpointConfig": open, "ipEndpointsConfig": {"enabled": true}}), dns),
            (json!({"dnsEndpointConfig": open}), dns),
            (json!({"dnsEndpointConfig": closed, "ipEndpointsConfig": fenced}), ip),
            (json!({}), ip),
        ] {
            let answer =
                json!({"endpoint": "34.1.2.3", "masterAuth": authority, "controlPlaneEndpointsConfig": ways});
            let found = cluster(answer).address().unwrap();
            assert_eq!((found.endpoint.as_str(), found.ca.is_none()), (wanted, wanted == dns), "{ways}");
        }
    }

    #[test]
    fn an_address_needs_endpoint_and_authority() {
        let authority = json!({"clusterCaCertificate": BASE64_STANDARD.encode("PEM")});
        let whole = cluster(json!({"endpoint": "127.0.0.1:6443", "masterAuth": authority}));
        let found = whole.address().unwrap();
        assert_eq!(
            (found.endpoint.as_str(), found.ca.as_deref()),
            ("https://127.0.0.1:6443", Some(&b"PEM"[..]))
        );
        for lacking in [
            json!({"masterAuth": authority}),
            json!({"endpoint": "10.0.0.1"}),
            json!({"endpoint": "10.0.0.1", "masterAuth": {"clusterCaCertificate": "%%%"}}),
        ] {
            assert!(cluster(lacking.clone()).address().is_err(), "{lacking}");
        }
    }
}
