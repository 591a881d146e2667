//! `gangplank init`: detects, lists what is missing, writes, never overwrites.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::harbour::{Harbour, ended};

/// `gangplank init` with gcloud's configuration and a stand-in for gcloud that knows the project's number.
fn init(harbour: &Harbour, arguments: &[&str]) -> Command {
    let folder = harbour.file("gcloud");
    std::fs::create_dir_all(folder.join("configurations")).unwrap();
    std::fs::create_dir_all(folder.join("bin")).unwrap();
    std::fs::write(folder.join("active_config"), "work\n").unwrap();
    let configuration = "[core]\nproject = harbour-sandbox\n[compute]\nregion = europe-west4\n";
    std::fs::write(folder.join("configurations/config_work"), configuration).unwrap();
    let gcloud = folder.join("bin/gcloud");
    std::fs::write(&gcloud, "#!/bin/sh\n[ \"$3\" = harbour-sandbox ] && echo 412907655821\n").unwrap();
    std::fs::set_permissions(&gcloud, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut words = vec!["init"];
    words.extend(arguments);
    let mut command = harbour.command(&words);
    let path = command.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let path = format!("{}:{}", folder.join("bin").display(), path.display());
    command.env("PATH", path).env("CLOUDSDK_CONFIG", &folder);
    command
}

const ANSWERS: [&str; 6] = ["--resource-group", "rg-quay", "--workspace", "quay", "--cluster", "ship"];

#[test]
fn what_is_detected_and_given_becomes_a_bridge_that_can_be_applied() {
    let harbour = Harbour::new();
    let mut words = ANSWERS.to_vec();
    words.extend(["-f", "first.yaml", "--endpoints-from", "bridge.yaml", "--name", "first"]);
    words.extend(["--team", "oncology", "--models", "breast-cancer*"]);
    words.extend(["--service-principal", sandbox::seed::ONCOLOGY_CI.client_id]);
    let done = ended(init(&harbour, &words)).expect_code(0).expect_talk("wrote `first.yaml`");
    let done = done.expect_talk("from `az account show`").expect_talk("from gcloud's configuration `work`");
    assert!(done.stdout.contains("+ google/pool/gangplank"), "the plan follows: {}", done.stdout);
    harbour.run(&["apply", "-f", "first.yaml"]).expect_code(0);
    harbour.run(&["plan", "-f", "first.yaml"]).expect_code(0);
    harbour.run(&["doctor", "-f", "first.yaml", "--team", "oncology"]).expect_code(0);

    let kept = std::fs::read(harbour.file("first.yaml")).unwrap();
    ended(init(&harbour, &words)).expect_code(2).expect_talk("`first.yaml` exists").expect_talk("--force");
    assert_eq!(std::fs::read(harbour.file("first.yaml")).unwrap(), kept);
    words.extend(["--force", "--no-plan"]);
    ended(init(&harbour, &words)).expect_code(0);
}

#[test]
fn without_a_terminal_everything_missing_is_named_at_once_and_nothing_is_written() {
    let harbour = Harbour::new();
    let missing = ended(init(&harbour, &["-f", "first.yaml"])).expect_code(2);
    for flag in ["--resource-group", "--workspace", "--cluster"] {
        assert!(missing.stderr.contains(flag), "{flag}: {}", missing.stderr);
    }
    for flag in ["--tenant", "--subscription", "--project", "--location"] {
        assert!(!missing.stderr.contains(&format!("{flag} (")), "{flag}: {}", missing.stderr);
    }
    let mut words = ANSWERS.to_vec();
    words.extend(["-f", "first.yaml", "--tenant", "harbour"]);
    let wrong = ended(init(&harbour, &words)).expect_code(2).expect_talk("nothing was written");
    assert!(wrong.stderr.contains("tenant"), "{}", wrong.stderr);
    assert!(!harbour.file("first.yaml").exists());
}
