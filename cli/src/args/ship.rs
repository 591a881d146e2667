//! Flags of the commands that carry a model: `models`, `ship`, `pack`, `render` and `scorer`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand};

use super::{Sealed, Transfer, length};

/// Flags of `models`.
#[derive(Debug, Clone, Args)]
pub struct Models {
    /// A model; its versions are listed.
    pub name: Option<String>,
}

/// Flags of `ship`.
#[derive(Debug, Clone, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["model", "deployment"]))]
pub struct Ship {
    /// The model: `name`, `name:7`, `name@latest` or `name@tag=value`. Without a version, the one in the bridge file.
    pub model: Option<String>,
    /// The file in its place.
    #[command(flatten)]
    pub from: FromDeployment,
    /// Which service, if several serve this model.
    #[arg(long)]
    pub service: Option<String>,
    /// A request body to score when the rollout is done; by default the service's `sample`.
    #[arg(long)]
    pub sample: Option<PathBuf>,
    /// How long to wait for the rollout: `90s`, `10m`, or a number of seconds.
    #[arg(long, default_value = "10m", value_parser = length)]
    pub timeout: Duration,
    /// The scorer's executable; by default `gangplank-scorer` beside this one.
    #[arg(long, env = "GANGPLANK_SCORER")]
    pub scorer: Option<PathBuf>,
    /// How long the bytes may take.
    #[command(flatten)]
    pub transfer: Transfer,
    /// What is put beside the image.
    #[command(flatten)]
    pub seals: Sealed,
}

/// Flags of `pack`.
#[derive(Debug, Clone, Args)]
pub struct Pack {
    /// The model, as for `ship`.
    pub model: String,
    /// Which service, if several serve this model.
    #[arg(long)]
    pub service: Option<String>,
    /// The scorer's executable; by default `gangplank-scorer` beside this one.
    #[arg(long, env = "GANGPLANK_SCORER")]
    pub scorer: Option<PathBuf>,
    /// How long the bytes may take.
    #[command(flatten)]
    pub transfer: Transfer,
    /// What is put beside the image.
    #[command(flatten)]
    pub seals: Sealed,
}

/// A deployment file of Azure ML's in the place of a model.
#[derive(Debug, Clone, Default, Args)]
pub struct FromDeployment {
    /// A deployment file of Azure ML's CLI v2 (managed or Kubernetes) in the place of a model.
    #[arg(long, value_name = "FILE", conflicts_with = "service")]
    pub deployment: Option<PathBuf>,
    /// Whose service the deployment becomes, where the bridge file has none of that name.
    #[arg(long, requires = "deployment")]
    pub team: Option<String>,
}

/// Flags of `render`.
#[derive(Debug, Clone, Args)]
pub struct Render {
    /// The model, as for `ship`.
    #[arg(required_unless_present_any = ["workload", "deployment"], conflicts_with = "deployment")]
    pub model: Option<String>,
    /// The file in its place.
    #[command(flatten)]
    pub from: FromDeployment,
    /// Print what a pod of this workload needs instead, as a patch for its Deployment.
    #[arg(long, conflicts_with_all = ["model", "deployment"])]
    pub workload: Option<String>,
    /// The container of that Deployment.
    #[arg(long, default_value = "main", requires = "workload")]
    pub container: String,
    /// Which service, if several serve this model.
    #[arg(long)]
    pub service: Option<String>,
    /// The image, `HOST/PATH@sha256:…`; by default what the registry has for this model version.
    #[arg(long)]
    pub image: Option<String>,
}

/// What to do with the scorer's image.
#[derive(Debug, Clone, Args)]
pub struct Scorer {
    /// What to do.
    #[command(subcommand)]
    pub verb: ScorerVerb,
}

/// What to do with the scorer's image.
#[derive(Debug, Clone, Subcommand)]
pub enum ScorerVerb {
    /// Push the scorer's image to the bridge's repository as `gangplank-scorer:VERSION`.
    Push {
        /// The scorer's executable; by default `gangplank-scorer` beside this one.
        #[arg(long, env = "GANGPLANK_SCORER")]
        scorer: Option<PathBuf>,
    },
}
