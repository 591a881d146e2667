//! Scenarios: each folder of `sandbox/scenarios/` is played in a sandbox. The doctor must find exactly what the folder
//! says, print exactly the mends it says, and each mend that is a command of ours, run as printed, must make the scenario
//! healthy. Mends by other tools are compared with those that were really run: `witness/scenarios/`.

mod ask;
mod folder;
mod play;
mod snapshot;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::harbour::Harbour;

pub(crate) use ask::{ask, filled, findings};
pub(crate) use folder::{Expected, Scenario, folders, is_played, read};
use play::play;
pub(crate) use play::{begin, heals_now, shell, trouble};

/// How many scenarios are played at a time.
const AT_A_TIME: usize = 4;

#[test]
fn each_scenario_has_its_one_finding_and_its_mends_heal_it() {
    let wanted = std::env::var("GANGPLANK_SCENARIOS").unwrap_or_default();
    let waiting: Vec<Scenario> = folders().iter().filter(|it| is_played(it)).map(|it| read(it)).collect();
    let waiting: Vec<Scenario> = waiting.into_iter().filter(|it| it.name.contains(&wanted)).collect();
    assert!(!waiting.is_empty(), "no scenario's name contains `{wanted}`");
    let (waiting, failed) = (Mutex::new(waiting), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| play_on(&waiting, &failed));
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} scenarios went wrong\n{}", failed.len(), failed.join("\n"));
}

/// Plays scenarios until none waits; one that leaves no trace leaves its harbour to the next.
fn play_on(waiting: &Mutex<Vec<Scenario>>, failed: &Mutex<Vec<String>>) {
    let mut kept: Option<Harbour> = None;
    let next = || waiting.lock().unwrap().pop();
    while let Some(scenario) = next() {
        let plain = scenario.leaves_no_trace();
        let harbour = kept.take().filter(|_| plain);
        let played = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let harbour = match harbour {
                Some(harbour) => harbour,
                None => begin(&scenario)?,
            };
            play(&harbour, &scenario).map(|()| harbour)
        }));
        match played.unwrap_or_else(|_| Err("the test itself panicked".to_owned())) {
            Ok(harbour) => kept = plain.then_some(harbour).filter(is_as_declared),
            Err(why) => failed.lock().unwrap().push(format!("=== {}\n{why}", scenario.name)),
        }
    }
}

fn is_as_declared(harbour: &Harbour) -> bool {
    harbour.run(&["plan"]).code == 0
}

#[test]
fn a_healthy_world_has_no_finding() {
    let harbour = Harbour::new();
    harbour.sandbox.patch_bridge(WORKLOADS).unwrap();
    harbour.run(&["apply"]).expect_code(0);
    for asks in ["doctor --team oncology", "doctor --team cellar --as-cellar", "doctor --workload reader"] {
        let who = asks.contains("--as-cellar").then_some("cellar-ci");
        let asked = ask(&harbour, &asks.replace(" --as-cellar", ""), who, &BTreeMap::new());
        assert_eq!(asked.code, 0, "{asks}: {}", asked.stdout);
        let answer = asked.json();
        assert_eq!(answer["findings"], json!([]), "{asks}: {answer}");
    }
}

/// Pods of team oncology read models.
const WORKLOADS: &str =
    "workloads: [{ name: reader, team: oncology, serviceAccount: reader-sa, may: [read-models] }]";

#[test]
fn there_are_scenarios_for_every_cause() {
    let all: Vec<(PathBuf, Value)> = folders()
        .into_iter()
        .map(|folder| {
            let text = std::fs::read_to_string(folder.join("expected.yaml")).unwrap();
            (folder, serde_saphyr::from_str(&text).unwrap())
        })
        .collect();
    assert!(all.len() >= SCENARIOS, "{} scenarios", all.len());
    let causes: BTreeSet<&str> = all.iter().map(|(_, it)| it["finding"]["cause"].as_str().unwrap()).collect();
    let missing: Vec<&str> = bridge::finding::cause::ALL
        .iter()
        .copied()
        .filter(|cause| !causes.contains(cause) && !NO_SCENARIO.contains(cause))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "causes without a scenario");
    let backwards =
        all.iter().filter(|(_, it)| it["asks"].as_str().is_some_and(|asks| asks.contains("--workload")));
    assert!(backwards.count() >= 5, "both directions");
    let embedded: BTreeSet<&str> = sandbox::SCENARIOS.iter().map(|it| it.name).collect();
    let folders: BTreeSet<String> =
        all.iter().map(|(folder, _)| folder.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(embedded, folders.iter().map(String::as_str).collect());
}

/// The classes of causes that no scenario is for.
const NO_SCENARIO: [&str; 4] = ["client-version", "network", "architecture", "other"];

/// As many as there must be.
const SCENARIOS: usize = 60;
