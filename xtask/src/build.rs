//! Building what the demo needs: the scorer as a static binary, because it becomes an image with nothing else in it,
//! and gangplank itself as usual.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::{Context, bail, ensure};

use crate::source;

/// Where the two binaries are.
pub(crate) struct Built {
    pub(crate) gangplank: PathBuf,
    pub(crate) scorer: PathBuf,
}

/// Which profile to build with.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// Quick to build and small, for tests.
    Image,
    /// Optimised.
    Release,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Release => "release",
        }
    }
}

/// Builds both and runs `gangplank demo`, handing on further arguments.
pub(crate) fn demo(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let built = both()?;
    let status = Command::new(&built.gangplank)
        .arg("demo")
        .arg("--scorer")
        .arg(&built.scorer)
        .args(arguments)
        .status()
        .with_context(|| format!("cannot run {}", built.gangplank.display()))?;
    Ok(ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)))
}

/// Runs a program that measures, in release: it is the time of those who use it that counts.
pub(crate) fn bench(example: &str) -> anyhow::Result<ExitCode> {
    let arguments = ["run", "--quiet", "--release", "--package", "gangplank-bridge", "--example", example];
    let status = Command::new(env!("CARGO")).args(arguments).status().context("cannot run cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds both in release.
pub(crate) fn both() -> anyhow::Result<Built> {
    let scorer = scorer(Profile::Release)?;
    cargo(Profile::Release, &["--package", "gangplank"], &[])?;
    Ok(Built { gangplank: target().join("release").join("gangplank"), scorer })
}

/// Builds the scorer with its C library inside. Naming the target keeps the flag away from procedural macros, which
/// cannot be linked that way.
pub(crate) fn scorer(profile: Profile) -> anyhow::Result<PathBuf> {
    let host = host()?;
    ensure!(host.contains("linux"), "the scorer is built for Linux pods; this host is {host}");
    let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", host.to_uppercase().replace('-', "_"));
    let arguments = ["--package", "gangplank-scorer", "--target", &host];
    cargo(profile, &arguments, &[(&flags, "-C target-feature=+crt-static")])?;
    Ok(target().join(host).join(profile.name()).join("gangplank-scorer"))
}

fn cargo(profile: Profile, arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<()> {
    let mut command = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    command.current_dir(source::root()).args(["build", "--profile", profile.name()]).args(arguments);
    command.envs(environment.iter().copied());
    let status = command.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo build {} failed", arguments.join(" "));
    }
    Ok(())
}

/// The triple of this machine, as the compiler names it.
fn host() -> anyhow::Result<String> {
    let version = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let text = String::from_utf8_lossy(&version.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("rustc -vV names no host")?.to_owned())
}

#[expect(clippy::disallowed_methods, reason = "an edge: cargo tells its target folder by the environment")]
pub(crate) fn target() -> PathBuf {
    std::env::var("CARGO_TARGET_DIR").map_or_else(|_| source::root().join("target"), PathBuf::from)
}
