//! What `gangplank can` takes.

use std::path::PathBuf;

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
    /// Ask no cloud, and answer from these files and folders, as for `doctor --evidence`: IAM policies, roles and bindings,
    /// role assignments. WHO may then be `token`: whom the provider among them makes of the token among them.
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with_all = ["kubeconfig", "context"])]
    pub evidence: Vec<PathBuf>,
    /// How to reach the clouds.
    #[command(flatten)]
    pub administrate: Administrate,
}
