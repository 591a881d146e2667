//! What can be typed: commands, flags, and the environment variables that stand for flags.

mod can;
mod copy;
mod export;
mod import;
mod init;
mod token;

use std::path::PathBuf;
use std::time::Duration;

pub use can::Can;
use clap::builder::{PossibleValuesParser, TypedValueParser};
pub use copy::Copy;
pub use export::{CredSource, Export, ExportCredConfig, ExportVerb};
pub use import::Import;
pub use init::{Init, Places};
pub use token::{DockerAct, Token, TokenDocker, TokenInstall, TokenKubectl, TokenPlain, TokenVerb};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use identity::source::SourceName;

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

/// Flags of `demo`.
#[cfg(feature = "sandbox")]
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
#[cfg(feature = "sandbox")]
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
#[cfg(feature = "sandbox")]
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
#[cfg(feature = "sandbox")]
#[derive(Debug, Clone, Args)]
pub struct ArmFault {
    /// The service.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(sandbox::fault::strikeable()))]
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
#[cfg(feature = "sandbox")]
#[derive(Debug, Clone, Args)]
pub struct ListFaults {
    /// Only those of this service.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(sandbox::fault::strikeable()))]
    pub service: Option<String>,
    /// Clear them.
    #[arg(long)]
    pub clear: bool,
    /// Where the sandbox's controls are.
    #[arg(long, env = "GANGPLANK_SANDBOX")]
    pub control: String,
}

/// Flags of `sandbox clock`.
#[cfg(feature = "sandbox")]
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
#[cfg(feature = "sandbox")]
#[derive(Debug, Clone, Args)]
pub struct LoadWorld {
    /// The world file.
    pub world: PathBuf,
    /// Where the sandbox's controls are.
    #[arg(long, env = "GANGPLANK_SANDBOX")]
    pub control: String,
}

/// The faults.
#[cfg(feature = "sandbox")]
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
