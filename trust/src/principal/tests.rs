//! Tables for member strings and whom they mean.

use std::collections::BTreeMap;

use super::*;
use crate::provider::Mapped;
use proptest::prelude::*;

const POOL: &str = "projects/412/locations/global/workloadIdentityPools/quay";

fn federated() -> Caller {
    Caller::Federated {
        pool_resource: POOL.to_owned(),
        mapped: Mapped {
            subject: "object-id".to_owned(),
            groups: vec!["Cellar.Deployer".to_owned()],
            attributes: BTreeMap::from([("client_id".to_owned(), "a/b".to_owned())]),
        },
    }
}

#[test]
fn member_strings_survive_parse_and_print() {
    let members = [
        "user:a@b.example".to_owned(),
        "serviceAccount:x@p.iam.gserviceaccount.com".to_owned(),
        "group:g@b.example".to_owned(),
        "domain:b.example".to_owned(),
        format!("principal://iam.googleapis.com/{POOL}/subject/ns/a/sa/b"),
        format!("principalSet://iam.googleapis.com/{POOL}/group/Cellar.Deployer"),
        format!("principalSet://iam.googleapis.com/{POOL}/attribute.client_id/a/b"),
        format!("principalSet://iam.googleapis.com/{POOL}/*"),
        format!("principalSet://iam.googleapis.com/{POOL}/namespace/team"),
        format!(
            "principalSet://iam.googleapis.com/{POOL}/kubernetes.cluster/https://container.googleapis.com/v1/x"
        ),
        "serviceAccount:p.svc.id.goog[team/app]".to_owned(),
        "deleted:serviceAccount:x@p.iam.gserviceaccount.com?uid=1".to_owned(),
        "allUsers".to_owned(),
        "allAuthenticatedUsers".to_owned(),
    ];
    for member in members {
        assert_eq!(member.parse::<Principal>().unwrap().to_string(), member);
    }
}

#[test]
fn says_why_a_text_is_no_member() {
    let by_id = format!("principal://iam.googleapis.com/{}/subject/s", POOL.replace("412", "harbour"));
    let table = [
        ("somebody", "is no IAM member"),
        ("robot:x@y", "is no IAM member"),
        ("user:", "names nobody"),
        ("user:a@b@c", "names nobody"),
        ("serviceAccount:p.svc.id.goog[team]", "names nobody"),
        ("principal://iam.googleapis.com/projects/1/subject/s", "names no workload identity pool"),
        ("principal://example.com/x", "names no workload identity pool"),
        (&by_id, "by its id `harbour`, expected the project number"),
        (&format!("principal://iam.googleapis.com/{POOL}/group/g"), "ends in no known set"),
        (&format!("principalSet://iam.googleapis.com/{POOL}/subject/s"), "ends in no known set"),
        (&format!("principalSet://iam.googleapis.com/{POOL}/attribute./v"), "ends in no known set"),
        (&format!("principalSet://iam.googleapis.com/{POOL}/group/"), "ends in no known set"),
    ];
    for (member, expected) in table {
        let error = member.parse::<Principal>().unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains(member), "{error}");
    }
}

#[test]
fn a_federated_caller_is_meant_by_subject_group_attribute_and_pool() {
    let caller = federated();
    assert_eq!(caller.principal_string(), format!("principal://iam.googleapis.com/{POOL}/subject/object-id"));
    assert_eq!(caller.kubernetes_user(), caller.principal_string());
    let table = [
        (format!("principal://iam.googleapis.com/{POOL}/subject/object-id"), true),
        (format!("principal://iam.googleapis.com/{POOL}/subject/Object-Id"), false),
        (format!("principal://iam.googleapis.com/{POOL}2/subject/object-id"), false),
        (format!("principalSet://iam.googleapis.com/{POOL}/group/Cellar.Deployer"), true),
        (format!("principalSet://iam.googleapis.com/{POOL}/group/cellar.deployer"), false),
        (format!("principalSet://iam.googleapis.com/{POOL}/attribute.client_id/a/b"), true),
        (format!("principalSet://iam.googleapis.com/{POOL}/attribute.client_id/a"), false),
        (format!("principalSet://iam.googleapis.com/{POOL}/attribute.other/a"), false),
        (format!("principalSet://iam.googleapis.com/{POOL}/*"), true),
        ("user:object-id@x".to_owned(), false),
        ("allUsers".to_owned(), true),
        ("nonsense".to_owned(), false),
    ];
    for (member, expected) in table {
        assert_eq!(caller.matches(&member), expected, "{member}");
    }
}

#[test]
fn google_accounts_are_meant_by_address_whatever_its_case() {
    let user = Caller::User("Admin@harbour.example".to_owned());
    let account = Caller::ServiceAccount("gp-a@p.iam.gserviceaccount.com".to_owned());
    assert!(user.matches("user:admin@harbour.example") && user.matches("domain:harbour.example"));
    assert!(
        !user.matches("serviceAccount:admin@harbour.example") && !user.matches("group:admin@harbour.example")
    );
    assert!(account.matches("serviceAccount:gp-a@p.iam.gserviceaccount.com"));
    assert!(!account.matches("deleted:serviceAccount:gp-a@p.iam.gserviceaccount.com?uid=1"));
    let pod = Caller::ServiceAccount("p.svc.id.goog[team/app]".to_owned());
    assert!(pod.matches("serviceAccount:p.svc.id.goog[team/app]"));
    assert!(!pod.matches("serviceAccount:p.svc.id.goog[team/other]"));
    assert!(!account.matches("serviceAccount:p.svc.id.goog[team/app]"));
    assert_eq!(account.kubernetes_user(), "gp-a@p.iam.gserviceaccount.com");
}

proptest! {
    #[test]
    fn never_panics_and_prints_what_it_parsed(
        member in "(principal|principalSet|user|serviceAccount)?:?(//iam.googleapis.com/projects/[0-9a]{1,3}/locations/g/workloadIdentityPools/p/)?.{0,40}"
    ) {
        if let Ok(principal) = member.parse::<Principal>() {
            prop_assert_eq!(principal.to_string(), member);
        }
    }
}
