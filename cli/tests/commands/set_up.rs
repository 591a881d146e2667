//! `plan`, `apply`, `destroy`: as the story has them.

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
