//! How a scenario is played: set up, troubled, asked about, mended, healthy again.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::ask::{ask, expect, filled, findings, printed, yaml};
use super::folder::{Expected, Scenario, SetUp};
use crate::harbour::{Harbour, ended};

/// A harbour before the trouble.
pub(crate) fn begin(scenario: &Scenario) -> Result<Harbour, String> {
    let harbour = Harbour::new();
    if let Some((before, _)) = &scenario.bridge {
        patch(&harbour, before)?;
    }
    if matches!(scenario.expected.set_up, SetUp::Before | SetUp::Again) {
        let applied = harbour.run(&["apply"]);
        expect(&applied, 0, "the first apply")?;
    }
    Ok(harbour)
}

fn patch(harbour: &Harbour, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        Ok(())
    } else {
        harbour.sandbox.patch_bridge(text).map_err(|error| error.to_string())
    }
}

pub(super) fn play(harbour: &Harbour, scenario: &Scenario) -> Result<(), String> {
    let Expected { asks, who, env, finding, mends, .. } = &scenario.expected;
    let whole = std::fs::read_to_string(harbour.file("bridge.yaml")).unwrap();
    trouble(harbour, scenario)?;
    let asked = ask(harbour, asks, who.as_deref(), env);
    let code = if finding.severity == "error" { 3 } else { 0 };
    expect(&asked, code, asks)?;
    let answer = asked.json();
    let found = findings(&answer);
    if found.iter().ne([finding]) {
        return Err(format!("expected {finding:?}\nfound    {found:?}\n{}", yaml(&answer)));
    }
    let printed = printed(harbour, &answer);
    if printed != *mends {
        return Err(format!("expected mends {mends:#?}\nprinted\n{}", yaml(&json!({ "mends": printed }))));
    }
    let ours: Vec<&String> = mends.iter().filter(|mend| mend.starts_with("gangplank ")).collect();
    for (index, mend) in ours.iter().enumerate() {
        if index > 0 {
            std::fs::write(harbour.file("bridge.yaml"), &whole).unwrap();
            trouble(harbour, scenario)?;
        }
        by_hand(harbour, scenario)?;
        heals(harbour, scenario, Some(mend))?;
    }
    if ours.is_empty() && scenario.expected.by_hand.is_some() {
        by_hand(harbour, scenario)?;
        heals(harbour, scenario, None)?;
    } else if ours.is_empty() {
        return Err("nothing heals it: no mend of ours, and nothing `byHand`".to_owned());
    }
    if scenario.leaves_no_trace() {
        harbour.sandbox.world.faults.clear(None);
    }
    Ok(())
}

/// Lets it happen.
pub(crate) fn trouble(harbour: &Harbour, scenario: &Scenario) -> Result<(), String> {
    if let Some((_, after)) = &scenario.bridge {
        patch(harbour, after)?;
    }
    scenario.world.as_ref().map_or(Ok(()), |text| load(harbour, text))?;
    if matches!(scenario.expected.set_up, SetUp::After | SetUp::Again) {
        expect(&harbour.run(&["apply"]), 0, "the apply amid the trouble")?;
    }
    Ok(())
}

fn load(harbour: &Harbour, text: &str) -> Result<(), String> {
    harbour.runtime.block_on(harbour.sandbox.load(text)).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|it| format!("the world does not load: {it}")).collect();
        lines.join("\n")
    })
}

/// Does what the mends in words say.
fn by_hand(harbour: &Harbour, scenario: &Scenario) -> Result<(), String> {
    let Some(hand) = &scenario.expected.by_hand else { return Ok(()) };
    if hand.clear_faults {
        harbour.sandbox.world.faults.clear(None);
    }
    if let Some(bridge) = &hand.bridge {
        patch(harbour, &bridge.to_string())?;
    }
    if let Some(world) = &hand.world {
        let mut world = world.clone();
        world.insert("apiVersion".to_owned(), json!("gangplank.dev/v1alpha1"));
        world.insert("kind".to_owned(), json!("World"));
        load(harbour, &Value::Object(world).to_string())?;
    }
    if hand.apply {
        expect(&harbour.run(&["apply"]), 0, "the apply that the words ask for")?;
    }
    if hand.wait > 0 {
        harbour.sandbox.world.clock.advance(Duration::from_secs(hand.wait));
        harbour.sandbox.renew_tokens().map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Runs a mend as it is printed; then nothing may be found any more.
fn heals(harbour: &Harbour, scenario: &Scenario, mend: Option<&str>) -> Result<(), String> {
    if let Some(mend) = mend {
        expect(&ended(shell(harbour, mend)), 0, mend)?;
    }
    heals_now(harbour, scenario, mend.unwrap_or("what was done by hand"))
}

/// A command line as a user pastes it into a shell of the harbour's.
pub(crate) fn shell(harbour: &Harbour, line: &str) -> Command {
    let user = harbour.command(&[]);
    let known = user.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
    let known: BTreeMap<_, _> = known.collect();
    let program = Path::new(env!("CARGO_BIN_EXE_gangplank")).parent().unwrap();
    let path = format!("{}:{}", program.display(), known[std::ffi::OsStr::new("PATH")].to_string_lossy());
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(filled(harbour, line)).env_clear().envs(known).env("PATH", path);
    shell.current_dir(harbour.sandbox.folder());
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

/// Nothing may be found any more.
pub(crate) fn heals_now(harbour: &Harbour, scenario: &Scenario, after: &str) -> Result<(), String> {
    let Expected { asks, who, env, .. } = &scenario.expected;
    let hand = scenario.expected.by_hand.as_ref();
    let who = hand.and_then(|it| it.who.as_ref()).or(who.as_ref());
    let env = hand.and_then(|it| it.env.as_ref()).unwrap_or(env);
    let asked = ask(harbour, asks, who.map(String::as_str), env);
    expect(&asked, 0, &format!("{asks}, after `{after}`"))?;
    let answer = asked.json();
    if answer["findings"] == json!([]) { Ok(()) } else { Err(format!("still found\n{}", yaml(&answer))) }
}
