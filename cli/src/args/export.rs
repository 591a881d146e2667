//! Flags of `gangplank export`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

/// Flags of `export`.
#[derive(Debug, Clone, Args)]
pub struct Export {
    /// What to write.
    #[command(subcommand)]
    pub verb: ExportVerb,
}

/// What can be written.
#[derive(Debug, Clone, Subcommand)]
pub enum ExportVerb {
    /// An `external_account` file, with which Google's client libraries cross the bridge themselves. It holds no secret.
    CredConfig(ExportCredConfig),
    /// Everything that `apply` would make, for Terraform or OpenTofu. Changes nothing.
    Terraform(super::Administrate),
}

/// Flags of `export cred-config`.
#[derive(Debug, Clone, Args)]
pub struct ExportCredConfig {
    /// Where a library finds the Entra token.
    #[arg(long, value_enum)]
    pub source: CredSource,
    /// A team; its service account is impersonated. Without one, the federated principal acts itself.
    #[arg(long)]
    pub team: Option<String>,
    /// How long an impersonated token lives: 10m to 1h.
    #[arg(long, value_parser = super::token::lifetime)]
    pub lifetime: Option<Duration>,
    /// With `--source file`: the file that holds the token.
    #[arg(long, required_if_eq("source", "file"))]
    pub token_file: Option<PathBuf>,
    /// With `--source instance-metadata`: the client id of a user-assigned managed identity.
    #[arg(long)]
    pub client_id: Option<String>,
    /// With `--source executable`: how long the command may run, 5s to 2m.
    #[arg(long, value_parser = super::length, default_value = "30s")]
    pub timeout: Duration,
    /// With `--source executable`: where the libraries look for the last answer before they run the command.
    #[arg(long)]
    pub output_file: Option<PathBuf>,
}

/// Where a library finds the Entra token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CredSource {
    /// In a file that something else keeps fresh.
    File,
    /// At Azure's instance metadata endpoint, on virtual machines.
    InstanceMetadata,
    /// By `gangplank token google`, with any log-in that gangplank knows.
    Executable,
}
