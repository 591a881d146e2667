//! `whoami`: which log-in was taken and why, who that is on both sides, and what it may.

use serde_json::Value;

use crate::harbour::{Ended, Harbour, ended};

fn variables(value: &Value) -> Vec<(&str, &str)> {
    let passed = value["log_in"]["passed_over"].as_array().unwrap();
    passed.iter().map(|it| (it["source"].as_str().unwrap(), it["reason"].as_str().unwrap())).collect()
}

#[test]
fn a_workload_identity_deploys_for_its_team_and_not_for_another() {
    let harbour = Harbour::set_up();
    let who = harbour.run(&["whoami", "-o", "json"]).expect_code(0).json();
    assert_eq!(who["log_in"]["source"], "workload-identity");
    assert_eq!(who["log_in"]["why"], "`AZURE_FEDERATED_TOKEN_FILE` is set");
    assert_eq!(who["log_in"]["shows"]["is"]["sub"], "system:serviceaccount:ci:oncology-ci");
    let entra = &who["entra"]["is"];
    assert_eq!(entra["oid"], sandbox::seed::ONCOLOGY_CI.object_id);
    assert_eq!(entra["azp"], sandbox::seed::ONCOLOGY_CI.client_id);
    let principal = who["google"]["is"].as_str().unwrap();
    assert!(principal.starts_with("principal://"), "{principal}");
    assert!(principal.ends_with(sandbox::seed::ONCOLOGY_CI.object_id), "{principal}");
    let teams: Vec<(&str, bool)> = who["teams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|team| (team["team"].as_str().unwrap(), team["deploys"].as_bool().unwrap()))
        .collect();
    assert_eq!(teams, [("oncology", true), ("cellar", false)]);
    let passed = variables(&who);
    assert!(passed.contains(&("github", "`ACTIONS_ID_TOKEN_REQUEST_URL` is not set")), "{passed:?}");
    assert!(passed.contains(&("google", "taken only by `--as google`")), "{passed:?}");
    let cli = passed.iter().find(|(source, _)| *source == "azure-cli").unwrap();
    assert!(cli.1.ends_with("is on `PATH`, but `workload-identity` comes first"), "{cli:?}");
    let human = harbour.run(&["whoami"]).expect_code(0).stdout;
    assert_shape(&human);
}

/// What people see, line by line, addresses and times apart.
#[track_caller]
fn assert_shape(human: &str) {
    let names: Vec<&str> = human.lines().filter_map(|line| line.get(..15)).map(str::trim_end).collect();
    let spoken: Vec<&&str> = names.iter().filter(|name| !name.is_empty()).collect();
    assert_eq!(
        spoken,
        [&"log-in", &"because", &"not", &"shows", &"Entra ID", &"Google", &"team oncology", &"team cellar"],
        "{human}"
    );
    for line in [
        "team oncology   deploys, as gp-oncology@harbour-sandbox.iam.gserviceaccount.com",
        "because         `AZURE_FEDERATED_TOKEN_FILE` is set",
        "team cellar     does not deploy: IAM credentials said no: ",
    ] {
        assert!(human.contains(line), "`{line}` is not in\n{human}");
    }
}

#[test]
fn a_log_in_is_forced_by_flag_and_by_variable() {
    let harbour = Harbour::set_up();
    let by_flag = harbour.run(&["--as", "azure-cli", "whoami", "-o", "json"]).json();
    assert_eq!(by_flag["log_in"]["source"], "azure-cli");
    let passed = variables(&by_flag);
    let workload =
        ("workload-identity", "`AZURE_FEDERATED_TOKEN_FILE` is set, but `azure-cli` was asked for");
    assert!(passed.contains(&workload), "{passed:?}");
    let mut by_variable = harbour.command(&["whoami", "-o", "json"]);
    by_variable.env("GANGPLANK_AS", "azure-cli");
    assert_eq!(ended(by_variable).json()["log_in"]["source"], "azure-cli");
    let absent = harbour.run(&["whoami", "--as", "client-certificate"]).expect_code(3);
    absent.expect_talk("AZURE_CLIENT_CERTIFICATE_PATH");
    harbour.run(&["whoami", "--as", "kerberos"]).expect_code(2).expect_talk("client-certificate");
}

#[test]
fn a_no_on_the_way_is_shown_and_denied() {
    let harbour = Harbour::set_up();
    let stranger = |format: &[&str]| -> Ended {
        let secret = harbour.sandbox.world.azure.client_secret(sandbox::seed::STRANGER.client_id).unwrap();
        let mut command = harbour.command(&[&["whoami"], format].concat());
        command.env_remove("AZURE_FEDERATED_TOKEN_FILE");
        command.env("AZURE_CLIENT_ID", sandbox::seed::STRANGER.client_id).env("AZURE_CLIENT_SECRET", secret);
        ended(command)
    };
    let who = stranger(&["-o", "json"]).expect_code(3).json();
    assert_eq!(who["log_in"]["source"], "client-secret");
    assert_eq!(who["google"]["refused"]["service"], "Google STS");
    assert!(who["teams"].as_array().unwrap().is_empty());
    let human = stranger(&[]).expect_code(3).stdout;
    assert!(human.contains("Google          Google STS said no: "), "{human}");
    let yaml = stranger(&["-o", "yaml"]).expect_code(3).stdout;
    assert!(yaml.contains("source: client-secret\n"), "{yaml}");
}

#[test]
fn nobody_is_told_everything_that_was_looked_for() {
    let harbour = Harbour::new();
    let mut command = harbour.command(&["whoami", "-o", "json"]);
    for name in ["AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"] {
        command.env_remove(name);
    }
    command.env("PATH", "/usr/bin:/bin").env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9");
    let who = ended(command).expect_code(3).json();
    assert_eq!(who["log_in"]["source"], "managed-identity");
    let said = who["log_in"]["shows"]["refused"]["message"].as_str().unwrap();
    for part in ["workload-identity: ", "github: ", "azure-cli: ", "`http://127.0.0.1:9` does not answer"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(who["entra"], "not_reached");
}

#[test]
fn connecting_says_which_log_in_at_v() {
    let harbour = Harbour::set_up();
    harbour.run(&["models", "-v"]).expect_code(0).expect_talk("log_in=workload identity of client");
}
