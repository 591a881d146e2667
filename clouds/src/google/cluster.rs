//! Looking the GKE cluster up: where its API server is, and who its nodes are.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bridge::port::PortResult;
use bridge::spec::Bridge;
use google_cloud_auth::credentials::Credentials;
use google_cloud_container_v1::client::ClusterManager;
use google_cloud_container_v1::model::Cluster;

use super::addresses::Addresses;
use super::refusal::{library, own, unexpected};

const SERVICE: &str = "Kubernetes Engine";

/// Where the cluster's API server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterAddress {
    /// `https://HOST` or `https://HOST:PORT`.
    pub endpoint: String,
    /// The cluster's certificate authority, PEM.
    pub ca: Vec<u8>,
}

/// The bridge's cluster, looked up as whoever holds `credentials`; needs `container.clusters.get`.
pub async fn cluster(bridge: &Bridge, credentials: Credentials) -> PortResult<ClusterAddress> {
    address(&find(bridge, credentials).await?)
}

pub(super) async fn find(bridge: &Bridge, credentials: Credentials) -> PortResult<Cluster> {
    let client = ClusterManager::builder()
        .with_endpoint(Addresses::of(bridge).container)
        .with_credentials(credentials)
        .build()
        .await
        .map_err(|error| own(SERVICE, bridge::port::Refused::Unavailable, error.to_string()))?;
    let google = &bridge.google;
    let name =
        format!("projects/{}/locations/{}/clusters/{}", google.project, google.location, google.cluster);
    client.get_cluster().set_name(name).send().await.map_err(|error| library(SERVICE, &error))
}

fn address(cluster: &Cluster) -> PortResult<ClusterAddress> {
    if cluster.endpoint.is_empty() {
        return Err(unexpected(SERVICE, format!("cluster `{}` has no endpoint (yet)", cluster.name)));
    }
    let encoded =
        cluster.master_auth.as_ref().map(|auth| auth.cluster_ca_certificate.as_str()).unwrap_or_default();
    let ca = BASE64_STANDARD.decode(encoded.trim()).ok().filter(|ca| !ca.is_empty());
    let ca =
        ca.ok_or_else(|| unexpected(SERVICE, format!("cluster `{}` has no CA certificate", cluster.name)))?;
    Ok(ClusterAddress { endpoint: format!("https://{}", cluster.endpoint), ca })
}

/// The service account that the cluster's nodes run as. Standard clusters say it in their node pools (older answers: for
/// the cluster as a whole), Autopilot clusters in the defaults of the pools they make by themselves.
pub(super) fn node_service_account(cluster: &Cluster, project_number: &str) -> String {
    let pools = cluster.node_pools.iter().filter_map(|pool| pool.config.as_ref());
    #[expect(deprecated, reason = "an answer may have this and no node pools")]
    let whole = cluster.node_config.iter();
    let defaults = cluster
        .autoscaling
        .iter()
        .filter_map(|scaling| scaling.autoprovisioning_node_pool_defaults.as_ref())
        .map(|defaults| &defaults.service_account);
    let said = pools
        .chain(whole)
        .map(|node| &node.service_account)
        .chain(defaults)
        .find(|account| !account.is_empty());
    match said.map(String::as_str) {
        None | Some("default") => format!("{project_number}-compute@developer.gserviceaccount.com"),
        Some(account) => account.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use google_cloud_container_v1::model::{
        AutoprovisioningNodePoolDefaults, ClusterAutoscaling, MasterAuth, NodeConfig, NodePool,
    };

    fn nodes(account: &str) -> NodeConfig {
        NodeConfig::new().set_service_account(account)
    }

    #[test]
    #[expect(deprecated, reason = "an answer may have this and no node pools")]
    fn nodes_are_found_in_every_kind_of_cluster() {
        let autopilot = AutoprovisioningNodePoolDefaults::new().set_service_account("auto@p");
        let table = [
            (Cluster::new(), "42-compute@developer.gserviceaccount.com"),
            (Cluster::new().set_node_config(nodes("default")), "42-compute@developer.gserviceaccount.com"),
            (Cluster::new().set_node_config(nodes("ship@p")), "ship@p"),
            (Cluster::new().set_node_pools([NodePool::new().set_config(nodes("pool@p"))]), "pool@p"),
            (
                Cluster::new().set_node_config(nodes("")).set_autoscaling(
                    ClusterAutoscaling::new().set_autoprovisioning_node_pool_defaults(autopilot),
                ),
                "auto@p",
            ),
        ];
        for (cluster, wanted) in table {
            assert_eq!(node_service_account(&cluster, "42"), wanted);
        }
    }

    #[test]
    fn an_address_needs_endpoint_and_authority() {
        let authority = MasterAuth::new().set_cluster_ca_certificate(BASE64_STANDARD.encode("PEM"));
        let whole = Cluster::new().set_endpoint("127.0.0.1:6443").set_master_auth(authority.clone());
        let found = address(&whole).unwrap();
        assert_eq!((found.endpoint.as_str(), found.ca.as_slice()), ("https://127.0.0.1:6443", &b"PEM"[..]));
        assert!(address(&Cluster::new().set_master_auth(authority)).is_err());
        assert!(address(&Cluster::new().set_endpoint("10.0.0.1")).is_err());
        let garbled = MasterAuth::new().set_cluster_ca_certificate("%%%");
        assert!(address(&Cluster::new().set_endpoint("10.0.0.1").set_master_auth(garbled)).is_err());
    }
}
