//! `can` from files: what they show decides; what they do not show is never a yes, and never a no for good.

use super::*;
use crate::act::can::ask;
use crate::exhibit::{Paper, gather};
use crate::manifest::fixture;

const BRIDGE: &str = include_str!("../../../cli/tests/bridge.yaml");
const OBJECT: &str = "c3d2e5f4-9d86-403b-9e7a-f42081ac0d03";
const POOL: &str =
    "//iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/gangplank";

fn can(papers: &[(&str, &str)], who: &str, verb: &str, what: &str, namespace: Option<&str>) -> Verdict {
    let papers: Vec<Paper<'_>> = papers.iter().map(|(name, text)| Paper { name, text }).collect();
    let exhibits = gather(&papers);
    assert_eq!(exhibits.unread, []);
    let bridge = exhibits.bridge().unwrap().unwrap();
    let wish = Wish::parse(&bridge, verb, what, namespace, None).unwrap();
    let who = match who {
        "token" => Who::known("token", caller_among(&exhibits).unwrap()),
        who => Who::new(who),
    };
    let question = Question { bridge: &bridge, who, wish, now: jiff::Timestamp::UNIX_EPOCH };
    fixture::now(ask(&question, &Collected { exhibits: &exhibits, bridge: &bridge })).unwrap()
}

fn policy(on: &str, role: &str, member: &str) -> String {
    format!(
        r#"{{"resource": "{on}", "policy": {{"bindings": [{{"role": "{role}", "members": ["{member}"]}}]}}}}"#
    )
}

fn repository() -> String {
    policy(
        "//artifactregistry.googleapis.com/projects/harbour-sandbox/locations/europe-west4/repositories/models",
        "roles/artifactregistry.writer",
        &format!("principal:{POOL}/subject/{OBJECT}"),
    )
}

fn claims() -> String {
    format!(
        r#"{{"iss": "https://i", "aud": "app", "sub": "{OBJECT}", "oid": "{OBJECT}", "azp": "a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01"}}"#
    )
}

const PROVIDER: &str = r#"{"name": "projects/412907655821/locations/global/workloadIdentityPools/gangplank/providers/entra",
    "attributeMapping": {"google.subject": "assertion.sub"}, "oidc": {"issuerUri": "https://i", "allowedAudiences": ["app"]}}"#;

const RBAC: &str = r"
apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: Role
  metadata: { name: deployer, namespace: team-oncology }
  rules: [{ apiGroups: [apps], resources: [deployments], verbs: [create] }]
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: { name: deployer, namespace: team-oncology }
  roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer }
  subjects: [{ kind: User, name: gp-oncology@harbour-sandbox.iam.gserviceaccount.com }]
";

#[test]
fn a_policy_in_a_file_allows_and_deny_policies_stay_open() {
    let (policy, claims) = (repository(), claims());
    let papers = [
        ("bridge.yaml", BRIDGE),
        ("r.json", policy.as_str()),
        ("t.json", claims.as_str()),
        ("p.json", PROVIDER),
        ("project-policy.json", r#"{"bindings": []}"#),
    ];
    for who in ["oncology-ci", "token", OBJECT] {
        let told = can(&papers, who, "push", "repository/models", None);
        assert!(told.allowed && !told.settled, "{who}: {told:#?}");
        assert!(told.unseen.iter().any(|it| it.what.contains("deny policies")), "{told:#?}");
    }
    let with_deny: Vec<_> = papers.into_iter().chain([("deny-policies.json", "[]")]).collect();
    let told = can(&with_deny, "token", "push", "repository/models", None);
    assert!(told.allowed && told.settled, "{told:#?}");
    let other = can(&with_deny, "user:stranger@x.example", "push", "repository/models", None);
    assert!(!other.allowed && other.settled, "{other:#?}");
}

#[test]
fn what_no_file_shows_is_neither_a_yes_nor_the_last_word() {
    for (verb, what, namespace) in [
        ("push", "repository/models", None),
        ("impersonate", "team/oncology", None),
        ("create", "deployments", Some("team-oncology")),
        ("read-models", "workspace", None),
    ] {
        let told = can(&[("bridge.yaml", BRIDGE)], OBJECT, verb, what, namespace);
        assert!(!told.allowed && !told.settled, "{verb} {what}: {told:#?}");
    }
}

#[test]
fn a_policy_that_does_not_say_what_it_is_on_is_of_nobody_in_particular() {
    let bare = format!(
        r#"{{"bindings": [{{"role": "roles/iam.workloadIdentityUser", "members": ["principal:{POOL}/subject/{OBJECT}"]}}]}}"#
    );
    let papers = |name: &'static str| [("bridge.yaml", BRIDGE), (name, bare.as_str())];
    let told = can(&papers("sa-policy.json"), OBJECT, "impersonate", "team/oncology", None);
    assert!(!told.allowed && !told.settled, "{told:#?}");
    let mut why = told.unseen.iter().map(|it| &it.why);
    assert!(why.any(|it| it.contains("does not say what it is on")), "{:#?}", told.unseen);
    let told = can(&papers("gp-oncology-policy.json"), OBJECT, "impersonate", "team/oncology", None);
    assert!(told.allowed, "{told:#?}");
}

#[test]
fn bindings_in_a_file_allow_and_others_may_be_in_the_cluster() {
    let papers = [("bridge.yaml", BRIDGE), ("rbac.yaml", RBAC)];
    let account = "system:serviceaccount:team-oncology:default";
    let told = can(&papers, account, "create", "deployments", Some("team-oncology"));
    assert!(!told.allowed && !told.settled, "{told:#?}");
    let because = &told.ways[0].checks[0].because;
    assert!(because.iter().any(|it| it.contains("a binding that was not given")), "{because:?}");
    let told = can(&papers, "team/oncology", "create", "deployments", Some("team-oncology"));
    assert!(told.ways[0].checks[1].allowed, "{told:#?}");
}

#[test]
fn roles_of_azure_are_known_by_name_and_an_unknown_one_leaves_it_open() {
    let scope = "/subscriptions/7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31/resourceGroups/rg-quay/providers/Microsoft.MachineLearningServices/workspaces/quay";
    for (role, allowed) in [("Reader", true), ("Harbour Reader", false)] {
        let assignments = format!(
            r#"[{{"principalId": "{OBJECT}", "principalType": "ServicePrincipal", "roleDefinitionName": "{role}", "scope": "{scope}"}}]"#
        );
        let papers = [("bridge.yaml", BRIDGE), ("roles.json", assignments.as_str())];
        let told = can(&papers, OBJECT, "read-models", "workspace", None);
        assert_eq!(told.ways[0].checks[0].allowed, allowed, "{told:#?}");
        assert!(!told.settled);
    }
}
