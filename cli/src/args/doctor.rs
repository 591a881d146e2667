//! Flags of the commands that say what is wrong: `doctor`, `explain` and `snapshot`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Administrate, length};

/// Flags of `doctor`.
#[derive(Debug, Clone, Args)]
pub struct Doctor {
    /// The team to deploy for; by default the only one there is, or the only one that the caller deploys for.
    #[arg(long)]
    pub team: Option<String>,
    /// Look at the way back of this workload instead: from its pods to Azure.
    #[arg(long, conflicts_with = "team")]
    pub workload: Option<String>,
    /// Seconds to ask Entra again while it may only be a matter of time. For use inside the workload's pod.
    #[arg(long, default_value_t = 0, requires = "workload")]
    pub wait: u64,
    /// Ask no cloud, and judge these files and folders instead: tokens or claims, what `gcloud`, `az` and `kubectl` print,
    /// docker's and Google's client files, versions, error texts. Needs no bridge file; one among them says what is expected,
    /// for `--team`.
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with = "workload")]
    pub evidence: Vec<PathBuf>,
    /// Walk no further than to this hop: `first-token`, `entra-token`, `exchange`, `impersonation`, `registry`, `cluster`,
    /// `pull`, `workspace`, `storage`; with `--workload` one of its links.
    #[arg(long, value_name = "NAME")]
    pub hop: Option<String>,
    /// Walk again and again until nothing is broken.
    #[arg(long, conflicts_with = "wait")]
    pub watch: bool,
    /// With `--watch`: how long at most, `90s`, `10m`, or a number of seconds; by default until interrupted.
    #[arg(long, value_parser = length, requires = "watch")]
    pub timeout: Option<Duration>,
    /// How to reach the clouds, with an administrator's eyes.
    #[command(flatten)]
    pub administrate: Administrate,
}

/// What `explain` explains.
#[derive(Debug, Clone, Args)]
pub struct Explain {
    /// An error text, a service's code (`AADSTS700213`, `invalid_target`), a finding's (`google/issuer-differs`), or `-`
    /// for stdin.
    #[arg(required = true, num_args = 1.., value_name = "TEXT|CODE|-")]
    pub what: Vec<String>,
    /// Let this file or folder decide between the causes, as for `doctor --evidence`; may be given several times.
    #[arg(long, value_name = "PATH")]
    pub evidence: Vec<PathBuf>,
}

/// Flags of `snapshot`.
#[derive(Debug, Clone, Args)]
pub struct Snapshot {
    /// The folder to write to; made if need be. Files of earlier snapshots in it are replaced.
    #[arg(long, default_value = "gangplank-snapshot")]
    pub dir: PathBuf,
    /// The team to deploy for; by default the only one there is, or the first.
    #[arg(long)]
    pub team: Option<String>,
    /// How to reach the clouds, with an administrator's eyes: for the way back.
    #[command(flatten)]
    pub administrate: Administrate,
}
