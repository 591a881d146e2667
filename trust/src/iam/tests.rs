//! Tables for IAM decisions.

use super::*;
use serde_json::json;

const POOL: &str = "projects/1/locations/global/workloadIdentityPools/p";

fn policy(bindings: &serde_json::Value) -> Policy {
    serde_json::from_value(json!({"version": 1, "etag": "abc", "bindings": bindings})).unwrap()
}

fn federated(subject: &str) -> Caller {
    let mapped = crate::provider::Mapped { subject: subject.to_owned(), ..Default::default() };
    Caller::Federated { pool_resource: POOL.to_owned(), mapped }
}

#[test]
fn grants_come_from_any_layer_and_name_their_binding() {
    let repository = policy(&json!([
        {"role": "roles/artifactregistry.writer", "members": [format!("principal://iam.googleapis.com/{POOL}/subject/s")]}
    ]));
    let project = policy(&json!([{"role": "roles/owner", "members": ["user:admin@x.example"]}]));
    let layers = [("repository", &repository), ("project", &project)];
    let permission = "artifactregistry.repositories.uploadArtifacts";
    let push = decide(&layers, &federated("s"), permission);
    assert!(push.allowed);
    assert_eq!(
        push.because.first().unwrap().to_string(),
        "`principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/subject/s` has \
         `roles/artifactregistry.writer` on `repository`"
    );
    let owner = decide(&layers, &Caller::User("admin@x.example".to_owned()), permission);
    assert_eq!(owner.because.len(), 1);
    assert!(owner.allowed);
}

#[test]
fn a_denial_says_what_stood_in_each_layer() {
    let repository = policy(&json!([
        {"role": "roles/artifactregistry.reader", "members": ["serviceAccount:a@p.iam.gserviceaccount.com"]},
        {"role": "projects/p/roles/own", "members": ["serviceAccount:a@p.iam.gserviceaccount.com"]},
        {"role": "roles/artifactregistry.writer", "members": ["serviceAccount:a@p.iam.gserviceaccount.com"],
         "condition": {"title": "weekdays", "expression": "request.time.getDayOfWeek() < 6"}}
    ]));
    let project = policy(&json!([]));
    let caller = Caller::ServiceAccount("a@p.iam.gserviceaccount.com".to_owned());
    let layers = [("repository", &repository), ("project", &project)];
    let decision = decide(&layers, &caller, "artifactregistry.repositories.uploadArtifacts");
    assert!(!decision.allowed);
    let because: Vec<String> = decision.because.iter().map(ToString::to_string).collect();
    assert_eq!(
        because,
        [
            "`serviceAccount:a@p.iam.gserviceaccount.com` has `roles/artifactregistry.reader` on `repository`, which \
             lacks the permission",
            "the caller has `projects/p/roles/own` on `repository`, whose permissions are not known",
            "`roles/artifactregistry.writer` on `repository` counts only if `weekdays`, which was not evaluated",
            "no binding on `project` names the caller",
        ]
    );
}

#[test]
fn roles_give_what_their_pages_say() {
    let table = [
        ("roles/artifactregistry.reader", "artifactregistry.repositories.downloadArtifacts", true),
        ("roles/artifactregistry.reader", "artifactregistry.repositories.uploadArtifacts", false),
        ("roles/artifactregistry.writer", "artifactregistry.repositories.uploadArtifacts", true),
        ("roles/artifactregistry.writer", "artifactregistry.repositories.deleteArtifacts", false),
        ("roles/artifactregistry.repoAdmin", "artifactregistry.repositories.deleteArtifacts", true),
        ("roles/artifactregistry.repoAdmin", "artifactregistry.repositories.create", false),
        ("roles/artifactregistry.admin", "artifactregistry.repositories.setIamPolicy", true),
        ("roles/container.clusterViewer", "container.clusters.get", true),
        ("roles/container.clusterViewer", "container.pods.get", false),
        ("roles/container.viewer", "container.pods.list", true),
        ("roles/container.viewer", "container.secrets.get", false),
        ("roles/container.developer", "container.deployments.create", true),
        ("roles/container.developer", "container.roles.create", false),
        ("roles/container.admin", "container.roles.create", true),
        ("roles/iam.workloadIdentityUser", "iam.serviceAccounts.getAccessToken", true),
        ("roles/iam.serviceAccountUser", "iam.serviceAccounts.getAccessToken", false),
        ("roles/iam.serviceAccountTokenCreator", "iam.serviceAccounts.signBlob", true),
        ("roles/iam.serviceAccountAdmin", "iam.serviceAccounts.setIamPolicy", true),
        ("roles/iam.workloadIdentityPoolAdmin", "iam.workloadIdentityPoolProviders.update", true),
        ("roles/resourcemanager.projectIamAdmin", "resourcemanager.projects.setIamPolicy", true),
        ("roles/owner", "resourcemanager.projects.setIamPolicy", true),
        ("roles/owner", "iam.workloadIdentityPools.create", true),
        // The pit that owners fall into: ownership does not let them act with a service account's token.
        ("roles/owner", "iam.serviceAccounts.getAccessToken", false),
        ("roles/editor", "artifactregistry.repositories.create", true),
        ("roles/editor", "resourcemanager.projects.setIamPolicy", false),
        ("roles/viewer", "artifactregistry.repositories.get", true),
        ("roles/viewer", "artifactregistry.repositories.uploadArtifacts", false),
    ];
    for (role, permission, expected) in table {
        assert_eq!(permissions_of(role).unwrap().contains(&permission), expected, "{role} {permission}");
    }
    assert_eq!(permissions_of("roles/made.up"), None);
}

#[test]
fn policies_survive_json() {
    let printed = json!({"version": 3, "etag": "BwY=", "bindings": [
        {"role": "roles/viewer", "members": ["allUsers"], "condition": {"expression": "true", "title": "t"}}
    ]});
    let policy: Policy = serde_json::from_value(printed.clone()).unwrap();
    assert_eq!(serde_json::to_value(&policy).unwrap(), printed);
    let empty: Policy = serde_json::from_value(json!({"etag": "ACAB"})).unwrap();
    assert!(empty.bindings.is_empty());
}
