//! `gangplank export`, `completions`, `man`.

use serde_json::Value;

use crate::harbour::{Harbour, ended};

#[test]
fn a_credential_configuration_crosses_the_bridge_by_googles_library() {
    let harbour = Harbour::set_up();
    let scope = format!("api://{}/gangplank-bridge/.default", sandbox::seed::TENANT);
    let entra = harbour.run(&["token", "plain", "--azure", &scope]).expect_code(0).stdout;
    std::fs::write(harbour.file("entra.token"), entra.trim()).unwrap();
    for team in [&[][..], &["--team", "oncology", "--lifetime", "15m"]] {
        let mut words = vec!["export", "cred-config", "--source", "file", "--token-file", "entra.token"];
        words.extend(team);
        let written = harbour.run(&words).expect_code(0).stdout;
        bridge::cred_config::CredConfig::parse(&written).unwrap();
        let file = harbour.file("cred.json");
        std::fs::write(&file, written).unwrap();
        let environment =
            identity::Environment::from_pairs([("GOOGLE_APPLICATION_CREDENTIALS", file.to_str().unwrap())]);
        let (status, body) = harbour.runtime.block_on(async {
            let login = identity::source::administrator_google(&environment).unwrap();
            assert_eq!(login.kind, "external_account");
            let header = login.bearer.header().await.unwrap();
            let url = format!("http://{}/v2/", harbour.sandbox.addresses().registry);
            let reply = harbour.client().get(url).header("authorization", header).send().await.unwrap();
            (reply.status().as_u16(), reply.text().await.unwrap())
        });
        assert_eq!(status, 200, "{body}");
    }
}

#[test]
fn every_source_is_written_and_misunderstandings_are_refused() {
    let harbour = Harbour::new();
    let cred = |words: &[&str]| {
        let all: Vec<&str> =
            ["export", "cred-config", "--source"].into_iter().chain(words.iter().copied()).collect();
        harbour.run(&all)
    };
    let executable = cred(&["executable", "--output-file", "kept.json"]).expect_code(0);
    let config = bridge::cred_config::CredConfig::parse(&executable.stdout).unwrap();
    let json: Value = serde_json::to_value(config).unwrap();
    let command = json["credential_source"]["executable"]["command"].as_str().unwrap();
    assert!(command.contains(" token google --file /") && command.ends_with("/bridge.yaml"), "{command}");
    let metadata = cred(&["instance-metadata", "--team", "cellar"]).expect_code(0);
    bridge::cred_config::CredConfig::parse(&metadata.stdout).unwrap();

    cred(&["file"]).expect_code(2).expect_talk("--token-file");
    cred(&["executable", "--client-id", "x"]).expect_code(2).expect_talk("instance-metadata");
    cred(&["instance-metadata", "--client-id", "x"]).expect_code(2).expect_talk("GUID");
    cred(&["executable", "--timeout", "3s"]).expect_code(2).expect_talk("timeout_millis");
    cred(&["executable", "--lifetime", "15m"]).expect_code(2).expect_talk("no team");
    cred(&["executable", "--team", "nobody"]).expect_code(2).expect_talk("oncology, cellar");
}

/// What Terraform makes of it is witnessed for the example bridge; this is the sandbox's.
#[test]
fn the_bridge_is_exported_for_terraform_and_nothing_is_changed() {
    let harbour = Harbour::new();
    let workload = "workloads:\n  - { name: taster, team: cellar, serviceAccount: taster-sa, may: [read-models], via: google }";
    harbour.edit("\nendpoints:", &format!("\n{workload}\nendpoints:"));
    let before = harbour.run(&["export", "terraform"]).expect_code(0).stdout;
    for part in [
        "resource \"azurerm_federated_identity_credential\" \"taster\" {",
        "subject             = google_service_account.gpw_taster.unique_id",
        "resource \"kubernetes_service_account_v1\" \"team_cellar_taster_sa\" {",
        "= azurerm_user_assigned_identity.gp_harbour_1.client_id",
    ] {
        assert!(before.contains(part), "`{part}` is not in\n{before}");
    }
    let plan = harbour.run(&["plan", "-o", "json"]).expect_code(4).json();
    assert!(plan["changes"].as_array().unwrap().iter().all(|it| it["action"]["do"] == "create"), "{plan}");
    harbour.run(&["apply"]).expect_code(0);
    let after = harbour.run(&["export", "terraform"]).expect_code(0).stdout;
    assert_eq!(after, before, "what Terraform makes is referred to, whatever there is already");
}

#[test]
fn what_cannot_be_made_is_not_exported() {
    let harbour = Harbour::new();
    harbour.edit(sandbox::seed::ONCOLOGY_CI.client_id, "00000000-0000-4000-8000-00000000dead");
    let refused = harbour.run(&["export", "terraform"]).expect_code(3).expect_talk("nothing was exported");
    assert!(refused.stdout.contains("no such principal"), "{}", refused.stdout);
    assert!(!refused.stdout.contains("resource \""), "{}", refused.stdout);
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let harbour = Harbour::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = harbour.run(&["completions", shell]).expect_code(0).stdout;
        assert!(script.contains("cred-config") && script.contains("doctor"), "{shell}");
    }
    let pages = harbour.file("man");
    harbour.run(&["man", pages.to_str().unwrap()]).expect_code(0);
    for page in
        ["gangplank.1", "gangplank-ship.1", "gangplank-token-kubectl.1", "gangplank-export-cred-config.1"]
    {
        let text = std::fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
    let mut checked = std::process::Command::new("bash");
    let script = harbour.file("completions.bash");
    std::fs::write(&script, harbour.run(&["completions", "bash"]).stdout).unwrap();
    checked.args(["-n", script.to_str().unwrap()]);
    ended(checked).expect_code(0);
}
