//! Flags of `gangplank sandbox` and `gangplank demo`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};

/// Flags of `demo`.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// Leave the sandbox up and say how to play on.
    #[arg(long)]
    pub keep: bool,
    /// The scorer's executable; by default `gangplank-scorer` beside this one.
    #[arg(long, env = "GANGPLANK_SCORER")]
    pub scorer: Option<PathBuf>,
}

/// Flags of `sandbox`.
#[derive(Debug, Clone, Args)]
pub struct Sandbox {
    /// What to do; without it, run the sandbox until interrupted.
    #[command(subcommand)]
    pub verb: Option<SandboxVerb>,
    /// Use this port and the ones after it; by default the system chooses.
    #[arg(long)]
    pub base_port: Option<u16>,
    /// Leave addresses, certificates and log-ins in this folder; by default a fresh one, removed at the end.
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// Write every request and its answer into this file, one JSON line each, without secrets.
    #[arg(long)]
    pub transcript: Option<PathBuf>,
    /// Keep everything that is set up in this folder, and begin with what was kept there; what `--folder` leaves is left
    /// there, too.
    #[arg(long, conflicts_with = "folder")]
    pub data: Option<PathBuf>,
    /// Bring the world of this file in.
    #[arg(long)]
    pub world: Option<PathBuf>,
    /// Set the trust up and let the trouble of this scenario happen; `sandbox scenarios` lists them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["world", "data"])]
    pub scenario: Option<String>,
}

/// What to do with a running sandbox.
#[derive(Debug, Clone, Subcommand)]
pub enum SandboxVerb {
    /// Let a fault strike requests to a service, or stand there.
    Fault(ArmFault),
    /// List the faults that are armed, or clear them.
    Faults(ListFaults),
    /// Tell the sandbox's time, or put its clock forward.
    Clock(MoveClock),
    /// Bring a world from a file in.
    Load(LoadWorld),
    /// List the scenarios that can be played.
    Scenarios,
}

/// Flags of `sandbox fault`.
#[derive(Debug, Clone, Args)]
pub struct ArmFault {
    /// The service.
    #[arg(value_parser = PossibleValuesParser::new(sandbox::fault::strikeable()))]
    pub service: String,
    /// What happens.
    #[arg(value_enum)]
    pub fault: FaultKind,
    /// How much of it: seconds to ask for (throttle), status (error), milliseconds (late, stall), bytes let through
    /// (cut), seconds (skew, propagation, stale).
    #[arg(long, allow_hyphen_values = true)]
    pub amount: Option<i64>,
    /// Bytes let through before a stall.
    #[arg(long, default_value_t = 0)]
    pub after: u64,
    /// How many requests meet it; one by default.
    #[arg(long, conflicts_with = "until_cleared")]
    pub times: Option<u32>,
    /// Every request meets it, until it is cleared.
    #[arg(long)]
    pub until_cleared: bool,
    /// Only requests of this method meet it.
    #[arg(long)]
    pub method: Option<String>,
    /// Only requests whose path begins so meet it.
    #[arg(long)]
    pub path: Option<String>,
    /// Where the sandbox's controls are.
    #[arg(long, env = "GANGPLANK_SANDBOX")]
    pub control: String,
}

/// Flags of `sandbox faults`.
#[derive(Debug, Clone, Args)]
pub struct ListFaults {
    /// Only those of this service.
    #[arg(value_parser = PossibleValuesParser::new(sandbox::fault::strikeable()))]
    pub service: Option<String>,
    /// Clear them.
    #[arg(long)]
    pub clear: bool,
    /// Where the sandbox's controls are.
    #[arg(long, env = "GANGPLANK_SANDBOX")]
    pub control: String,
}

/// Flags of `sandbox clock`.
#[derive(Debug, Clone, Args)]
pub struct MoveClock {
    /// Put the clock forward by so many seconds.
    #[arg(long)]
    pub advance: Option<u32>,
    /// Where the sandbox's controls are.
    #[arg(long, env = "GANGPLANK_SANDBOX")]
    pub control: String,
}

/// Flags of `sandbox load`.
#[derive(Debug, Clone, Args)]
pub struct LoadWorld {
    /// The world file.
    pub world: PathBuf,
    /// Where the sandbox's controls are.
    #[arg(long, env = "GANGPLANK_SANDBOX")]
    pub control: String,
}

/// The faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FaultKind {
    /// Answer that there are too many requests, with `Retry-After`.
    Throttle,
    /// Answer with a server's error.
    Error,
    /// Hold the answer back.
    Late,
    /// Hold the rest of the answer back once its body has begun.
    Stall,
    /// Close the connection in mid-answer.
    Cut,
    /// Close the connection before anything was done.
    Reset,
    /// Do what was asked, then close the connection in the place of an answer.
    LostAnswer,
    /// Alter one byte of a file that is sent or received.
    WrongDigest,
    /// Treat the caller's token as expired.
    Expired,
    /// The service's clock is off.
    Skew,
    /// Changes made through the service count elsewhere only later.
    Propagation,
    /// The service decides by what was true earlier.
    Stale,
}
