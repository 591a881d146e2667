//! `gangplank sandbox --scenario` and `sandbox scenarios`: troubles that people meet, to be played.

use std::fmt::Write as _;

use bridge::act::{self, Purpose};
use sandbox::{SCENARIOS, Sandbox, Scenario};
use serde::{Deserialize, Serialize};

use super::{context, world};
use crate::args::{Administrate, Common, Format};
use crate::command::{connect, plan};
use crate::edge::SystemTime;
use crate::output::{Human, Progress, print, say};
use crate::report::{Exit, Failure};

/// What a player needs to know of `expected.yaml`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Played {
    #[serde(default = "walk")]
    asks: String,
    #[serde(rename = "as")]
    log_in: Option<String>,
    #[serde(default)]
    env: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    set_up: SetUp,
}

/// When the trust is set up.
#[derive(Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum SetUp {
    /// Before the trouble.
    #[default]
    Before,
    /// Before, and again amid it.
    Again,
    /// Amid it.
    After,
    Never,
}

fn walk() -> String {
    "doctor --team oncology".to_owned()
}

/// `sandbox scenarios`.
pub(super) fn list(format: Format) -> Exit {
    let all = SCENARIOS.iter().map(|it| Listed {
        name: it.name,
        about: it.title(),
        offline: !it.evidence.is_empty(),
    });
    print(format, &List(all.collect()));
    Exit::Fine
}

/// The scenario of this name that a sandbox can play.
pub(super) fn chosen(name: &str) -> Result<&'static Scenario, Failure> {
    let known = "`gangplank sandbox scenarios` lists them";
    match Scenario::find(name) {
        None => Err(Failure::usage(format!("there is no scenario `{name}`")).hint(known)),
        Some(scenario) if !scenario.evidence.is_empty() => {
            let evidence = format!("sandbox/scenarios/{name}/evidence");
            Err(Failure::usage(format!("scenario `{name}` is told by collected evidence, and not played"))
                .hint(format!("`gangplank doctor --evidence {evidence}` reads it")))
        }
        Some(scenario) => Ok(scenario),
    }
}

/// Brings a fresh sandbox into the scenario's trouble: sets the trust up as an administrator would, then lets it happen.
pub(super) async fn play(sandbox: &Sandbox, scenario: &Scenario) -> Result<(), Failure> {
    let played = played(scenario)?;
    let (before, after) = scenario.bridge_patches();
    patch(sandbox, before)?;
    if matches!(played.set_up, SetUp::Before | SetUp::Again) {
        say("setting the trust up, before the trouble …");
        set_up(sandbox).await?;
    }
    patch(sandbox, after)?;
    if let Some(text) = scenario.world {
        let name = format!("{}/world.yaml", scenario.name);
        sandbox.load(text).await.map_err(|problems| world::refused(&name, &problems))?;
    }
    if matches!(played.set_up, SetUp::After | SetUp::Again) {
        say("setting the trust up, amid the trouble …");
        set_up(sandbox).await?;
    }
    Ok(())
}

/// Says what there is to do in a scenario.
pub(super) fn announce(sandbox: &Sandbox, scenario: &Scenario) -> Result<(), Failure> {
    let (played, folder) = (played(scenario)?, sandbox.folder().display().to_string());
    let mut text = format!("\n{}\nin another shell:\n  source '{folder}/env'\n", scenario.readme.trim_end());
    // Writing into a string cannot fail.
    if let Some(log_in) = &played.log_in {
        let _ = writeln!(text, "  source '{folder}/{log_in}.env'");
    }
    for (name, value) in &played.env {
        let _ = writeln!(text, "  export {name}='{value}'");
    }
    let _ = writeln!(text, "  gangplank {}\nCtrl-C ends the sandbox", played.asks);
    say(text.trim_end());
    Ok(())
}

fn played(scenario: &Scenario) -> Result<Played, Failure> {
    serde_saphyr::from_str(scenario.expected)
        .map_err(|error| Failure::failed(format!("scenario `{}` cannot be read: {error}", scenario.name)))
}

fn patch(sandbox: &Sandbox, patch: Option<&str>) -> Result<(), Failure> {
    let Some(patch) = patch else { return Ok(()) };
    let failed = "the scenario's bridge file was not written";
    sandbox.patch_bridge(patch).map_err(|error| Failure::failed(failed).because(&error))
}

async fn set_up(sandbox: &Sandbox) -> Result<(), Failure> {
    let file = sandbox.folder().join("bridge.yaml");
    let common = Common { file, output: Format::Human, log_in: None, verbose: 0 };
    let context = context(sandbox, &common)?;
    let flags = Administrate { kubeconfig: None, context: None };
    let administrator = connect::administrator(&context, &flags).await?;
    let purpose = Purpose::Declared { adopt: Vec::new() };
    let seen = plan::look(&context, &purpose, &administrator).await?;
    let progress = Progress::new(Format::Human);
    let edge = (&SystemTime, &progress);
    let done = act::carry_out(&context.bridge, &seen, &purpose, &administrator, edge).await;
    done.map(drop).map_err(|error| Failure::failed("the trust was not set up").because(&error))
}

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    about: &'static str,
    offline: bool,
}

#[derive(Serialize)]
#[serde(transparent)]
struct List(Vec<Listed>);

impl Human for List {
    fn human(&self) -> String {
        let width = self.0.iter().map(|it| it.name.len()).max().unwrap_or_default();
        let mut text = String::new();
        for Listed { name, about, offline } in &self.0 {
            let sign = if *offline { " (offline)" } else { "" };
            // Writing into a string cannot fail.
            let _ = writeln!(text, "{name:width$}  {about}{sign}");
        }
        text
    }
}
