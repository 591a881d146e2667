//! `gangplank sandbox`: both clouds on loopback until interrupted, and faults for a running one.

use sandbox::{Options, Sandbox};

use crate::args::{FaultKind, Sandbox as Flags, SandboxVerb};
use crate::edge;
use crate::output::{out, say};
use crate::report::{Exit, Failure};

/// Runs the sandbox, or talks to a running one.
pub async fn run(flags: Flags) -> Result<Exit, Failure> {
    match flags.verb {
        Some(SandboxVerb::Fault { service, fault, amount, control }) => {
            arm(&control, &service, fault, amount).await
        }
        None => {
            up(Options { base_port: flags.base_port, folder: flags.folder, transcript: flags.transcript })
                .await
        }
    }
}

/// Starts a sandbox, worded for people if it cannot.
pub async fn start(options: Options) -> Result<Sandbox, Failure> {
    Sandbox::start(options)
        .await
        .map_err(|error| Failure::failed("the sandbox did not start").because(&error))
}

async fn up(options: Options) -> Result<Exit, Failure> {
    let sandbox = start(options).await?;
    let folder = sandbox.folder().display().to_string();
    out(&edge::read(&sandbox.folder().join("env"))
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .unwrap_or_default());
    say(&format!(
        "both clouds are up; in another shell:\n  source '{folder}/env'\n  gangplank plan\nCtrl-C ends the sandbox"
    ));
    crate::interrupted().await;
    sandbox.stop().await;
    Ok(Exit::Fine)
}

async fn arm(control: &str, service: &str, fault: FaultKind, amount: u32) -> Result<Exit, Failure> {
    let body = match fault {
        FaultKind::Throttle => serde_json::json!({"fault": "throttle", "retry_after": amount}),
        FaultKind::Cut => serde_json::json!({"fault": "cut", "after": amount}),
        FaultKind::Expired => serde_json::json!({"fault": "expired"}),
    };
    let url = format!("{}/faults/{service}", control.trim_end_matches('/'));
    let unreachable = |error: reqwest::Error| {
        Failure::failed(format!("cannot reach a sandbox at `{control}`"))
            .because(&error)
            .hint("start one with `gangplank sandbox`")
    };
    let reply = reqwest::Client::new().post(url).json(&body).send().await.map_err(unreachable)?;
    if reply.status().is_success() {
        say(&format!("the next request to {service} meets it"));
        return Ok(Exit::Fine);
    }
    let why = reply.text().await.unwrap_or_default();
    Err(Failure::usage(format!("the sandbox refused: {}", why.trim())))
}
