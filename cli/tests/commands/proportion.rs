//! What a change costs, by number of teams: writes go by what changes, reads by a fixed number a team.

use std::fmt::Write as _;
use std::path::Path;

use sandbox::Options;
use serde_json::Value;

use crate::harbour::Harbour;

/// Ends of paths and parts of them by which a POST only asks.
const ASKING: [&str; 8] = [
    ":getIamPolicy",
    ":testIamPermissions",
    "/token",
    "getByIds",
    "accessreviews",
    "/checkMemberGroups",
    "/getMemberObjects",
    "$batch",
];

/// What one more team may cost to look at: its service account's policy, and its namespace's objects where the cluster has
/// no list across namespaces that the bridge asks for.
const READS_A_TEAM: usize = 12;

/// The requests of one run.
struct Cost {
    /// Service, method and path without what differs from one sandbox to the next, in order.
    writes: Vec<String>,
    reads: usize,
}

fn cost(transcript: &Path, since: usize) -> Cost {
    let text = std::fs::read_to_string(transcript).unwrap();
    let mut cost = Cost { writes: Vec::new(), reads: 0 };
    for line in text.lines().skip(since) {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let request = &exchange["request"];
        let (method, path) = (request["method"].as_str().unwrap(), request["path"].as_str().unwrap());
        let asks = matches!(method, "GET" | "HEAD") || ASKING.iter().any(|part| path.contains(part));
        if asks {
            cost.reads += 1;
        } else {
            cost.writes.push(format!("{} {method} {path}", exchange["service"].as_str().unwrap_or_default()));
        }
    }
    cost.writes.sort();
    cost
}

/// As many teams as that, each with a role of its own to deploy by.
fn declare(harbour: &Harbour, teams: usize) {
    let (mut identities, mut declared) = (String::from("identities:\n"), String::from("teams:\n"));
    for team in 3..=teams {
        let name = format!("t{team:02}");
        writeln!(identities, "  - {{ name: {name}, appRole: {name}.Deployer, may: [\"deploy:{name}\"] }}")
            .unwrap();
        writeln!(
            declared,
            "  - {{ name: {name}, models: [\"{name}-*\"], quota: {{ cpu: 1, memory: 1Gi, pods: 2 }} }}"
        )
        .unwrap();
    }
    harbour.edit("identities:\n", &identities);
    harbour.edit("\nteams:\n", &format!("\n{declared}"));
}

/// Sets `teams` up, changes one team's quota, and says what applying that asked of both clouds.
fn change_with(teams: usize) -> Cost {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("transcript");
    let harbour = Harbour::with(Options { transcript: Some(file.clone()), ..Options::default() });
    declare(&harbour, teams);
    harbour.run(&["apply"]).expect_code(0);
    let since = std::fs::read_to_string(&file).unwrap().lines().count();
    harbour.edit("cpu: \"8\"", "cpu: \"9\"");
    harbour.run(&["apply"]).expect_code(0);
    let cost = cost(&file, since);
    harbour.run(&["plan"]).expect_code(0);
    cost
}

#[test]
fn a_change_costs_what_it_changes_and_not_what_there_is() {
    let (few, many) = (change_with(2), change_with(20));
    assert_eq!(few.writes, many.writes);
    assert_eq!(few.writes.len(), 1, "{:?}", few.writes);
    let a_team = (many.reads - few.reads).div_ceil(18);
    assert!(a_team <= READS_A_TEAM, "{} reads with 2 teams, {} with 20", few.reads, many.reads);
}
