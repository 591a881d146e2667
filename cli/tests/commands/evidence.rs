//! `gangplank doctor --evidence`: no cloud, no bridge, no log-in; only files.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::harbour::Harbour;

fn case(id: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness/field-failures/evidence").join(id)
}

fn doctor(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gangplank"));
    command.env_clear().current_dir(folder).args(["doctor", "--evidence"]).args(arguments).output().unwrap()
}

#[test]
fn a_folder_is_judged_and_the_two_values_are_shown_with_their_places() {
    let found = doctor(&case("A25"), &["."]);
    let shown = String::from_utf8(found.stdout).unwrap();
    assert_eq!(found.status.code(), Some(3), "{shown}");
    for part in [
        "google/condition-rejects-subject",
        "provider.json:",
        "claims.json:",
        "differ in capitals only",
        "certain",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn single_files_as_json() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gangplank"));
    let command = command.env_clear().current_dir(case("F01"));
    let words = ["doctor", "--evidence", "federated-credentials.json", "claims.json", "--output", "json"];
    let found = command.args(words).output().unwrap();
    let report: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(report["findings"][0]["cause"], "issuer-mismatch");
    assert_eq!(report["findings"][0]["expected"]["origin"], "federated-credentials.json:4, `issuer`");
}

#[test]
fn a_token_and_a_key_leave_nothing_behind_and_what_is_not_understood_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text).unwrap();
    let signature = "c2lnbmF0dXJlLXNpZ25hdHVyZQ";
    write("token", format!("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJzdWIiOiJhIn0.{signature}\n").as_bytes());
    write("key.json", br#"{"type": "service_account", "private_key": "hunter2hunter2"}"#);
    write("picture.png", &[0, 159, 146, 150]);
    write("odd.json", br#"{"colour": "blue"}"#);
    let found = doctor(folder.path(), &["."]);
    let shown = String::from_utf8([found.stdout, found.stderr].concat()).unwrap();
    assert_eq!(found.status.code(), Some(0), "{shown}");
    assert!(!shown.contains(signature) && !shown.contains("hunter2"), "{shown}");
    for part in [
        "odd.json: no shape",
        "picture.png: the file is no text",
        "key.json: holds one",
        "not seen, and would decide most: the error text",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn a_path_that_is_not_there_is_a_mistake() {
    let found = doctor(&case("A25"), &["nowhere"]);
    assert_eq!(found.status.code(), Some(2));
    assert!(String::from_utf8(found.stderr).unwrap().contains("`nowhere` cannot be read"));
}

/// The live doctor's first finding, and that of a snapshot which was taken at the same time.
#[track_caller]
fn agree(harbour: &Harbour) -> String {
    let live = harbour.run(&["doctor", "--team", "oncology", "-o", "json"]).expect_code(3).json();
    harbour.run(&["snapshot", "--team", "oncology", "--dir", "snap"]).expect_code(0);
    let offline = harbour.run(&["doctor", "-o", "json", "--evidence", "snap"]).expect_code(3).json();
    assert_eq!(offline["unread"], json!([]), "{offline}");
    assert_eq!(live["findings"][0]["code"], offline["findings"][0]["code"], "{offline}");
    offline["findings"][0]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_snapshot_of_a_broken_bridge_names_what_the_live_doctor_names() {
    let harbour = Harbour::set_up();
    harbour.run(&["snapshot", "--team", "oncology", "--dir", "snap"]).expect_code(0);
    let sound = harbour.run(&["doctor", "--evidence", "snap"]).expect_code(0);
    assert!(sound.stdout.contains("nothing that was given is wrong"), "{}", sound.stdout);
    for file in std::fs::read_dir(harbour.file("snap")).unwrap() {
        let mode = std::os::unix::fs::MetadataExt::mode(&file.unwrap().metadata().unwrap());
        assert_eq!(mode & 0o777, 0o600);
    }
    let project = sandbox::seed::PROJECT;
    let addresses = harbour.sandbox.addresses();
    let account = format!(
        "http://{}/v1/projects/{project}/serviceAccounts/gp-oncology@{project}.iam.gserviceaccount.com",
        addresses.iam
    );
    let repository = format!(
        "http://{}/v1/projects/{project}/locations/{}/repositories/models",
        addresses.artifact_registry,
        sandbox::seed::LOCATION
    );
    let first_version = format!("https://{}/{}/", addresses.entra, sandbox::seed::TENANT);
    let mut seen = Vec::new();
    let mut next = || {
        seen.push(agree(&harbour));
        harbour.run(&["apply"]).expect_code(0);
    };
    harbour
        .edit_provider("oidc.allowedAudiences", &json!({"oidc": {"allowedAudiences": ["api://elsewhere"]}}));
    next();
    harbour.edit_provider("oidc.issuerUri", &json!({"oidc": {"issuerUri": first_version}}));
    next();
    harbour.edit_provider(
        "attributeCondition",
        &json!({"attributeCondition": "assertion.sub == 'somebody-else'"}),
    );
    next();
    harbour.revoke(&account, "roles/iam.workloadIdentityUser", reqwest::Method::POST);
    next();
    harbour.revoke(&repository, "roles/artifactregistry.writer", reqwest::Method::GET);
    next();
    let expected = [
        "google/audience-not-admitted",
        "google/issuer-differs",
        "google/condition-rejects-subject",
        "google/impersonation-not-granted",
        "google/repository-write-not-granted",
    ];
    assert_eq!(seen, expected);
}
