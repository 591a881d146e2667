//! Figures about planning: how long wishes and plans of large bridges take. `cargo xtask bench plan` runs it in release.
#![expect(clippy::print_stdout, reason = "a program that prints measured times")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use gangplank_bridge::inventory::{ApplicationIds, Datastore, Facts, Inventory, Observed, Principal, State};
use gangplank_bridge::spec::Bridge;

/// Measured several times; the middle one counts.
const TIMES: usize = 5;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    print!("{}", figures()?);
    Ok(())
}

/// How long planning takes, from nothing and in step, by number of teams.
fn figures() -> Result<String, Failure> {
    let mut text = String::from("teams    changes    wishes    from nothing    in step\n");
    for teams in [10, 100, 1000] {
        let bridge = bridge(teams)?;
        let facts = facts(&bridge);
        let (wishes, (wanted, obstacles)) = timed(|| gangplank_bridge::want::wanted(&bridge, &facts));
        if !obstacles.is_empty() {
            return Err(format!("{obstacles:?}").into());
        }
        let nothing = Inventory::default();
        let (fresh, plan) = timed(|| gangplank_bridge::plan::plan(&bridge, &wanted, Vec::new(), &nothing));
        let observed = |resource: &gangplank_bridge::resource::Resource| Observed {
            resource: resource.clone(),
            marked: true,
            state: State::Live,
            holds: None,
        };
        let found = wanted.iter().map(|resource| (resource.key(), observed(resource))).collect();
        let all = Inventory { found };
        let (settled, empty) = timed(|| gangplank_bridge::plan::plan(&bridge, &wanted, Vec::new(), &all));
        if !empty.changes.is_empty() {
            return Err(format!("{:?}", empty.changes).into());
        }
        writeln!(
            text,
            "{teams:>5} {:>10} {:>6} ms {:>12} ms {:>7} ms",
            plan.changes.len(),
            wishes.as_millis(),
            fresh.as_millis(),
            settled.as_millis()
        )?;
    }
    Ok(text)
}

/// The middle of several times, and the last result.
fn timed<T>(make: impl Fn() -> T) -> (Duration, T) {
    let mut times = Vec::new();
    let mut measure = || {
        let began = Instant::now();
        let result = make();
        times.push(began.elapsed());
        result
    };
    let mut result = measure();
    for _ in 1..TIMES {
        result = measure();
    }
    times.sort();
    (times.get(TIMES / 2).copied().unwrap_or_default(), result)
}

/// A bridge of many teams, each with a caller of its own and a quota.
fn bridge(teams: usize) -> Result<Bridge, Failure> {
    let mut text = String::from(
        "apiVersion: gangplank.dev/v1alpha1\nkind: Bridge\nmetadata: {name: bench}\nazure:\n  tenant: 0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10\n  \
         subscription: 7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31\n  resourceGroup: rg\n  workspace: quay\ngoogle:\n  project: harbour-bench\n  \
         projectNumber: \"412907655821\"\n  location: europe-west4\n  cluster: ship\n  repository: models\nidentities:\n",
    );
    for team in 0..teams {
        writeln!(
            text,
            "  - {{name: ci-{team}, servicePrincipal: {}, may: [push, \"deploy:t{team:04}\"]}}",
            id(team)
        )?;
    }
    text.push_str("teams:\n");
    for team in 0..teams {
        writeln!(
            text,
            "  - {{name: t{team:04}, models: [\"m{team:04}-*\"], quota: {{cpu: 8, memory: 16Gi, pods: 20}}}}"
        )?;
    }
    gangplank_bridge::file::parse("bench", &text).map_err(|problems| format!("{problems:?}").into())
}

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn facts(bridge: &Bridge) -> Facts {
    let principal = |number: usize| Principal {
        object_id: format!("10000000-0000-4000-8000-{number:012}"),
        principal_type: "ServicePrincipal".to_owned(),
        display_name: format!("ci-{number}"),
    };
    let principals: BTreeMap<String, Principal> =
        (0..bridge.identities.len()).map(|number| (id(number), principal(number))).collect();
    Facts {
        project_number: "412907655821".to_owned(),
        node_service_account: "nodes@harbour-bench.iam.gserviceaccount.com".to_owned(),
        datastore: Datastore {
            account: "store".to_owned(),
            container: "models".to_owned(),
            scope: "/subscriptions/s/store".to_owned(),
        },
        principals,
        application: Some(ApplicationIds {
            app_id: id(0),
            object_id: id(1),
            service_principal_id: Some(id(2)),
        }),
        issuer: "https://login.microsoftonline.com/t/v2.0".to_owned(),
        ..Facts::default()
    }
}
