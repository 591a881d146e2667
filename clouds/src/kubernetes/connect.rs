//! Ways into a cluster: the address that Kubernetes Engine gives, or a kubeconfig.

use std::path::Path;
use std::time::Duration;

use bridge::port::{PortError, PortResult, Refused};
use identity::Bearer;
use kube::config::{KubeConfigOptions, Kubeconfig};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::api::Api;
use super::{Cluster, SERVICE};
use crate::error;
use crate::google::ClusterAddress;

/// No single answer takes longer; rollouts are asked about, not waited for in one request.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

impl Cluster {
    /// The cluster at `address`, spoken to as `bearer`.
    pub fn at(address: &ClusterAddress, bearer: Bearer) -> PortResult<Self> {
        let endpoint = address.endpoint.parse().map_err(|problem| {
            invalid(format!("`{}` is no address of a cluster: {problem}", address.endpoint))
        })?;
        let mut config = kube::Config::new(endpoint);
        config.root_cert = address.ca.as_deref().map(authorities).transpose()?;
        let who = bearer.who().to_owned();
        Self::connect(config, Some(bearer), who)
    }

    /// The cluster of a kubeconfig's context, `None` for its current one.
    pub async fn from_kubeconfig(file: &Path, context: Option<&str>) -> PortResult<Self> {
        let unusable = |problem: &dyn std::error::Error| {
            invalid(format!(
                "kubeconfig `{}` cannot be used: {}",
                file.display(),
                error::with_causes(problem)
            ))
        };
        let kubeconfig = Kubeconfig::read_from(file).map_err(|problem| unusable(&problem))?;
        let current = context.map(str::to_owned).or_else(|| kubeconfig.current_context.clone());
        let options = KubeConfigOptions { context: current.clone(), ..KubeConfigOptions::default() };
        let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let config = config.map_err(|problem| unusable(&problem))?;
        let who = format!("kubeconfig context `{}`", current.unwrap_or_default());
        Self::connect(config, None, who)
    }

    fn connect(mut config: kube::Config, bearer: Option<Bearer>, who: String) -> PortResult<Self> {
        config.read_timeout = Some(READ_TIMEOUT);
        // We know which requests may be repeated; the client does not.
        config.default_retry = false;
        let client = kube::Client::try_from(config).map_err(|failed| error::kubernetes(&failed))?;
        Ok(Self { api: Api { client, bearer }, who })
    }
}

/// The certificates of a PEM file.
fn authorities(pem: &[u8]) -> PortResult<Vec<Vec<u8>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|problem| invalid(format!("the cluster's certificate authority: {problem}")))?;
    Ok(all.into_iter().map(|der| der.to_vec()).collect())
}

fn invalid(problem: String) -> PortError {
    error::own(SERVICE, Refused::Invalid, problem)
}
