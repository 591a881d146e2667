//! `gangplank sandbox`: both clouds on loopback until interrupted, and what can be asked of a running one.

mod control;
mod scenario;
mod world;

use std::pin::pin;

use sandbox::{Options, Sandbox};
use serde_json::json;

use crate::args::{Common, Format, Sandbox as Flags, SandboxVerb};
use crate::context::Context;
use crate::edge;
use crate::output::{out, print_value, say};
use crate::report::{Exit, Failure};

/// Runs the sandbox, or talks to a running one.
pub async fn run(flags: Flags, format: Format) -> Result<Exit, Failure> {
    match flags.verb {
        Some(SandboxVerb::Fault(fault)) => control::arm(&fault).await,
        Some(SandboxVerb::Faults(faults)) => control::faults(&faults, format).await,
        Some(SandboxVerb::Clock(clock)) => control::clock(&clock, format).await,
        Some(SandboxVerb::Load(load)) => world::load(&load).await,
        Some(SandboxVerb::Scenarios) => Ok(scenario::list(format)),
        None => up(flags, format).await,
    }
}

/// Starts a sandbox, worded for people if it cannot.
pub async fn start(options: Options) -> Result<Sandbox, Failure> {
    Sandbox::start(options)
        .await
        .map_err(|error| Failure::failed("the sandbox did not start").because(&error))
}

/// A context as a shell with the sandbox's `env` would give it.
pub(super) fn context(sandbox: &Sandbox, common: &Common) -> Result<Context, Failure> {
    let mut environment = edge::environment();
    environment.extend(sandbox.environment());
    let path = environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    let tools = sandbox.tools().display().to_string();
    environment.push(("PATH".to_owned(), format!("{tools}:{}", path.unwrap_or_default())));
    Context::with_environment(common, environment)
}

async fn up(flags: Flags, format: Format) -> Result<Exit, Failure> {
    let scenario = flags.scenario.as_deref().map(scenario::chosen).transpose()?;
    let world = flags.world.as_deref().map(world::read).transpose()?;
    let keep = flags.data.is_some();
    let folder = flags.data.or(flags.folder);
    let options = Options { base_port: flags.base_port, folder, keep, transcript: flags.transcript };
    // Listened for from the beginning: an interrupted start must leave nothing, too.
    let mut interrupted = pin!(crate::interrupted());
    let sandbox = tokio::select! {
        biased;
        () = &mut interrupted => return Ok(Exit::Fine),
        started = start(options) => started?,
    };
    if let Some(world) = &world {
        sandbox.load(&world.text).await.map_err(|problems| world::refused(&world.name, &problems))?;
    }
    if let Some(scenario) = scenario {
        tokio::select! {
            biased;
            () = &mut interrupted => return Ok(stopped(sandbox).await),
            played = scenario::play(&sandbox, scenario) => played?,
        }
    }
    announce(&sandbox, format);
    match scenario {
        Some(scenario) => scenario::announce(&sandbox, scenario)?,
        None => say(&next(&sandbox)),
    }
    interrupted.await;
    Ok(stopped(sandbox).await)
}

async fn stopped(sandbox: Sandbox) -> Exit {
    sandbox.stop().await;
    Exit::Fine
}

fn announce(sandbox: &Sandbox, format: Format) {
    let folder = sandbox.folder().display().to_string();
    if format == Format::Human {
        out(&edge::read(&sandbox.folder().join("env"))
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .unwrap_or_default());
    } else {
        let environment: serde_json::Map<_, _> =
            sandbox.environment().into_iter().map(|(name, value)| (name, value.into())).collect();
        print_value(&json!({
            "folder": folder,
            "addresses": sandbox.addresses(),
            "environment": environment,
            "path": sandbox.tools(),
        }));
    }
}

fn next(sandbox: &Sandbox) -> String {
    let folder = sandbox.folder().display();
    format!(
        "both clouds are up; in another shell:\n  source '{folder}/env'\n  gangplank plan\nCtrl-C ends the sandbox"
    )
}
