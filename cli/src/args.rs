//! What can be typed: commands, flags, and the environment variables that stand for flags.

mod can;
mod copy;
mod doctor;
mod export;
mod import;
mod init;
#[cfg(feature = "sandbox")]
mod sandbox;
mod sealed;
mod set_up;
mod ship;
mod token;
mod transfer;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use identity::source::SourceName;

#[cfg(feature = "sandbox")]
pub use self::sandbox::{ArmFault, Demo, FaultKind, ListFaults, LoadWorld, MoveClock, Sandbox, SandboxVerb};
pub use can::Can;
pub use copy::Copy;
pub use doctor::{Doctor, Explain, Snapshot};
pub use export::{CredSource, Export, ExportCredConfig, ExportVerb};
pub use import::Import;
pub use init::{Init, Places};
pub use sealed::Sealed;
pub use set_up::{Administrate, Destroy, SetUp};
pub use ship::{FromDeployment, Models, Pack, Render, Scorer, ScorerVerb, Ship};
pub use token::{DockerAct, Token, TokenDocker, TokenInstall, TokenKubectl, TokenPlain, TokenVerb};
pub use transfer::Transfer;

/// The keyless bridge that carries models from Azure ML to GKE, and tells you why when something is turned away.
///
/// Exit codes: 0 fine, 1 we failed, 2 usage, 3 findings or denied, 4 drift.
#[derive(Debug, Parser)]
#[command(name = "gangplank", version, propagate_version = true, max_term_width = 110)]
pub struct Arguments {
    /// Flags of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The bridge file.
    #[arg(short, long, global = true, default_value = "bridge.yaml", env = "GANGPLANK_FILE")]
    pub file: PathBuf,
    /// How to print what was asked for.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Human)]
    pub output: Format,
    /// Log in to Entra this way, and no other; by default the first way that is there (see `gangplank whoami`).
    #[arg(long = "as", global = true, value_name = "NAME", env = "GANGPLANK_AS", value_parser = log_ins())]
    pub log_in: Option<SourceName>,
    /// Say more: -v what is done, -vv every hop and request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The names that `--as` takes.
fn log_ins() -> impl TypedValueParser<Value = SourceName> {
    PossibleValuesParser::new(SourceName::ALL.map(SourceName::as_str))
        .try_map(|name| name.parse::<SourceName>())
}

/// How to print what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Human,
    /// One JSON document.
    Json,
    /// One YAML document.
    Yaml,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole story on the sandbox: set up, ship, score, break it, diagnose it, mend it.
    #[cfg(feature = "sandbox")]
    Demo(Demo),
    /// Write a first bridge file from what can be detected and what you answer.
    Init(Init),
    /// Write a bridge file from what both clouds have already. Changes nothing on them.
    Import(Import),
    /// Say what has to change on both clouds; exits 4 if anything has to.
    Plan(SetUp),
    /// Make the changes that `plan` shows.
    Apply(SetUp),
    /// Remove everything this bridge made, and nothing else.
    Destroy(Destroy),
    /// Say who one is on both sides: which log-in was taken and why, the claims, the principal, the teams.
    Whoami,
    /// List what Azure ML has.
    Models(Models),
    /// Carry a model version over and wait until it answers.
    Ship(Ship),
    /// Make a model version's image and push it, and no more.
    Pack(Pack),
    /// Carry an image from registry to registry, with what refers to it.
    Copy(Copy),
    /// Print the manifests that `ship` applies.
    Render(Render),
    /// Walk the identity chain and name the first broken link.
    Doctor(Doctor),
    /// Say whether somebody may do something, and by which rule; exits 3 if not.
    Can(Can),
    /// Say what an error message, a log or a code comes from, and what to do about it.
    Explain(Explain),
    /// Collect what the doctor looks at in a folder of files, without any secret, for `doctor --evidence`.
    Snapshot(Snapshot),
    /// The scorer's image, which `runtime: onnx` builds on.
    Scorer(Scorer),
    /// Write the bridge in the formats of other tools.
    Export(Export),
    /// Print a completion script for a shell.
    Completions(Completions),
    /// Write man pages.
    Man(Man),
    /// Short-lived tokens for other tools: kubectl, docker, Google's client libraries.
    Token(Token),
    /// Both clouds on loopback.
    #[cfg(feature = "sandbox")]
    Sandbox(Sandbox),
}

impl Command {
    /// Whether Ctrl-C is how the command is meant to end, so that it sees to it itself.
    pub fn waits_for_interrupt(&self) -> bool {
        #[cfg(feature = "sandbox")]
        return matches!(self, Self::Demo(_) | Self::Sandbox(_));
        #[cfg(not(feature = "sandbox"))]
        false
    }
}

/// Flags of `completions`.
#[derive(Debug, Clone, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Flags of `man`.
#[derive(Debug, Clone, Args)]
pub struct Man {
    /// The folder to write to; made if need be.
    pub dir: PathBuf,
}

/// A length of time as typed: a number of seconds, or with units.
fn length(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    let with_units = || Duration::try_from(text.parse::<jiff::SignedDuration>().ok()?).ok();
    let length = seconds.or_else(with_units).filter(|length| !length.is_zero());
    length
        .ok_or_else(|| format!("`{text}` is no length of time, expected `90s`, `10m` or a number of seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, seconds) in [("90", 90), ("20s", 20), ("10m", 600), ("1h 30m", 5400)] {
            assert_eq!(length(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0", "-5", "-5s", "soon", "10 x"] {
            assert!(length(text).is_err(), "{text}");
        }
    }
}
