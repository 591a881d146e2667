//! Tables for questions: in a world that has exactly what the example bridge wants, everybody may what is declared for
//! them and no more; and what cannot be seen is never a yes.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trust::iam::{Binding, DenyPolicy, Policy};

use super::*;
use crate::act::can::ask;
use crate::inventory::Facts;
use crate::port::{PortError, PortResult, Refused};
use crate::resource::Resource;
use crate::want::{
    tests::{harbour, with_people},
    wanted,
};

/// A world that a viewer sees, but for what is hidden.
#[derive(Default)]
struct World {
    facts: Facts,
    policies: BTreeMap<GrantTarget, Policy>,
    deny: Vec<DenyPolicy>,
    rbac: Rbac,
    assignments: Vec<Assignment>,
    hidden: Vec<&'static str>,
}

fn role(name: &str) -> Vec<Permission> {
    let some = |actions: &[&str]| actions.iter().map(|it| (*it).to_owned()).collect();
    vec![match name {
        "Reader" => Permission { actions: some(&["*/read"]), ..Permission::default() },
        "Owner" => Permission { actions: some(&["*"]), ..Permission::default() },
        "Storage Blob Data Reader" => Permission {
            actions: some(&["Microsoft.Storage/storageAccounts/blobServices/containers/read"]),
            data_actions: some(&["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"]),
            ..Permission::default()
        },
        other => panic!("{other}"),
    }]
}

impl World {
    /// Everything that the bridge wants, and nothing else.
    fn as_wanted(bridge: &Bridge, facts: &Facts) -> Self {
        let mut world = Self { facts: facts.clone(), ..Self::default() };
        world.policies.insert(GrantTarget::Project, Policy::default());
        for resource in wanted(bridge, facts).0 {
            match resource {
                Resource::Grant(grant) => world.grant(&grant.target, &grant.role, grant.members),
                Resource::ServiceAccount(account) => {
                    world.policies.entry(GrantTarget::ServiceAccount(account.id)).or_default();
                }
                Resource::Kubernetes(object) => world.object(&object.object),
                Resource::RoleAssignment(it) => {
                    world.assign(&it.principal_id, &it.principal_type, &it.role, &it.scope);
                }
                _ => {}
            }
        }
        world
    }

    fn grant(&mut self, target: &GrantTarget, role: &str, members: impl IntoIterator<Item = String>) {
        let binding =
            Binding { role: role.to_owned(), members: members.into_iter().collect(), condition: None };
        self.policies.entry(target.clone()).or_default().bindings.push(binding);
    }

    fn assign(&mut self, principal_id: &str, principal_type: &str, name: &str, scope: &str) {
        self.assignments.push(Assignment {
            principal_id: principal_id.to_owned(),
            principal_type: principal_type.to_owned(),
            scope: scope.to_owned(),
            role: name.to_owned(),
            permissions: role(name),
            condition: None,
        });
    }

    fn object(&mut self, object: &Value) {
        let read = || object.clone();
        match object["kind"].as_str().unwrap() {
            "Role" => self.rbac.roles.push(serde_json::from_value(read()).unwrap()),
            "RoleBinding" => self.rbac.role_bindings.push(serde_json::from_value(read()).unwrap()),
            "ClusterRole" => self.rbac.cluster_roles.push(serde_json::from_value(read()).unwrap()),
            "ClusterRoleBinding" => {
                self.rbac.cluster_role_bindings.push(serde_json::from_value(read()).unwrap());
            }
            _ => {}
        }
    }

    fn see<T>(&self, what: &str, thing: T) -> PortResult<T> {
        if self.hidden.contains(&what) {
            let refused = PortError::unsupported("Google IAM", "Permission denied");
            return Err(PortError { kind: Refused::Denied, ..refused });
        }
        Ok(thing)
    }
}

impl Viewer for World {
    async fn facts(&self) -> PortResult<Facts> {
        self.see("facts", self.facts.clone())
    }

    async fn policy(&self, target: &GrantTarget) -> PortResult<Policy> {
        let what = if *target == GrantTarget::Project { "project" } else { "policy" };
        self.see(what, self.policies.get(target).cloned().unwrap_or_default())
    }

    async fn deny_policies(&self) -> PortResult<Vec<DenyPolicy>> {
        self.see("deny", self.deny.clone())
    }

    async fn rbac(&self) -> PortResult<Rbac> {
        self.see("rbac", self.rbac.clone())
    }

    async fn assignments(&self, _: &str) -> PortResult<Vec<Assignment>> {
        self.see("assignments", self.assignments.clone())
    }
}

/// `WHO | VERB | WHAT | NAMESPACE`, the last may be left out.
fn put(bridge: &Bridge, world: &World, line: &str) -> Verdict {
    let words: Vec<&str> = line.split('|').map(str::trim).collect();
    let wish = Wish::parse(bridge, words[1], words[2], words.get(3).copied(), None).unwrap();
    let now = "2026-11-28T12:00:00Z".parse().unwrap();
    let question = Question { bridge, who: Who::new(words[0]), wish, now };
    futures_util::future::FutureExt::now_or_never(ask(&question, world)).unwrap().unwrap()
}

#[test]
fn everybody_may_what_is_declared_and_no_more() {
    let (bridge, facts) = harbour();
    let world = World::as_wanted(&bridge, &facts);
    let table = [
        ("oncology-ci | push | repository/models", true),
        ("oncology-ci | pull | repository", true),
        ("oncology-ci | push | repository/other", false),
        ("oncology-ci | impersonate | team/oncology", true),
        ("oncology-ci | impersonate | serviceAccount/gp-oncology@harbour-prod.iam.gserviceaccount.com", true),
        ("oncology-ci | impersonate | team/cellar", false),
        ("oncology-ci | create | deployments | oncology", true),
        ("oncology-ci | create | deployments | wine", false),
        ("oncology-ci | create | deployments", false),
        ("oncology-ci | get | pods/log | oncology", true),
        ("oncology-ci | create | pods/exec | oncology", false),
        ("oncology-ci | get | secrets | oncology", false),
        ("oncology-ci | read-models | workspace", true),
        ("c3d2e5f4-9d86-403b-9e7a-f42081ac0d03 | push | repository/models", true),
        ("C3D2E5F4-9D86-403B-9E7A-F42081AC0D03 | read-models | workspace/quay", true),
        ("cellar deployers | push | repository/models", true),
        ("cellar deployers | impersonate | team/cellar", true),
        ("cellar deployers | patch | deployments | wine", true),
        ("cellar deployers | patch | deployments | oncology", false),
        // By the role that the bridge gives it.
        ("f6a5b8c7-c0b9-436e-81ad-275314bf3006 | impersonate | team/cellar", true),
        ("f6a5b8c7-c0b9-436e-81ad-275314bf3006 | impersonate | team/oncology", false),
        ("auditors | pull | repository/models", true),
        ("auditors | push | repository/models", false),
        ("auditors | read-models | workspace", false),
        ("team/oncology | create | deployments | oncology", true),
        ("oncology | create | deployments | wine", false),
        ("oncology | push | repository/models", false),
        ("oncology | container.clusters.get | project", true),
        ("serviceAccount:gp-cellar@harbour-prod.iam.gserviceaccount.com | create | configmaps | wine", true),
        ("gp-cellar@harbour-prod.iam.gserviceaccount.com | delete | configmaps | wine", false),
        ("user:stranger@x.example | pull | repository/models", false),
        ("system:serviceaccount:oncology:default | get | pods | oncology", false),
        (
            "principal://iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/gangplank/subject/c3d2e5f4-9d86-403b-9e7a-f42081ac0d03 | push | repository/models",
            true,
        ),
        ("00000000-0000-4000-8000-000000000000 | push | repository/models", false),
    ];
    for (line, expected) in table {
        let verdict = put(&bridge, &world, line);
        assert_eq!(verdict.allowed, expected, "{line}: {verdict:#?}");
        assert!(verdict.settled, "{line}: {verdict:#?}");
        assert!(verdict.unseen.is_empty(), "{line}");
    }
}

/// The reasons and the nearest rule of the last check of the last way.
fn told(verdict: &Verdict) -> String {
    let check = verdict.ways.last().unwrap().checks.last().unwrap();
    let lines = if check.allowed { &check.allowed_by } else { &check.because };
    format!("{} / {}", lines.join("; "), check.nearest.clone().unwrap_or_default())
}

#[test]
fn names_the_rule_that_allows_or_the_nearest_that_does_not() {
    let (bridge, facts) = harbour();
    let mut world = World::as_wanted(&bridge, &facts);
    // Every cluster has roles that everybody has; they are nobody's nearest.
    world.object(&json!({"kind": "ClusterRole", "metadata": {"name": "system:basic-user"}, "rules": []}));
    world.object(&json!({"kind": "ClusterRoleBinding", "metadata": {"name": "system:basic-user"},
        "roleRef": {"kind": "ClusterRole", "name": "system:basic-user"},
        "subjects": [{"kind": "Group", "name": "system:authenticated"}]}));
    let table = [
        (
            "oncology-ci | push | repository/models",
            "has `roles/artifactregistry.writer` on `repositories/models`",
        ),
        (
            "00000000-0000-4000-8000-000000000000 | push | repository/models",
            "/ `roles/artifactregistry.writer` on `repositories/models` is given to `principal://iam.googleapis.com/",
        ),
        (
            "auditors | push | repository/models",
            "has `roles/artifactregistry.reader` on `repositories/models`, which lacks the permission",
        ),
        (
            "oncology | create | deployments | oncology",
            "RBAC: RoleBinding `gangplank-deployer` of Role `gangplank-deployer` to User \"gp-oncology@harbour-prod.iam.gserviceaccount.com\"",
        ),
        (
            "oncology | create | deployments | wine",
            "/ RoleBinding `gangplank-deployer` of Role `gangplank-deployer` to User \"gp-cellar@harbour-prod.iam.gserviceaccount.com\" allows it, and does not name the caller",
        ),
        (
            "oncology | get | secrets | oncology",
            "RBAC: RoleBinding `gangplank-deployer` of Role `gangplank-deployer` to User \"gp-oncology@harbour-prod.iam.gserviceaccount.com\" does not allow it",
        ),
        ("auditors | read-models | workspace", "no role is assigned to it here or above"),
        ("user:a@x.example | read-models | workspace", "its object id in Entra is not known"),
    ];
    for (line, expected) in table {
        let told = told(&put(&bridge, &world, line));
        assert!(told.contains(expected), "{line}: {told}");
    }
}

#[test]
fn on_gke_either_iam_or_rbac_may_allow() {
    let (bridge, facts) = harbour();
    let mut world = World::as_wanted(&bridge, &facts);
    let email = "serviceAccount:gp-oncology@harbour-prod.iam.gserviceaccount.com".to_owned();
    world.grant(&GrantTarget::Project, "roles/container.developer", [email]);
    let verdict = put(&bridge, &world, "oncology | get | secrets | wine");
    assert!(verdict.allowed);
    assert!(told(&verdict).contains("IAM, by `container.secrets.get`"), "{}", told(&verdict));
    // Pods' service accounts are no principals of Google's to the API server.
    let pod = "serviceAccount:harbour-prod.svc.id.goog[oncology/app]".to_owned();
    world.grant(&GrantTarget::Project, "roles/container.developer", [pod]);
    assert!(!put(&bridge, &world, "system:serviceaccount:oncology:app | get | secrets | wine").allowed);
}

#[test]
fn what_is_not_seen_leaves_the_answer_open_and_names_the_right() {
    let (bridge, facts) = harbour();
    let mut world = World::as_wanted(&bridge, &facts);
    let table = [
        (
            "policy",
            "oncology-ci | push | repository/models",
            false,
            "artifactregistry.repositories.getIamPolicy",
        ),
        ("project", "oncology-ci | push | repository/models", true, "resourcemanager.projects.getIamPolicy"),
        ("project", "auditors | push | repository/models", false, "resourcemanager.projects.getIamPolicy"),
        ("deny", "oncology-ci | push | repository/models", true, "roles/iam.denyReviewer"),
        ("rbac", "oncology | create | deployments | oncology", false, "clusterrolebindings"),
        (
            "assignments",
            "oncology-ci | read-models | workspace",
            false,
            "Microsoft.Authorization/roleAssignments/read",
        ),
        ("facts", "oncology-ci | push | repository/models", false, "gangplank plan"),
    ];
    for (hidden, line, allowed, right) in table {
        world.hidden = vec![hidden];
        let verdict = put(&bridge, &world, line);
        assert_eq!(verdict.allowed, allowed, "{hidden} {line}: {verdict:#?}");
        assert!(verdict.unseen.iter().any(|it| it.right.contains(right)), "{hidden} {line}: {verdict:#?}");
    }
    world.hidden = vec!["deny"];
    assert!(!put(&bridge, &world, "oncology-ci | push | repository/models").settled);
    world.hidden = vec!["policy"];
    assert!(!put(&bridge, &world, "oncology-ci | push | repository/models").settled);
}

#[test]
fn a_deny_policy_ends_it() {
    let (bridge, facts) = harbour();
    let mut world = World::as_wanted(&bridge, &facts);
    let deny = json!({"name": "policies/x/denypolicies/freeze", "rules": [{"denyRule": {
        "deniedPrincipals": ["principalSet://goog/public:all"],
        "deniedPermissions": ["artifactregistry.googleapis.com/repositories.uploadArtifacts"],
    }}]});
    world.deny = vec![serde_json::from_value(deny).unwrap()];
    let verdict = put(&bridge, &world, "oncology-ci | push | repository/models");
    assert!(!verdict.allowed && verdict.settled);
    assert!(told(&verdict).contains("deny policy `policies/x/denypolicies/freeze`"), "{}", told(&verdict));
    assert!(put(&bridge, &world, "oncology-ci | pull | repository/models").allowed);
}

#[test]
fn azure_rights_come_from_above_and_by_group_only_perhaps() {
    let (bridge, facts) = harbour();
    let mut world = World { facts: facts.clone(), ..World::default() };
    let id = "c3d2e5f4-9d86-403b-9e7a-f42081ac0d03";
    world.assign(id, "ServicePrincipal", "Owner", "/subscriptions/7D9B2F40-1c3e-4a5d-8b6f-2e0c9a8d5b31");
    let verdict = put(&bridge, &world, &format!("{id} | read-models | workspace"));
    let [see, read] = verdict.ways[0].checks.as_slice() else { panic!("{verdict:?}") };
    assert!(see.allowed && !read.allowed && read.settled, "an owner reads no data: {verdict:#?}");
    assert!(read.because[0].contains("which lacks it"), "{read:?}");
    world.assign("other-group", "Group", "Storage Blob Data Reader", &facts.datastore.scope);
    let verdict = put(&bridge, &world, &format!("{id} | read-models | workspace"));
    assert!(!verdict.allowed && !verdict.settled, "{verdict:#?}");
    world.assign(id, "ServicePrincipal", "Storage Blob Data Reader", &facts.datastore.scope.to_uppercase());
    assert!(put(&bridge, &world, &format!("{id} | read-models | workspace")).allowed);
}

#[test]
fn unclear_questions_are_told_what_would_do() {
    let (bridge, _) = harbour();
    let wishes = [
        ("push", "repo/models", "nothing that anybody could do"),
        ("write", "repository/models", "nothing that anybody could do"),
        ("push", "repository/a/b", "names no repository"),
        ("impersonate", "team/unknown", "has no team `unknown`"),
        ("impersonate", "serviceAccount/x@other.iam.gserviceaccount.com", "no service account of project"),
        ("read-models", "workspace/other", "is not the bridge's"),
        ("get", "bridges", "no resource that is known here"),
        ("a.b.c", "cluster/x", "no resource that a permission"),
    ];
    for (verb, what, expected) in wishes {
        let unclear = Wish::parse(&bridge, verb, what, None, None).unwrap_err();
        assert!(unclear.problem.contains(expected) && !unclear.hint.is_empty(), "{verb} {what}: {unclear:?}");
    }
    assert!(Wish::parse(&bridge, "push", "repository/models", Some("n"), None).is_err());
    let people = [
        ("stranger", "declares nobody of that name"),
        ("system:serviceaccount:oncology", "no service account of the cluster"),
        (
            "principal://iam.googleapis.com/projects/harbour/locations/global/workloadIdentityPools/p/subject/s",
            "by its id",
        ),
        ("group:g@x.example", "nobody in particular"),
        ("allUsers", "declares nobody"),
        ("team/nobody", "declares nobody"),
    ];
    for (who, expected) in people {
        let unclear = Who::new(who).resolve(&bridge, None).unwrap_err();
        assert!(unclear.problem.contains(expected) && !unclear.hint.is_empty(), "{who}: {unclear:?}");
    }
}

#[test]
fn a_declared_person_is_asked_about_by_her_role_and_not_by_her_subject() {
    let (bridge, facts) = with_people();
    let dana = "6d2e0f81-405c-4e3b-9f7d-1c8b2f3e4d51";
    for (who, facts, known) in [
        ("Dana@harbour.example", Some(&facts), true),
        (dana, Some(&facts), true),
        // Without the directory it may as well be a user of Google's.
        ("Dana@harbour.example", None, false),
    ] {
        let actor = Who::new(who).resolve(&bridge, facts).unwrap();
        let google =
            actor.google.as_ref().map(trust::principal::Caller::principal_string).unwrap_or_default();
        assert!(!google.contains(dana), "{google}");
        assert_eq!(actor.entra == [dana], known, "{who}");
        assert_eq!(google == "user:Dana@harbour.example", !known, "{google}");
    }
}

#[test]
fn requests_to_the_cluster_are_read_as_kubectl_writes_them() {
    let (bridge, _) = harbour();
    let table = [
        ("create", "deployments", "create deployments.apps in namespace `n`"),
        ("get", "pods/log", "get pods/log in namespace `n`"),
        ("update", "deployments/scale", "update deployments/scale.apps in namespace `n`"),
        ("update", "deployments.apps/scale", "update deployments/scale.apps in namespace `n`"),
        ("get", "bridges.example.com", "get bridges.example.com in namespace `n`"),
        ("get", "/healthz", "get `/healthz`"),
    ];
    for (verb, what, expected) in table {
        assert_eq!(Wish::parse(&bridge, verb, what, Some("n"), None).unwrap().to_string(), expected);
    }
}
