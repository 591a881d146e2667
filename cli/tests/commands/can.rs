//! `can`: who may do what on both clouds and in the cluster, by which rule, as an administrator sees it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harbour::{Ended, Harbour};

fn ask(harbour: &Harbour, question: &str) -> Ended {
    let mut arguments = vec!["can"];
    arguments.extend(question.split(' '));
    harbour.run(&arguments)
}

/// What sets a bridge up, without a basic role: whoever has these may look at everything but deny policies.
const SETTING_UP: [&str; 6] = [
    "roles/browser",
    "roles/resourcemanager.projectIamAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.workloadIdentityPoolAdmin",
    "roles/artifactregistry.admin",
    "roles/container.admin",
];

fn repository(harbour: &Harbour) -> String {
    format!(
        "http://{}/v1/projects/{}/locations/{}/repositories/models",
        harbour.sandbox.addresses().artifact_registry,
        sandbox::seed::PROJECT,
        sandbox::seed::LOCATION
    )
}

fn project(harbour: &Harbour) -> String {
    format!(
        "http://{}/v3/projects/{}",
        harbour.sandbox.addresses().cloud_resource_manager,
        sandbox::seed::PROJECT
    )
}

#[test]
fn everybody_may_what_the_bridge_declares_and_no_more() {
    let harbour = Harbour::set_up();
    let oncology = sandbox::seed::ONCOLOGY_CI.object_id;
    let table = [
        ("oncology-ci push repository/models".to_owned(), 0),
        ("oncology-ci impersonate team/oncology".to_owned(), 0),
        ("oncology-ci impersonate team/cellar".to_owned(), 3),
        ("oncology-ci create deployments -n team-oncology".to_owned(), 0),
        ("oncology-ci create deployments -n team-cellar".to_owned(), 3),
        ("oncology-ci read-models workspace".to_owned(), 0),
        ("cellar-deployers push repository".to_owned(), 0),
        ("cellar-deployers patch deployments -n team-cellar".to_owned(), 0),
        (format!("{oncology} push repository/models"), 0),
        (format!("{oncology} read-models workspace"), 0),
        ("team/oncology get pods/log -n team-oncology".to_owned(), 0),
        ("team/oncology get secrets -n team-oncology".to_owned(), 3),
        ("system:serviceaccount:team-oncology:default get pods -n team-oncology".to_owned(), 3),
        ("user:stranger@x.example pull repository/models".to_owned(), 3),
        ("nobody push repository/models".to_owned(), 2),
        ("oncology-ci push repo/models".to_owned(), 2),
    ];
    for (question, code) in table {
        let ended = ask(&harbour, &question);
        assert_eq!(ended.code, code, "{question}\n{}\n{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn the_answer_names_the_rule_and_what_could_not_be_seen() {
    let harbour = Harbour::set_up();
    harbour.demote_administrator(&SETTING_UP);
    let told = ask(&harbour, "oncology-ci create deployments -n team-oncology").expect_code(0).stdout;
    for line in [
        "yes: oncology-ci can create deployments.apps in namespace `team-oncology`",
        "through team `oncology`, as serviceAccount:gp-oncology@harbour-sandbox.iam.gserviceaccount.com",
        "has `roles/iam.workloadIdentityUser` on `serviceAccounts/gp-oncology`",
        "RBAC: RoleBinding `gangplank-deployer` of Role `gangplank-deployer` to User \"gp-oncology@",
        "the deny policies of project `harbour-sandbox` could not be seen",
        "roles/iam.denyReviewer",
    ] {
        assert!(told.contains(line), "`{line}` is not in\n{told}");
    }
    let verdict = ask(&harbour, "team/oncology push repository/models -o json").expect_code(3).json();
    let check = &verdict["ways"][0]["checks"][1];
    assert_eq!(check["needs"], "`artifactregistry.repositories.uploadArtifacts` on `repositories/models`");
    let nearest = check["nearest"].as_str().unwrap();
    assert!(
        nearest.contains("`roles/artifactregistry.writer` on `repositories/models` is given to"),
        "{nearest}"
    );
    let yaml = ask(&harbour, "team/oncology push repository/models -o yaml").expect_code(3).stdout;
    assert!(yaml.contains("allowed: false"), "{yaml}");
}

#[test]
fn with_the_right_to_look_at_deny_policies_the_answer_is_settled() {
    let harbour = Harbour::set_up();
    harbour.demote_administrator(&SETTING_UP);
    let question = "oncology-ci push repository/models -o json";
    let before = ask(&harbour, question).expect_code(0).json();
    assert_eq!((&before["settled"], before["unseen"].as_array().unwrap().len()), (&json!(false), 1));
    give(&harbour, "roles/iam.denyReviewer", &format!("user:{}", sandbox::seed::GOOGLE_ADMIN));
    let after = ask(&harbour, question).expect_code(0).json();
    assert_eq!((&after["settled"], &after["unseen"]), (&json!(true), &json!([])));
}

fn give(harbour: &Harbour, role: &str, member: &str) {
    let binding = json!({ "role": role, "members": [member] });
    harbour.edit_policy(&project(harbour), Method::POST, |bindings: &mut Vec<Value>| bindings.push(binding));
}

#[test]
fn container_developer_goes_around_the_team_s_rbac() {
    let harbour = Harbour::set_up();
    let question = "team/oncology get secrets -n team-cellar";
    ask(&harbour, question).expect_code(3);
    let member = format!("serviceAccount:gp-oncology@{}.iam.gserviceaccount.com", sandbox::seed::PROJECT);
    give(&harbour, "roles/container.developer", &member);
    let told = ask(&harbour, question).expect_code(0).stdout;
    assert!(told.contains("IAM, by `container.secrets.get`"), "{told}");
    assert!(told.contains("has `roles/container.developer` on `projects/harbour-sandbox`"), "{told}");
}

#[test]
fn a_condition_that_does_not_hold_gives_nothing_and_is_named() {
    let harbour = Harbour::set_up();
    let with = |expression: &'static str| {
        harbour.edit_policy(&repository(&harbour), Method::GET, |bindings: &mut Vec<Value>| {
            for binding in bindings.iter_mut().filter(|it| it["role"] == "roles/artifactregistry.writer") {
                binding["condition"] = json!({ "title": "only others", "expression": expression });
            }
        });
        ask(&harbour, "oncology-ci push repository/models")
    };
    let told = with("resource.name.endsWith('/repositories/others')").expect_code(3).stdout;
    assert!(told.contains("counts only if `only others`, which does not hold"), "{told}");
    with("resource.name.endsWith('/repositories/models')").expect_code(0);
}

#[test]
fn an_administrator_who_may_not_look_is_told_which_right_it_takes() {
    let harbour = Harbour::set_up();
    harbour.demote_administrator(&["roles/container.viewer", "roles/browser"]);
    let told = ask(&harbour, "oncology-ci push repository/models").expect_code(3).stdout;
    assert!(
        told.starts_with("no: oncology-ci cannot push to repository `models`\nas far as could be seen"),
        "{told}"
    );
    assert!(told.contains("it takes artifactregistry.repositories.getIamPolicy"), "{told}");
}
