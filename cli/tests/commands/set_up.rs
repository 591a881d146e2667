//! `plan`, `apply`, `destroy`: as the story has them.

use sandbox::google::Constraint;
use serde_json::json;

use crate::harbour::Harbour;

#[test]
fn plan_apply_plan_drift_destroy() {
    let harbour = Harbour::new();
    let plan = harbour.run(&["plan"]).expect_code(4);
    assert!(plan.stdout.contains("+ google/pool/gangplank"), "{}", plan.stdout);
    harbour.run(&["apply"]).expect_code(0);
    let plan = harbour.run(&["plan"]).expect_code(0);
    assert_eq!(plan.stdout, "both clouds are as declared\n");

    harbour.edit_provider("disabled", &json!({"disabled": true}));
    let plan = harbour.run(&["plan", "-o", "json"]).expect_code(4).json();
    let changes = plan["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{plan}");
    assert_eq!(changes[0]["key"], "google/provider/gangplank/entra");
    assert_eq!(changes[0]["action"]["differences"][0]["found"], json!("true"));

    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
    harbour.run(&["destroy"]).expect_code(2).expect_talk("--yes");
    harbour.run(&["plan"]).expect_code(0);
    harbour.run(&["destroy", "--yes"]).expect_code(0);
    let nothing = harbour.run(&["destroy", "--yes"]).expect_code(0);
    nothing.expect_talk("nothing of bridge `harbour` is left");
    let plan = harbour.run(&["plan", "-o", "json"]).expect_code(4).json();
    let undeleted =
        plan["changes"].as_array().unwrap().iter().any(|change| change["action"]["do"] == "undelete");
    assert!(undeleted, "a deleted pool keeps its name and is undeleted: {plan}");
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
}

#[test]
fn apply_twice_changes_nothing() {
    let harbour = Harbour::set_up();
    let again = harbour.run(&["apply"]).expect_code(0);
    assert!(again.stdout.contains("as declared"), "{}", again.stdout);
}

#[test]
fn a_preflight_names_every_missing_right_before_anything_is_written() {
    let harbour = Harbour::new();
    harbour.demote_administrator(&["roles/viewer", "roles/resourcemanager.projectIamAdmin"]);
    let refused = harbour.run(&["apply"]).expect_code(3);
    for permission in [
        "iam.workloadIdentityPools.create",
        "artifactregistry.repositories.create",
        "iam.serviceAccounts.create",
    ] {
        assert!(
            refused.stdout.contains(permission) || refused.stderr.contains(permission),
            "{permission}: {refused:?}"
        );
    }
    harbour.demote_administrator(&["roles/owner"]);
    let plan = harbour.run(&["plan", "-o", "json"]).expect_code(4).json();
    let all_create =
        plan["changes"].as_array().unwrap().iter().all(|change| change["action"]["do"] == "create");
    assert!(all_create, "something was written: {plan}");
}

#[test]
fn what_others_made_is_taken_over_by_its_key_alone() {
    let harbour = Harbour::new();
    let pools = format!(
        "http://{}/v1/projects/{}/locations/global/workloadIdentityPools",
        harbour.sandbox.addresses().iam,
        sandbox::seed::PROJECT
    );
    let by_hand = json!({ "description": "made by hand" });
    let request = harbour.client().post(format!("{pools}?workloadIdentityPoolId=gangplank"));
    let (status, _) = harbour.send(request.bearer_auth(harbour.google_log_in()).json(&by_hand));
    assert_eq!(status, 200);
    let plan = harbour.run(&["plan"]).expect_code(4);
    assert!(plan.stdout.contains("`gangplank apply --adopt google/pool/gangplank`"), "{}", plan.stdout);
    harbour.run(&["apply"]).expect_code(3);
    let wrong = harbour.run(&["apply", "--adopt", "google/pool/gangplnk"]).expect_code(2);
    wrong.expect_talk("did you mean `google/pool/gangplank`?");
    let plan = harbour.run(&["plan", "--adopt", "google/pool/gangplank"]).expect_code(4);
    assert!(plan.stdout.contains("* google/pool/gangplank\n"), "{}", plan.stdout);
    assert!(plan.stdout.contains("(oncology-ci)"), "ids have names beside them: {}", plan.stdout);
    plan.expect_talk("`gangplank apply --adopt 'google/pool/gangplank'` makes these changes");
    harbour.run(&["apply", "--adopt", "google/pool/gangplank"]).expect_code(0);
    harbour.run(&["plan", "--adopt", "google/pool/gangplank"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
}

#[test]
fn policies_of_the_organisation_are_explained() {
    let harbour = Harbour::new();
    let google = &harbour.sandbox.world.google;
    for (constraint, name, command) in [
        (Constraint::Issuers(Vec::new()), "iam.workloadIdentityPoolProviders", "allow"),
        (Constraint::NoNewServiceAccounts, "iam.disableServiceAccountCreation", "disable-enforce"),
        (Constraint::Customers(vec!["C0other".to_owned()]), "iam.allowedPolicyMemberDomains", "allow"),
    ] {
        google.constrain(vec![constraint]);
        let refused = harbour.run(&["apply"]).expect_code(3).expect_talk(&format!("constraints/{name}"));
        refused
            .expect_talk(&format!("org-policies {command} {name}"))
            .expect_talk("roles/orgpolicy.policyAdmin");
    }
    google.constrain(vec![Constraint::Customers(vec![sandbox::google::CUSTOMER.to_owned()])]);
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
}

#[test]
fn apis_that_are_off_are_named_together() {
    let harbour = Harbour::new();
    let google = &harbour.sandbox.world.google;
    for api in ["iam.googleapis.com", "artifactregistry.googleapis.com"] {
        google.switch_api(api, false);
    }
    let refused = harbour.run(&["plan"]).expect_code(3);
    let command = "`gcloud services enable iam.googleapis.com artifactregistry.googleapis.com --project=harbour-sandbox`";
    refused.expect_talk(command);
    google.switch_api("iam.googleapis.com", true);
    harbour.run(&["apply"]).expect_code(3).expect_talk("artifactregistry.googleapis.com");
    google.switch_api("artifactregistry.googleapis.com", true);
    harbour.run(&["apply"]).expect_code(0);
}

#[test]
fn a_team_pushes_to_its_own_repository_alone() {
    let harbour = Harbour::new();
    harbour
        .edit("    namespace: team-oncology\n", "    namespace: team-oncology\n    repository: oncology\n");
    harbour.edit("may: [push, \"deploy:oncology\"]", "may: [\"push:oncology\", \"deploy:oncology\"]");
    harbour.run(&["apply"]).expect_code(0);
    harbour.run(&["plan"]).expect_code(0);
    let packed = harbour.run(&["pack", "breast-cancer:1"]).expect_code(0);
    assert!(packed.stdout.contains("/harbour-sandbox/oncology/breast-cancer@sha256:"), "{}", packed.stdout);
    harbour.run(&["doctor", "--team", "oncology"]).expect_code(0);
    harbour.edit("    repository: oncology\n", "");
    harbour.run(&["plan"]).expect_code(2).expect_talk("team `oncology` has no repository of its own");
}

#[test]
fn destroying_prints_one_document() {
    let harbour = Harbour::set_up();
    let destroyed = harbour.run(&["destroy", "--yes", "-o", "json"]).expect_code(0).json();
    assert!(destroyed["done"].as_array().unwrap().len() > 10 && destroyed["left"] == json!([]));
    let nothing = harbour.run(&["destroy", "--yes", "-o", "json"]).expect_code(0).json();
    assert_eq!(nothing["done"], json!([]));
}
