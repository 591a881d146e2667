//! What `gangplank can` takes.

use clap::Args;

use super::Administrate;

/// Flags of `can`.
#[derive(Debug, Clone, Args)]
pub struct Can {
    /// A caller, team or workload of the bridge file, or a principal: `principal://…`, `serviceAccount:…`,
    /// `system:serviceaccount:NAMESPACE:NAME`, an object id of Entra.
    pub who: String,
    /// `push`, `pull`, `impersonate`, `read-models`, a verb of Kubernetes, or a permission of Google's.
    pub verb: String,
    /// `repository/ID`, `team/NAME`, `serviceAccount/ID`, `workspace`, `project`, a resource of the cluster
    /// (`deployments`, `pods/log`, `bridges.example.com`), or a path of its API server.
    pub what: String,
    /// The namespace of a request to the cluster; without it, all of them.
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// The object of a request to the cluster; without it, any.
    #[arg(long)]
    pub name: Option<String>,
    /// How to reach the clouds.
    #[command(flatten)]
    pub administrate: Administrate,
}
