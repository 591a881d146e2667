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
            "`roles/artifactregistry.writer` on `repository` counts only if `weekdays`, which could not be decided: the time \
             of the request is not given",
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
        ("roles/container.clusterAdmin", "container.operations.get", true),
        ("roles/container.developer", "container.operations.get", false),
        ("roles/serviceusage.serviceUsageAdmin", "serviceusage.services.enable", true),
        ("roles/serviceusage.serviceUsageConsumer", "serviceusage.services.enable", false),
        ("roles/container.viewer", "container.pods.list", true),
        ("roles/container.viewer", "container.secrets.get", false),
        // The viewer of clusters reads no logs, the viewer of everything does.
        ("roles/container.viewer", "container.pods.getLogs", false),
        ("roles/viewer", "container.pods.getLogs", true),
        ("roles/container.viewer", "container.deployments.getScale", true),
        ("roles/viewer", "container.deployments.getScale", false),
        ("roles/container.clusterViewer", "container.clusters.connect", true),
        ("roles/container.clusterAdmin", "container.clusters.getCredentials", false),
        ("roles/container.developer", "container.serviceAccounts.createToken", true),
        ("roles/editor", "container.serviceAccounts.createToken", false),
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
        ("roles/editor", "iam.serviceAccounts.undelete", false),
        ("roles/editor", "artifactregistry.repositories.createOnPush", true),
        ("roles/owner", "storage.buckets.create", true),
        ("roles/owner", "cloudkms.cryptoKeyVersions.useToSign", true),
        ("roles/cloudkms.publicKeyViewer", "cloudkms.cryptoKeyVersions.useToSign", false),
        ("roles/owner", "storage.buckets.get", false),
        ("roles/owner", "iam.denypolicies.list", true),
        ("roles/owner", "iam.denypolicies.create", false),
        ("roles/artifactregistry.reader", "artifactregistry.repositories.getIamPolicy", false),
        ("roles/viewer", "artifactregistry.repositories.getIamPolicy", true),
        ("roles/resourcemanager.projectIamAdmin", "resourcemanager.projects.list", false),
        ("roles/iam.serviceAccountViewer", "iam.serviceAccountKeys.list", true),
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

fn account(email: &str) -> Caller {
    Caller::ServiceAccount(email.to_owned())
}

fn layer<'a>(allow: &'a Policy, deny: &'a [DenyPolicy]) -> Layer<'a> {
    Layer { resource: "it", allow: Some(allow), deny }
}

const PUSH: &str = "artifactregistry.repositories.uploadArtifacts";
const GP: &str = "gp-a@p.iam.gserviceaccount.com";

#[test]
fn conditions_are_decided_by_what_is_known_of_the_resource() {
    let repository = Resource {
        names: vec!["projects/harbour/locations/l/repositories/models".to_owned()],
        kind: Some("artifactregistry.googleapis.com/Repository".to_owned()),
        service: Some("artifactregistry.googleapis.com".to_owned()),
    };
    let both = Resource {
        names: vec!["projects/harbour/x".to_owned(), "projects/412/x".to_owned()],
        ..Resource::default()
    };
    let nothing = Resource::default();
    let table = [
        ("resource.name.endsWith('/repositories/models')", &repository, "granted"),
        ("resource.name.endsWith('/repositories/other')", &repository, "condition-false"),
        (
            "resource.type == 'artifactregistry.googleapis.com/Repository' && resource.service.startsWith('artifact')",
            &repository,
            "granted",
        ),
        (
            "resource.type != 'artifactregistry.googleapis.com/Repository' || resource.name == 'x'",
            &repository,
            "condition-false",
        ),
        ("resource.name.extract('locations/{where}/') == 'l'", &repository, "granted"),
        ("resource.name == 'x'", &nothing, "conditional"),
        ("resource.name.startsWith('projects/harbour/')", &both, "conditional"),
        ("resource.name.endsWith('/x')", &both, "granted"),
        (
            "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([])",
            &repository,
            "conditional",
        ),
        ("resource.matchTag('412/env', 'prod')", &repository, "conditional"),
        ("resource.name", &repository, "conditional"),
        ("resource.name ==", &repository, "conditional"),
        ("true", &nothing, "granted"),
    ];
    for (expression, resource, expected) in table {
        let allow = policy(
            &json!([{"role": "roles/artifactregistry.writer", "members": [format!("serviceAccount:{GP}")],
            "condition": {"expression": expression}}]),
        );
        let caller = account(GP);
        let request = Request { caller: &caller, permission: PUSH, resource: Some(resource), now: None };
        let decision = evaluate(&[layer(&allow, &[])], &request);
        let reason = serde_json::to_value(decision.because.first().unwrap()).unwrap();
        assert_eq!(reason["reason"], expected, "{expression}: {reason}");
        assert_eq!(decision.allowed, expected == "granted", "{expression}");
        assert_eq!(decision.settled, expected != "conditional", "{expression}");
    }
}

#[test]
fn conditions_over_time_are_decided_at_the_time_that_is_given() {
    // 2026-11-19T00:26:40Z, a Thursday.
    let now = Some(1_795_048_000);
    let table = [
        ("request.time < timestamp('2027-01-01T00:00:00Z')", now, "granted"),
        ("request.time < timestamp('2026-01-01T00:00:00Z')", now, "condition-false"),
        ("request.time < timestamp('2027-01-01T00:00:00Z')", None, "conditional"),
        ("request.time - duration('3600s') < timestamp('2026-11-19T00:00:00Z')", now, "granted"),
        ("request.time.getDayOfWeek() == 4 && request.time.getHours() == 0", now, "granted"),
        ("request.time.getHours('+01:00') == 1", now, "granted"),
        // There is no database of zones here.
        ("request.time.getHours('Europe/Amsterdam') == 1", now, "conditional"),
        ("'request.time' == 'x'", None, "condition-false"),
        ("request.time < '2027'", now, "conditional"),
        ("request.time < timestamp('2027-01-01T00:00:00Z')", Some(i64::MAX), "conditional"),
        ("request.auth.claims.x == 'y'", now, "conditional"),
    ];
    let caller = account(GP);
    for (expression, now, expected) in table {
        let allow = policy(
            &json!([{"role": "roles/artifactregistry.writer", "members": [format!("serviceAccount:{GP}")],
            "condition": {"expression": expression, "title": "t"}}]),
        );
        let request = Request { caller: &caller, permission: PUSH, resource: None, now };
        let decision = evaluate(&[layer(&allow, &[])], &request);
        let reason = serde_json::to_value(decision.because.first().unwrap()).unwrap();
        assert_eq!(reason["reason"], expected, "{expression}: {reason}");
    }
}

#[test]
fn a_deny_rule_ends_it_whatever_roles_give() {
    let all = "principalSet://goog/public:all";
    let own = "principal://iam.googleapis.com/projects/-/serviceAccounts/gp-a@p.iam.gserviceaccount.com";
    let upload = "artifactregistry.googleapis.com/repositories.uploadArtifacts";
    let table = [
        (json!({"deniedPrincipals": [all], "deniedPermissions": [upload]}), "denied"),
        (
            json!({"deniedPrincipals": [own], "deniedPermissions": ["artifactregistry.googleapis.com/repositories.*"]}),
            "denied",
        ),
        (
            json!({"deniedPrincipals": [all], "deniedPermissions": ["artifactregistry.googleapis.com/*.*"]}),
            "denied",
        ),
        (
            json!({"deniedPrincipals": [all], "deniedPermissions": ["artifactregistry.googleapis.com/*.uploadArtifacts"]}),
            "denied",
        ),
        (json!({"deniedPrincipals": [all], "deniedPermissions": ["storage.googleapis.com/*.*"]}), "granted"),
        (
            json!({"deniedPrincipals": [all], "deniedPermissions": ["artifactregistry.repositories.uploadArtifacts"]}),
            "granted",
        ),
        (
            json!({"deniedPrincipals": [all], "exceptionPrincipals": [own], "deniedPermissions": [upload]}),
            "granted",
        ),
        (
            json!({"deniedPrincipals": [all], "deniedPermissions": ["artifactregistry.googleapis.com/*.*"], "exceptionPermissions": [upload]}),
            "granted",
        ),
        (
            json!({"deniedPrincipals": ["principal://goog/subject/gp-a@p.iam.gserviceaccount.com"], "deniedPermissions": [upload]}),
            "granted",
        ),
        (
            json!({"deniedPrincipals": ["deleted:principal://goog/subject/x@y?uid=1"], "deniedPermissions": [upload]}),
            "granted",
        ),
        (
            json!({"deniedPrincipals": ["principalSet://goog/group/g@x.example"], "deniedPermissions": [upload]}),
            "denial-open",
        ),
        (
            json!({"deniedPrincipals": [all], "exceptionPrincipals": ["principalSet://goog/group/g@x"], "deniedPermissions": [upload]}),
            "denial-open",
        ),
        (
            json!({"deniedPrincipals": [all], "deniedPermissions": [upload], "denialCondition": {"expression": "resource.matchTag('412/env', 'prod')"}}),
            "denial-open",
        ),
        (
            json!({"deniedPrincipals": [all], "deniedPermissions": [upload], "denialCondition": {"expression": "false"}}),
            "granted",
        ),
    ];
    let allow = policy(
        &json!([{"role": "roles/artifactregistry.writer", "members": [format!("serviceAccount:{GP}")]}]),
    );
    let caller = account(GP);
    for (rule, expected) in table {
        let printed = json!({"name": "policies/x/denypolicies/d", "rules": [{"denyRule": rule}]});
        let deny: DenyPolicy = serde_json::from_value(printed).unwrap();
        let request = Request { caller: &caller, permission: PUSH, resource: None, now: None };
        let decision = evaluate(&[layer(&allow, &[deny])], &request);
        let reason = serde_json::to_value(decision.because.first().unwrap()).unwrap();
        assert_eq!(reason["reason"], expected, "{rule}");
        assert_eq!(
            (decision.allowed, decision.settled),
            (expected == "granted", expected != "denial-open"),
            "{rule}"
        );
    }
}

#[test]
fn deny_rules_name_people_from_outside_as_allow_policies_do() {
    let upload = "artifactregistry.googleapis.com/repositories.uploadArtifacts";
    let allow = policy(
        &json!([{"role": "roles/artifactregistry.writer", "members": [format!("principalSet://iam.googleapis.com/{POOL}/*")]}]),
    );
    let table = [
        (format!("principal://iam.googleapis.com/{POOL}/subject/s"), false),
        (format!("principal://iam.googleapis.com/{POOL}/subject/other"), true),
        (format!("principalSet://iam.googleapis.com/{POOL}/*"), false),
        ("principalSet://goog/group/g@x.example".to_owned(), true),
    ];
    let caller = federated("s");
    for (principal, allowed) in table {
        let rule = DenyRule {
            denied_principals: vec![principal.clone()],
            denied_permissions: vec![upload.to_owned()],
            ..DenyRule::default()
        };
        let rules = vec![PolicyRule { deny_rule: rule, ..PolicyRule::default() }];
        let deny = DenyPolicy { name: "d".to_owned(), rules, ..DenyPolicy::default() };
        let request = Request { caller: &caller, permission: PUSH, resource: None, now: None };
        assert_eq!(evaluate(&[layer(&allow, &[deny])], &request).allowed, allowed, "{principal}");
    }
}

#[test]
fn groups_leave_a_decision_open_where_they_could_turn_it() {
    let table = [
        ("roles/artifactregistry.writer", "group:g@x.example", false),
        ("roles/artifactregistry.reader", "group:g@x.example", true),
        ("projects/p/roles/own", "group:g@x.example", false),
        ("roles/artifactregistry.writer", "group:g@x", false),
        ("roles/artifactregistry.writer", "user:other@x.example", true),
    ];
    for (role, member, settled) in table {
        let allow = policy(&json!([{"role": role, "members": [member]}]));
        let decision = decide(&[("it", &allow)], &account(GP), PUSH);
        assert_eq!((decision.allowed, decision.settled), (false, settled), "{role} {member}");
    }
}

#[test]
fn every_role_names_its_page_and_the_narrowest_comes_first() {
    let mut names: Vec<&str> = ROLES.iter().map(|role| role.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for role in ROLES {
        assert!(role.source.starts_with("https://cloud.google.com/iam/docs/roles"), "{}", role.name);
        let mut permissions: Vec<&str> = role.permissions().collect();
        let count = permissions.len();
        permissions.sort_unstable();
        permissions.dedup();
        assert_eq!(permissions.len(), count, "{} has a permission twice", role.name);
    }
    let table = [
        (PUSH, "roles/artifactregistry.writer"),
        ("artifactregistry.repositories.downloadArtifacts", "roles/artifactregistry.reader"),
        ("iam.serviceAccounts.getAccessToken", "roles/iam.workloadIdentityUser"),
        ("container.clusters.get", "roles/container.clusterViewer"),
        ("storage.objects.create", "roles/storage.objectCreator"),
    ];
    for (permission, role) in table {
        assert_eq!(roles_with(permission).first().unwrap().name, role, "{permission}");
    }
    assert!(roles_with("made.up").is_empty());
}
