//! The voice: what is typed comes in, what happened goes out.
//!
//! [`main`] parses, sets up the runtime and the log, runs one command from [`command`] and turns its end into words
//! ([`report`]) and an exit code. A command loads the bridge file ([`context`]), connects `clouds`, calls an act of
//! `bridge`, and prints what it returns ([`output`]).
//!
//! Never: logic that a test would want without a process; that lives below.

pub mod args;
pub mod command;
pub mod context;
pub mod edge;
pub mod output;
pub mod report;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _};
use tracing_subscriber::EnvFilter;

use crate::args::Arguments;
use crate::report::{Exit, Failure};

/// The whole program.
pub fn main() -> ExitCode {
    let (typed, called) = command::token::names::spelt_out(edge::typed());
    let matches = Arguments::command().get_matches_from(typed);
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    log(arguments.common.verbose);
    let named = named_file(&matches, &arguments, called);
    // Tools ask for tokens before every request: what can be answered at once is, before anything is started.
    let arguments = match command::token::run(arguments, named) {
        Ok(end) => return end.into(),
        Err(arguments) => *arguments,
    };
    choose_crypto();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(failure) => {
            failure.say();
            return failure.exit.into();
        }
    };
    let end = runtime.block_on(run(arguments));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    end.into()
}

/// The bridge file, where somebody named one: typed, in the environment, or when the name we were called by was installed.
fn named_file(matches: &clap::ArgMatches, arguments: &Arguments, called: Option<PathBuf>) -> Option<PathBuf> {
    let mut leaf = matches;
    while let Some((_, below)) = leaf.subcommand() {
        leaf = below;
    }
    let chosen = leaf.value_source("file").is_some_and(|source| source != ValueSource::DefaultValue);
    // An empty `GANGPLANK_FILE` is as good as none.
    if chosen && !arguments.common.file.as_os_str().is_empty() {
        return Some(arguments.common.file.clone());
    }
    let environment = identity::Environment::from_pairs(edge::environment());
    let folder = command::token::names::folder(&called?, environment.get("PATH"))?;
    let record = edge::read(&folder.join(command::token::names::RECORD)).ok()?;
    Some(PathBuf::from(String::from_utf8(record).ok()?.trim_end_matches('\n')))
}

/// Several crates of the tree can choose a crypto provider; choosing first makes it ours for all of them.
pub(crate) fn choose_crypto() {
    let _was_chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot start the runtime").because(&error))
}

/// Runs one command until its end or until Ctrl-C.
async fn run(arguments: Arguments) -> Exit {
    let waits_for_it = arguments.command.waits_for_interrupt();
    let ended = tokio::select! {
        ended = command::run(arguments) => ended,
        () = interrupted(), if !waits_for_it => {
            output::say("interrupted; everything done so far stays done: run the same command again to finish");
            return Exit::Interrupted;
        }
    };
    match ended {
        Ok(exit) => exit,
        Err(failure) => {
            failure.say();
            failure.exit
        }
    }
}

/// Resolves on Ctrl-C or SIGTERM.
pub(crate) async fn interrupted() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        result = tokio::signal::ctrl_c() => {
            if result.is_err() {
                std::future::pending::<()>().await;
            }
        }
        () = terminated => {}
    }
}

/// Sends the log to stderr: warnings, or more with each `-v`. `GANGPLANK_LOG` takes a filter of its own.
fn log(verbose: u8) {
    let level = match verbose {
        0 => "error",
        1 => "warn,gangplank=info,gangplank_clouds=info,gangplank_identity=info,gangplank_oci=info",
        2 => {
            "info,gangplank=debug,gangplank_clouds=debug,gangplank_identity=debug,gangplank_oci=debug,gangplank_sandbox=debug"
        }
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("GANGPLANK_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(true)
        .compact()
        .try_init();
}
