//! Flags of `gangplank import`.

use clap::Args;

use super::{Administrate, Places};

/// Flags of `import`. Places that are not given are looked for, then asked for on a terminal; the project's number, the
/// bridge's name and the repository are found on the clouds.
#[derive(Debug, Clone, Args)]
pub struct Import {
    /// Where both clouds are.
    #[command(flatten)]
    pub places: Places,
    /// Workload identity pool; by default that of the only provider that trusts the tenant.
    #[arg(long)]
    pub pool: Option<String>,
    /// Provider in the pool.
    #[arg(long)]
    pub provider: Option<String>,
    /// Overwrite the bridge file.
    #[arg(long)]
    pub force: bool,
    /// How to reach the cluster.
    #[command(flatten)]
    pub administrate: Administrate,
}
