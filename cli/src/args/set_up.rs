//! Flags of the commands that set up both clouds, or look at them with an administrator's eyes.

use std::path::PathBuf;

use clap::Args;

/// Flags of the commands that set up both clouds.
#[derive(Debug, Clone, Args)]
pub struct Administrate {
    /// A kubeconfig to reach the cluster with; without it, the Google log-in is used.
    #[arg(long, env = "KUBECONFIG")]
    pub kubeconfig: Option<PathBuf>,
    /// The context in that kubeconfig; its current one by default.
    #[arg(long, requires = "kubeconfig")]
    pub context: Option<String>,
}

/// Flags of `plan` and `apply`.
#[derive(Debug, Clone, Args)]
pub struct SetUp {
    /// How to reach the clouds.
    #[command(flatten)]
    pub administrate: Administrate,
    /// Take over what somebody else made: the key, as the plan prints it. May be given several times.
    #[arg(long, value_name = "KEY")]
    pub adopt: Vec<String>,
}

/// Flags of `destroy`.
#[derive(Debug, Clone, Args)]
pub struct Destroy {
    /// How to reach the clouds.
    #[command(flatten)]
    pub administrate: Administrate,
    /// Do not ask.
    #[arg(short, long)]
    pub yes: bool,
}
