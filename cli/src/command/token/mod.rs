//! `gangplank token`: short-lived tokens for other tools, in the form that each of them knows.
//!
//! 1. The tool's own protocol is read: what it wants, and in which form ([`kubectl`], [`docker`], [`google`], [`plain`]).
//! 2. The store is asked ([`broker`]). A kept token that is fresh is the whole answer: no runtime, no TLS, no parsing of the
//!    bridge file, since tools ask before every single request.
//! 3. Otherwise one process at a time walks the chain and keeps what it gets.

mod broker;
mod docker;
mod google;
mod install;
mod kubectl;
pub mod names;
mod plain;
mod wanted;

use std::path::PathBuf;

use crate::args::{Arguments, Command, Common, Token, TokenVerb};
use crate::context::bridge_file;
use crate::edge;
use crate::report::{Exit, Failure};

use broker::Broker;

/// Runs `gangplank token` if that is what was typed; gives everything else back.
pub fn run(arguments: Arguments, named: Option<PathBuf>) -> Result<Exit, Box<Arguments>> {
    let Arguments { common, command } = arguments;
    match command {
        Command::Token(token) => Ok(end(answer(&common, named, token))),
        command => Err(Box::new(Arguments { common, command })),
    }
}

fn end(ended: Result<Exit, Failure>) -> Exit {
    ended.unwrap_or_else(|failure| {
        failure.say();
        failure.exit
    })
}

/// Answers one tool. `named` is the bridge file where somebody named one.
fn answer(common: &Common, named: Option<PathBuf>, token: Token) -> Result<Exit, Failure> {
    let Token { show, verb } = token;
    let broker = |file: PathBuf| Broker::new(Common { file, ..common.clone() }, show);
    match verb {
        TokenVerb::Install(flags) => install::run(&flags, named),
        TokenVerb::Forget => broker::forget(),
        TokenVerb::Plain(flags) => plain::run(&broker(bridge_file(common))?, &flags),
        TokenVerb::Kubectl(flags) => kubectl::run(&broker(named_file(named, "kubectl")?)?, &flags),
        TokenVerb::Docker(flags) => docker::run(flags.act, named.as_ref(), broker),
        TokenVerb::Google => Ok(google::run(named, broker)),
    }
}

/// The bridge file, which must have been named: tools run in folders that others fill, and a bridge file decides to whom a
/// log-in is sent.
fn named_file(named: Option<PathBuf>, tool: &str) -> Result<PathBuf, Failure> {
    named.ok_or_else(|| {
        Failure::usage(format!(
            "no bridge file is named, and `{tool}` may run in a folder that is not yours; `./bridge.yaml` is not looked at"
        ))
        .hint("set GANGPLANK_FILE to its absolute path, or run `gangplank token install --dir DIR -f FILE` once")
    })
}

/// Whether stdout is a terminal, where a token would stay readable.
fn refuse_terminal(show: bool) -> Result<(), Failure> {
    if show || !edge::stdout_is_terminal() {
        return Ok(());
    }
    Err(Failure::usage("a token would be shown on the terminal")
        .hint("pipe it to the tool that needs it, or add --show"))
}
