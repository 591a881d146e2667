//! Flags of `gangplank token`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

/// Flags of `token`.
#[derive(Debug, Clone, Args)]
pub struct Token {
    /// Show a token even if stdout is a terminal.
    #[arg(long, global = true)]
    pub show: bool,
    /// For whom.
    #[command(subcommand)]
    pub verb: TokenVerb,
}

/// For whom a token is.
#[derive(Debug, Clone, Subcommand)]
pub enum TokenVerb {
    /// An exec credential for kubectl, as a team's service account.
    Kubectl(TokenKubectl),
    /// A credential helper for docker, podman, skopeo and crane.
    Docker(TokenDocker),
    /// An executable source for Google's client libraries.
    Google,
    /// The token itself, for scripts.
    Plain(TokenPlain),
    /// Make the names that other tools call, as links to this executable.
    Install(TokenInstall),
    /// Forget every token that is kept.
    Forget,
}

/// Flags of `token kubectl`.
#[derive(Debug, Clone, Args)]
pub struct TokenKubectl {
    /// The team to act for; the only one there is, if there is only one.
    #[arg(long, env = "GANGPLANK_TEAM")]
    pub team: Option<String>,
    /// How long the token lives: 1m to 1h.
    #[arg(long, default_value = "15m", value_parser = lifetime)]
    pub lifetime: Duration,
}

/// Flags of `token docker`.
#[derive(Debug, Clone, Args)]
pub struct TokenDocker {
    /// What docker wants; the server's name comes on stdin.
    #[arg(value_enum)]
    pub act: DockerAct,
}

/// What docker asks its helpers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DockerAct {
    /// A log-in for the server.
    Get,
    /// Keep a log-in; refused, since none is ever kept.
    Store,
    /// Forget the log-in for the server.
    Erase,
    /// The servers known.
    List,
    /// Our version.
    Version,
}

/// Flags of `token plain`.
#[derive(Debug, Clone, Args)]
pub struct TokenPlain {
    /// A Google token of this team's service account; without it, of the federated principal.
    #[arg(long, conflicts_with = "azure")]
    pub team: Option<String>,
    /// An Entra token for this scope, `https://management.azure.com/.default`.
    #[arg(long, value_name = "SCOPE")]
    pub azure: Option<String>,
    /// How long a service account's token lives: 1m to 1h. Other tokens live as long as their issuer says.
    #[arg(long, default_value = "15m", value_parser = lifetime)]
    pub lifetime: Duration,
}

/// Flags of `token install`.
#[derive(Debug, Clone, Args)]
pub struct TokenInstall {
    /// The folder, which should be on PATH.
    #[arg(long)]
    pub dir: PathBuf,
}

/// Reads the lifetime of a token.
pub(super) fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = super::length(text)?;
    let bounds = Duration::from_mins(1)..=Duration::from_hours(1);
    if bounds.contains(&lifetime) { Ok(lifetime) } else { Err("expected 1m to 1h".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_have_a_unit_and_bounds() {
        for (text, seconds) in [("60s", 60), ("15m", 900), ("1h", 3600), ("3600s", 3600)] {
            assert_eq!(lifetime(text).unwrap().as_secs(), seconds, "{text}");
        }
        for odd in ["", "15", "59s", "61m", "2h", "m", "-5m", "15mm", "18446744073709551615h"] {
            assert!(lifetime(odd).is_err(), "{odd}");
        }
    }
}
