//! One file a command: load, connect, act, print.

pub mod apply;
pub mod can;
mod connect;
pub mod copy;
#[cfg(feature = "sandbox")]
mod demo;
pub mod destroy;
pub mod doctor;
mod evidence;
pub mod explain;
pub mod export;
pub mod import;
pub mod init;
pub mod manual;
pub mod models;
#[cfg(feature = "sandbox")]
pub mod oracle;
pub mod pack;
mod picked;
pub mod plan;
pub mod render;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod scorer;
mod sealed;
pub mod ship;
mod snapshot;
mod terraform;
pub mod token;
mod way_back;
pub mod whoami;

use crate::args::{Arguments, Command};
use crate::context::Context;
use crate::report::{Exit, Failure};

/// Runs what was typed.
pub async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let common = arguments.common;
    let load = || Context::load(&common);
    match arguments.command {
        #[cfg(feature = "sandbox")]
        Command::Demo(flags) => demo::run(flags).await,
        #[cfg(feature = "sandbox")]
        Command::Sandbox(flags) => sandbox::run(flags, common.output).await,
        Command::Init(flags) => init::run(&common, &flags).await,
        Command::Import(flags) => import::run(&common, &flags).await,
        Command::Plan(flags) => plan::run(&load()?, &flags).await,
        Command::Apply(flags) => apply::run(&load()?, &flags).await,
        Command::Destroy(flags) => destroy::run(&load()?, &flags).await,
        Command::Whoami => whoami::run(&load()?).await,
        Command::Models(flags) => models::run(&load()?, &flags).await,
        Command::Ship(flags) => ship::run(&load()?, &flags).await,
        Command::Pack(flags) => pack::run(&load()?, &flags).await,
        Command::Copy(flags) => copy::run(&load()?, &flags).await,
        Command::Render(flags) => render::run(&load()?, &flags).await,
        Command::Doctor(flags) if !flags.evidence.is_empty() => {
            evidence::run(&common, &flags.evidence, flags.team.as_deref())
        }
        Command::Doctor(flags) => doctor::run(&load()?, &flags).await,
        Command::Can(flags) if !flags.evidence.is_empty() => can::from_evidence(&common, &flags).await,
        Command::Can(flags) => can::run(&load()?, &flags).await,
        Command::Explain(flags) => explain::run(&flags, common.output),
        Command::Snapshot(flags) => snapshot::run(&load()?, &flags).await,
        Command::Scorer(flags) => scorer::run(&load()?, &flags).await,
        Command::Export(flags) => export::run(&load()?, &common, &flags).await,
        Command::Completions(flags) => Ok(manual::completions(&flags)),
        Command::Man(flags) => manual::man(&flags),
        // It has its own way in, before the runtime starts: see `crate::main`.
        Command::Token(_) => Err(Failure::usage("`token` cannot be run from here")),
    }
}
