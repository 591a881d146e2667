//! The doctor against five broken links: one break, one finding, and the declared mend heals it.

use serde_json::json;

use crate::harbour::Harbour;

/// Breaks, asks the doctor, mends with `apply`, asks again.
#[track_caller]
fn one_finding(harbour: &Harbour, code: &str, parts: &[&str]) {
    let diagnosis = harbour.run(&["doctor", "--team", "oncology"]).expect_code(3);
    assert!(
        diagnosis.stdout.contains(&format!("{code}: ")),
        "{code}:\n{}\n{}",
        diagnosis.stdout,
        diagnosis.stderr
    );
    for part in parts {
        assert!(diagnosis.stdout.contains(part), "`{part}` is not in\n{}", diagnosis.stdout);
    }
    let json = harbour.run(&["doctor", "--team", "oncology", "-o", "json"]).expect_code(3).json();
    assert_eq!(json["findings"].as_array().unwrap().len(), 1, "{json}");
    harbour.run(&["apply"]).expect_code(0);
    let sound = harbour.run(&["doctor", "--team", "oncology"]).expect_code(0);
    assert!(sound.stdout.contains("every hop is sound"), "{}", sound.stdout);
}

#[test]
fn audience() {
    let harbour = Harbour::set_up();
    harbour
        .edit_provider("oidc.allowedAudiences", &json!({"oidc": {"allowedAudiences": ["api://elsewhere"]}}));
    one_finding(&harbour, "google/audience-not-admitted", &["api://elsewhere", "gangplank apply"]);
}

#[test]
fn issuer_version() {
    let harbour = Harbour::set_up();
    let entra = harbour.sandbox.addresses().entra;
    let first_version = format!("https://{entra}/{}/", sandbox::seed::TENANT);
    harbour.edit_provider("oidc.issuerUri", &json!({"oidc": {"issuerUri": first_version}}));
    one_finding(&harbour, "google/issuer-differs", &["/v2.0"]);
}

#[test]
fn condition() {
    let harbour = Harbour::set_up();
    harbour.edit_provider(
        "attributeCondition",
        &json!({"attributeCondition": "assertion.sub == 'somebody-else'"}),
    );
    one_finding(
        &harbour,
        "google/condition-rejects-subject",
        &["somebody-else", sandbox::seed::ONCOLOGY_CI.object_id],
    );
}

#[test]
fn impersonation() {
    let harbour = Harbour::set_up();
    let project = sandbox::seed::PROJECT;
    let account = format!(
        "http://{}/v1/projects/{project}/serviceAccounts/gp-oncology@{project}.iam.gserviceaccount.com",
        harbour.sandbox.addresses().iam
    );
    harbour.revoke(&account, "roles/iam.workloadIdentityUser", reqwest::Method::POST);
    one_finding(
        &harbour,
        "google/impersonation-not-granted",
        &["roles/iam.workloadIdentityUser", "principal://"],
    );
}

#[test]
fn repository() {
    let harbour = Harbour::set_up();
    let repository = format!(
        "http://{}/v1/projects/{}/locations/{}/repositories/models",
        harbour.sandbox.addresses().artifact_registry,
        sandbox::seed::PROJECT,
        sandbox::seed::LOCATION
    );
    harbour.revoke(&repository, "roles/artifactregistry.writer", reqwest::Method::GET);
    one_finding(
        &harbour,
        "google/repository-write-not-granted",
        &["roles/artifactregistry.writer", "principal://"],
    );
}

#[test]
fn a_stranger_is_told_that_nobody_declared_it() {
    let harbour = Harbour::set_up();
    let secret = harbour.sandbox.world.azure.client_secret(sandbox::seed::STRANGER.client_id).unwrap();
    let mut command = harbour.command(&["doctor", "--team", "oncology"]);
    command.env_remove("AZURE_FEDERATED_TOKEN_FILE");
    command.env("AZURE_CLIENT_ID", sandbox::seed::STRANGER.client_id).env("AZURE_CLIENT_SECRET", secret);
    let refused = crate::harbour::ended(command).expect_code(3);
    assert!(refused.stdout.contains("google/condition-rejects-subject"), "{}", refused.stdout);
    assert!(
        !refused.stdout.contains("principalSet://") && !refused.stdout.contains("/*"),
        "never widen: {}",
        refused.stdout
    );
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
