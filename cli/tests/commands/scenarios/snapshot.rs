//! A snapshot, judged as files, shows what the live walk does.

use serde_json::json;

use super::ask::{ask, expect, yaml};
use super::folder::{Expected, Scenario, folders, is_played, read, walk};
use super::play::{begin, trouble};

/// Scenarios from every hop, for which a snapshot is taken.
const SNAPSHOTS: [&str; 14] = [
    "application-hands-out-version-one",
    "assignment-is-required",
    "caller-may-not-read-blobs",
    "cluster-viewer-was-revoked",
    "condition-in-other-capitals",
    "credentials-api-is-off",
    "grant-names-the-project-by-its-id",
    "impersonation-was-revoked",
    "mapping-makes-subjects-too-long",
    "nodes-may-not-pull",
    "pool-was-switched-off",
    "push-was-revoked",
    "rolebinding-of-another-environment",
    "team-account-was-deleted",
];

#[test]
fn a_snapshot_shows_the_same_finding_as_the_live_walk() {
    let wanted = std::env::var("GANGPLANK_SCENARIOS").ok();
    let all: Vec<Scenario> = folders().iter().filter(|it| is_played(it)).map(|it| read(it)).collect();
    let chosen = all.iter().filter(|it| match &wanted {
        Some(wanted) => {
            it.name.contains(wanted) && it.expected.asks == walk() && it.expected.finding.severity == "error"
        }
        None => SNAPSHOTS.contains(&it.name.as_str()),
    });
    let (mut wrong, mut right) = (Vec::new(), 0);
    for scenario in chosen {
        match compare(scenario) {
            Ok(()) => right += 1,
            Err(why) => wrong.push(format!("=== {}\n{why}", scenario.name)),
        }
    }
    println!("{right} right, {} wrong", wrong.len());
    assert!(wanted.is_some() || right + wrong.len() == SNAPSHOTS.len(), "a scenario was renamed");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Live and from the snapshot, in one world.
fn compare(scenario: &Scenario) -> Result<(), String> {
    let harbour = begin(scenario)?;
    trouble(&harbour, scenario)?;
    let Expected { asks, who, env, finding, .. } = &scenario.expected;
    let live = ask(&harbour, asks, who.as_deref(), env);
    expect(&live, 3, asks)?;
    let taken = ask(&harbour, "snapshot --team oncology --dir snapshot", who.as_deref(), env);
    expect(&taken, 0, "snapshot")?;
    let offline = ask(&harbour, "doctor --evidence snapshot", who.as_deref(), env);
    expect(&offline, 3, "doctor --evidence snapshot")?;
    let (live, offline) = (live.json(), offline.json());
    for field in ["code", "cause", "confidence", "severity"] {
        if live["findings"][0][field] != offline["findings"][0][field] {
            return Err(format!("{field}: live\n{}\noffline\n{}", yaml(&live), yaml(&offline)));
        }
    }
    if live["findings"][0]["code"] != finding.code.as_str() || offline["unread"] != json!([]) {
        return Err(format!("expected {finding:?}\n{}", yaml(&offline)));
    }
    Ok(())
}
