//! The cluster's roles and bindings, of all namespaces.

use bridge::can::Rbac;
use bridge::port::{PortResult, Refused};
use serde::de::DeserializeOwned;

use super::{Cluster, SERVICE, kinds};
use crate::error;

const GROUP: &str = "rbac.authorization.k8s.io/v1";

impl Cluster {
    /// Every role and binding.
    pub async fn rbac(&self) -> PortResult<Rbac> {
        let (roles, cluster_roles, role_bindings, cluster_role_bindings) = tokio::try_join!(
            self.every("Role"),
            self.every("ClusterRole"),
            self.every("RoleBinding"),
            self.every("ClusterRoleBinding"),
        )?;
        Ok(Rbac { roles, cluster_roles, role_bindings, cluster_role_bindings, as_written: false })
    }

    async fn every<T: DeserializeOwned>(&self, kind: &str) -> PortResult<Vec<T>> {
        let objects = self.list_where(&kinds::kind(GROUP, kind), None, "").await?;
        let read = |object| {
            serde_json::from_value(object).map_err(|problem| {
                error::own(
                    SERVICE,
                    Refused::Invalid,
                    format!("a {kind} is not what is documented: {problem}"),
                )
            })
        };
        objects.into_iter().map(read).collect()
    }
}
