//! `gangplank explain`.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harbour::{Ended, ended};

/// Runs it with nothing of this machine: no bridge file, no log-in, no sandbox.
fn explain(words: &[&str], stdin: &[u8]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("stdin");
    std::fs::File::create(&input).unwrap().write_all(stdin).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gangplank"));
    command.arg("explain").args(words).current_dir(folder.path()).env_clear();
    command.stdin(std::fs::File::open(&input).unwrap()).stdout(Stdio::piped()).stderr(Stdio::piped());
    ended(command)
}

#[test]
fn a_log_on_stdin_becomes_one_object() {
    let log = b"\x1b[31mERROR\x1b[0m {\\\"error_codes\\\":[700213]} \xff\n";
    let value: Value =
        serde_json::from_str(&explain(&["-o", "json", "-"], log).expect_code(0).stdout).unwrap();
    assert_eq!(value["recognised"][0]["code"], "AADSTS700213");
    assert_eq!(value["causes"][0]["cause"], "literal-mismatch");
    let nothing = explain(&["-", "-o", "json"], b"hello").expect_code(0).stdout;
    assert_eq!(
        serde_json::from_str::<Value>(&nothing).unwrap(),
        serde_json::json!({"recognised": [], "causes": []})
    );
    explain(&["hello"], b"").expect_code(0);
    explain(&[], b"").expect_code(2);
}

#[test]
fn codes_and_texts_are_arguments() {
    for word in
        ["invalid_target", "AADSTS700213", "KeyBasedAuthenticationNotPermitted", "IAM_PERMISSION_DENIED"]
    {
        let told = explain(&[word], b"").expect_code(0).stdout;
        assert!(told.starts_with("recognised\n") && told.contains("what would decide: "), "{told}");
    }
    let told = explain(&["no", "such", "host"], b"").expect_code(0).stdout;
    assert!(told.contains("1. network"), "{told}");
    let page = explain(&["google/audience-not-admitted"], b"").expect_code(0).stdout;
    assert!(page.contains("--allowed-audiences=") && page.contains("page: docs/findings/google/"), "{page}");
    let json = explain(&["google/audience-not-admitted", "-o", "json"], b"").expect_code(0).stdout;
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["recognised"][0]["code"], "google/audience-not-admitted");
    assert_eq!(value["causes"][0]["cause"], "audience-mismatch");
}

#[test]
fn a_long_log_is_cut_and_it_is_said() {
    let mut log = b"all is well\n".repeat(100_000);
    log.extend_from_slice(b"denied: client with IP '1.2.3.4' is not allowed access.\n");
    let ended = explain(&["-o", "json", "-"], &log).expect_code(0);
    assert!(ended.stderr.contains("64 KiB"), "{}", ended.stderr);
    assert!(ended.stdout.contains("\"network\""), "{}", ended.stdout);
}

#[test]
fn evidence_decides_between_the_causes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials.json");
    let credentials = r#"[{"name": "ci", "issuer": "https://oidc.prod-aks.azure.com/abc", "subject": "system:serviceaccount:ns:sa",
        "audiences": ["api://AzureADTokenExchange"]}]"#;
    std::fs::write(&file, credentials).unwrap();
    let text = "AADSTS700211: No matching federated identity record found for presented assertion issuer \
                'https://oidc.prod-aks.azure.com/abc/'.";
    let words = [text, "-o", "json", "--evidence", file.to_str().unwrap()];
    let value: Value = serde_json::from_str(&explain(&words, b"").expect_code(0).stdout).unwrap();
    assert_eq!(value["causes"][0]["cause"], "issuer-mismatch");
    let why = value["causes"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("the evidence shows it: "), "{why}");
    let missing = explain(&[text, "--evidence", "nowhere.json"], b"").expect_code(2);
    assert!(missing.stderr.contains("`nowhere.json` cannot be read"), "{}", missing.stderr);
}
