//! How far the doctor walks, how often, and how long it takes. What it finds is in `scenarios/`.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harbour::{Ended, Harbour, ended};

/// The grant on the team's account is taken away, and whatever happens from now on counts five minutes later.
const LATE: &str = "
apiVersion: gangplank.dev/v1alpha1
kind: World
requests:
  - service: iam
    method: POST
    path: /v1/projects/${project}/serviceAccounts/gp-oncology@${project}.iam.gserviceaccount.com:setIamPolicy
    body: { policy: { bindings: [] } }
faults:
  - { service: iam_credentials, fault: stale, seconds: 300 }
";

fn load(harbour: &Harbour, world: &str) {
    harbour.runtime.block_on(harbour.sandbox.load(world)).unwrap();
}

fn doctor(harbour: &Harbour, more: &[&str]) -> Ended {
    harbour.run(&[&["doctor", "--team", "oncology", "-o", "json"], more].concat())
}

#[test]
fn a_stranger_is_told_that_nobody_declared_it() {
    let harbour = Harbour::set_up();
    let secret = harbour.sandbox.world.azure.client_secret(sandbox::seed::STRANGER.client_id).unwrap();
    let mut command = harbour.command(&["doctor", "--team", "oncology"]);
    command.env_remove("AZURE_FEDERATED_TOKEN_FILE");
    command.env("AZURE_CLIENT_ID", sandbox::seed::STRANGER.client_id).env("AZURE_CLIENT_SECRET", secret);
    let refused = ended(command).expect_code(3);
    assert!(refused.stdout.contains("google/condition-rejects-subject"), "{}", refused.stdout);
    assert!(
        !refused.stdout.contains("principalSet://") && !refused.stdout.contains("/*"),
        "never widen: {}",
        refused.stdout
    );
}

#[test]
fn a_walk_to_one_hop_says_nothing_of_later_ones() {
    let harbour = Harbour::set_up();
    load(&harbour, LATE);
    harbour.run(&["apply"]).expect_code(0);
    let whole = doctor(&harbour, &[]).expect_code(3).json();
    assert_eq!(whole["findings"][0]["code"], "google/grant-not-honoured-yet", "{whole}");
    let short = doctor(&harbour, &["--hop", "exchange"]).expect_code(0).json();
    let hops: Vec<&str> =
        short["hops"].as_array().unwrap().iter().map(|hop| hop["hop"].as_str().unwrap()).collect();
    assert_eq!(hops, ["first-token", "entra-token", "exchange"]);
    doctor(&harbour, &["--hop", "nowhere"]).expect_code(2).expect_talk("first-token, entra-token");
}

#[test]
fn a_watch_ends_when_the_world_is_healthy_and_not_before() {
    let harbour = Harbour::set_up();
    load(&harbour, LATE);
    harbour.run(&["apply"]).expect_code(0);
    doctor(&harbour, &["--watch", "--timeout", "2"]).expect_code(3).expect_talk("looking again in 3 s");
    let command = harbour.command(&["doctor", "--team", "oncology", "--watch", "-o", "json"]);
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| ended(command));
        std::thread::sleep(Duration::from_secs(2));
        harbour.sandbox.world.clock.advance(Duration::from_mins(7));
        harbour.sandbox.renew_tokens().unwrap();
        let healthy = watching.join().unwrap().expect_code(0).json();
        assert_eq!(healthy["findings"], json!([]), "{healthy}");
    });
}

/// The bar is a second; a machine that builds something else at the time gets four.
#[test]
fn a_whole_walk_takes_no_time() {
    let harbour = Harbour::set_up();
    let shortest = (0..3)
        .map(|_| {
            let began = Instant::now();
            doctor(&harbour, &[]).expect_code(0);
            began.elapsed()
        })
        .min()
        .unwrap();
    assert!(shortest < Duration::from_secs(4), "{shortest:?}");
}

#[test]
fn without_a_team_it_is_the_callers_own() {
    let harbour = Harbour::set_up();
    let cellar = |harbour: &Harbour| {
        let secret = harbour.sandbox.world.azure.client_secret(sandbox::seed::CELLAR_CI.client_id).unwrap();
        let mut command = harbour.command(&["doctor"]);
        command.env_remove("AZURE_FEDERATED_TOKEN_FILE");
        command.env("AZURE_CLIENT_ID", sandbox::seed::CELLAR_CI.client_id).env("AZURE_CLIENT_SECRET", secret);
        crate::harbour::ended(command)
    };
    // The second team of the file; as the first one's, it would be turned away at the impersonation.
    let sound = cellar(&harbour).expect_code(0);
    assert!(sound.stdout.contains("gp-cellar@"), "{}", sound.stdout);
    harbour.edit("may: [push, \"deploy:cellar\"]", "may: [push]");
    let asked = cellar(&harbour).expect_code(2).expect_talk("deploys for no team");
    asked.expect_talk("name one with `--team`: oncology, cellar");
    harbour.edit("may: [push, \"deploy:oncology\"]", "may: [\"deploy:oncology\", \"deploy:cellar\"]");
    let asked = harbour.run(&["doctor"]).expect_code(2).expect_talk("deploys for several teams");
    asked.expect_talk("name one with `--team`: oncology, cellar");
    harbour
        .run(&["doctor", "--team", "nobody"])
        .expect_code(2)
        .expect_talk("the teams are: oncology, cellar");
}
