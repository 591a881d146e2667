//! Every way in, end to end: each log-in of the sandbox is declared, set up, says who it is, lists, and ships.

use std::process::Command;

use sandbox::seed;
use serde_json::Value;

use crate::harbour::{Ended, Harbour, ended};

/// A way in: the sandbox's file, the source it is, how it is declared, and the object that it becomes.
struct Way {
    file: &'static str,
    source: &'static str,
    object_id: &'static str,
}

const WAYS: [Way; 8] = [
    Way { file: "github-ci", source: "github", object_id: seed::GITHUB_CI.object_id },
    Way { file: "devops-ci", source: "azure-pipelines", object_id: seed::DEVOPS_CI.object_id },
    Way { file: "certificate-ci", source: "client-certificate", object_id: seed::CERTIFICATE_CI.object_id },
    Way { file: "google-ci", source: "google", object_id: seed::GOOGLE_CI.object_id },
    Way { file: "hold", source: "managed-identity", object_id: seed::HOLD.object_id },
    Way { file: "trainer", source: "managed-identity", object_id: seed::TRAINER.object_id },
    Way { file: "hold-app-service", source: "managed-identity", object_id: seed::HOLD.object_id },
    Way { file: "hold-job", source: "managed-identity", object_id: seed::HOLD.object_id },
];

/// Declares all of them for team oncology.
fn declare(harbour: &Harbour) {
    let machines = [&seed::GITHUB_CI, &seed::DEVOPS_CI, &seed::CERTIFICATE_CI, &seed::GOOGLE_CI];
    let machines = machines.map(|it| (it.name, "servicePrincipal", it.client_id));
    let managed = [("hold", &seed::HOLD), ("trainer", &seed::TRAINER)];
    let managed = managed.map(|(name, it)| (name, "managedIdentity", it.object_id));
    let mut text = String::from("identities:\n");
    for (name, kind, id) in machines.into_iter().chain(managed) {
        for line in [format!("  - name: {name}"), format!("    {kind}: {id}")] {
            text.push_str(&line);
            text.push('\n');
        }
        text.push_str("    may: [push, \"deploy:oncology\"]\n");
    }
    harbour.edit("identities:\n", &text);
    harbour.run(&["apply"]).expect_code(0);
}

/// The command in a shell that sourced `env` and then the file of a way in.
fn command(harbour: &Harbour, file: &str, arguments: &[&str]) -> Command {
    let mut command = harbour.command(arguments);
    let text = std::fs::read_to_string(harbour.file(&format!("{file}.env"))).unwrap();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("unset ") {
            command.env_remove(name);
        } else if let Some((name, value)) = line.strip_prefix("export ").and_then(|set| set.split_once('=')) {
            command.env(name, value.trim_matches('\''));
        }
    }
    command
}

fn run(harbour: &Harbour, file: &str, arguments: &[&str]) -> Ended {
    ended(command(harbour, file, arguments))
}

#[test]
fn every_way_in_says_who_it_is_lists_and_ships() {
    let harbour = Harbour::new();
    declare(&harbour);
    for way in &WAYS {
        let who = run(&harbour, way.file, &["whoami", "-o", "json"]).expect_code(0).json();
        assert_eq!(who["log_in"]["source"], way.source, "{}", way.file);
        assert_eq!(who["entra"]["is"]["oid"], way.object_id, "{}", way.file);
        let principal = who["google"]["is"].as_str().unwrap();
        assert!(principal.ends_with(way.object_id), "{}: {principal}", way.file);
        assert_eq!(deploys(&who), [("oncology", true), ("cellar", false)], "{}", way.file);
        let models = run(&harbour, way.file, &["models"]).expect_code(0).stdout;
        assert!(models.contains("breast-cancer\n"), "{}: {models}", way.file);
        let shipped =
            run(&harbour, way.file, &["ship", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
        assert_eq!(shipped["version"], "1", "{}", way.file);
        run(&harbour, way.file, &["doctor", "--team", "oncology"]).expect_code(0);
    }
    let secrets = harbour.sandbox.world.minted.all();
    for way in &WAYS {
        let said = run(&harbour, way.file, &["whoami", "-vvvv"]);
        for secret in secrets.iter().filter(|secret| secret.len() > 8) {
            assert!(!said.stdout.contains(secret.as_str()), "{} prints a secret", way.file);
            assert!(!said.stderr.contains(secret.as_str()), "{} says a secret", way.file);
        }
    }
}

fn deploys(who: &Value) -> Vec<(&str, bool)> {
    let teams = who["teams"].as_array().unwrap();
    teams.iter().map(|team| (team["team"].as_str().unwrap(), team["deploys"].as_bool().unwrap())).collect()
}

#[test]
fn ways_in_that_are_refused_are_named_by_the_doctor() {
    let harbour = Harbour::set_up();
    let mut stranger = command(&harbour, "trainer", &["whoami", "-o", "json"]);
    stranger.env("AZURE_CLIENT_ID", seed::STRANGER.client_id);
    let who = ended(stranger).expect_code(3).json();
    let refused = &who["entra"]["refused"];
    assert_eq!(refused["service"], "the instance metadata endpoint");
    assert!(refused["message"].as_str().unwrap().contains(seed::STRANGER.client_id), "{refused}");

    let mut expired = command(&harbour, "github-ci", &["doctor", "--team", "oncology", "-o", "json"]);
    expired.env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "not-the-jobs-token");
    let diagnosis = ended(expired).expect_code(3).json();
    assert_eq!(diagnosis["findings"][0]["code"], "azure/first-token-failed", "{diagnosis}");

    let mut connection = command(&harbour, "devops-ci", &["whoami", "-o", "json"]);
    connection.env("AZURESUBSCRIPTION_SERVICE_CONNECTION_ID", "00000000-0000-0000-0000-000000000000");
    let who = ended(connection).expect_code(3).json();
    assert_eq!(who["log_in"]["shows"]["refused"]["service"], "Azure DevOps' OIDC endpoint", "{who}");
}
