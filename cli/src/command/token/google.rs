//! `gangplank token google`: an executable source for `external_account` credentials of Google's client libraries:
//! <https://google.aip.dev/auth/4117>.
//!
//! A refusal is an answer of the protocol, on stdout with exit code 0: the libraries show its code and message, and of any
//! other exit code only the number. Nothing is said on stderr: the library for Python takes it for part of the answer.

use std::path::{Path, PathBuf};

use identity::{Form, Handover};
use serde_json::json;

use super::broker::Broker;
use super::wanted::Wanted;
use super::{named_file, refuse_terminal};
use crate::edge;
use crate::output::out;
use crate::report::{Exit, Failure};

const AUDIENCE: &str = "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE";
const TOKEN_TYPE: &str = "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE";
const OUTPUT_FILE: &str = "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE";
const REVOKE: &str = "GOOGLE_EXTERNAL_ACCOUNT_REVOKE";
/// The types under which an Entra token may be announced.
const TOKEN_TYPES: [&str; 2] =
    ["urn:ietf:params:oauth:token-type:jwt", "urn:ietf:params:oauth:token-type:id_token"];

/// Answers a client library.
pub(super) fn run(named: Option<PathBuf>, broker: impl Fn(PathBuf) -> Result<Broker, Failure>) -> Exit {
    let answered =
        named_file(named, "gangplank-google-token").and_then(broker).and_then(|it| answer(&it.silent()));
    let Err(failure) = answered else { return Exit::Fine };
    let code = match failure.exit {
        Exit::Denied => "DENIED",
        Exit::Usage => "USAGE",
        _ => "FAILED",
    };
    let parts = [failure.what].into_iter().chain(failure.causes.into_iter().last()).chain(failure.hints);
    let message = parts.collect::<Vec<_>>().join("; ");
    let refusal = json!({ "version": 1, "success": false, "code": code, "message": message });
    out(&format!("{refusal}\n"));
    Exit::Fine
}

fn answer(broker: &Broker) -> Result<(), Failure> {
    let asked = |name: &str| {
        broker.variable(name).map(str::to_owned).ok_or_else(|| {
            Failure::usage(format!("`{name}` is not set"))
                .hint("Google's client libraries set it; this command is for them, `gangplank token plain` for people")
        })
    };
    let wanted = Wanted::Subject { audience: asked(AUDIENCE)? };
    let token_type = asked(TOKEN_TYPE)?;
    if !TOKEN_TYPES.contains(&token_type.as_str()) {
        return Err(Failure::usage(format!("`{TOKEN_TYPE}` is `{token_type}`"))
            .hint(format!("an Entra token is one of: {}", TOKEN_TYPES.join(", "))));
    }
    if broker.variable(REVOKE) == Some("1") {
        broker.forget(&wanted)?;
        out("{\"version\": 1, \"success\": true}\n");
        return Ok(());
    }
    refuse_terminal(broker.shows())?;
    let handover = Handover::new(broker.token(&wanted)?, Form::GoogleExecutable { token_type });
    if let Some(file) = broker.variable(OUTPUT_FILE) {
        edge::write_private(Path::new(file), |to| handover.write(to)).map_err(|error| {
            Failure::failed(format!("cannot write `{file}`"))
                .because(&error)
                .hint("`credential_source.executable.output_file` in the credential configuration names it")
        })?;
    }
    // A reader that went away is no failure of ours.
    let _ = handover.write(&mut std::io::stdout().lock());
    Ok(())
}
