//! Flags of `gangplank init`.

use std::path::PathBuf;

use clap::Args;

use super::Administrate;

/// Flags of `init`. What is not given is looked for, then asked for on a terminal.
#[derive(Debug, Clone, Args)]
pub struct Init {
    /// Where both clouds are.
    #[command(flatten)]
    pub places: Places,
    /// The first team; without one, an example stands in the file as a comment.
    #[arg(long)]
    pub team: Option<String>,
    /// Which models the first team may serve.
    #[arg(long, requires = "team", default_value = "*")]
    pub models: String,
    /// Client id of the service principal that ships for the first team.
    #[arg(long, requires = "team")]
    pub service_principal: Option<String>,
    /// Overwrite the bridge file.
    #[arg(long)]
    pub force: bool,
    /// Do not look at both clouds afterwards.
    #[arg(long)]
    pub no_plan: bool,
    /// How to reach the cluster.
    #[command(flatten)]
    pub administrate: Administrate,
}

/// Where both clouds are.
#[derive(Debug, Clone, Args)]
pub struct Places {
    /// Name of the bridge; marks everything it makes.
    #[arg(long)]
    pub name: Option<String>,
    /// Which Azure: `public`, `usGovernment` or `china`.
    #[arg(long)]
    pub cloud: Option<String>,
    /// Entra tenant, a GUID.
    #[arg(long)]
    pub tenant: Option<String>,
    /// Azure subscription of the workspace, a GUID.
    #[arg(long)]
    pub subscription: Option<String>,
    /// Resource group of the workspace.
    #[arg(long)]
    pub resource_group: Option<String>,
    /// Azure ML workspace.
    #[arg(long)]
    pub workspace: Option<String>,
    /// Google project id.
    #[arg(long)]
    pub project: Option<String>,
    /// Google project number.
    #[arg(long)]
    pub project_number: Option<String>,
    /// Region or zone of the cluster.
    #[arg(long)]
    pub location: Option<String>,
    /// GKE cluster.
    #[arg(long)]
    pub cluster: Option<String>,
    /// Artifact Registry repository.
    #[arg(long)]
    pub repository: Option<String>,
    /// Take the `endpoints:` block over from this bridge file.
    #[arg(long)]
    pub endpoints_from: Option<PathBuf>,
}
