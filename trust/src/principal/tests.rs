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
        ("serviceAccount:p.svc.id.goog[team]", "names no Kubernetes service account"),
        ("serviceAccount:[p.svc.id.goog/team/app]", "names no Kubernetes service account"),
        ("serviceAccount:p.svc.id.goog[team/app", "names no Kubernetes service account"),
        ("serviceAccount:p.svc.id.goog[[team/app]]", "names no Kubernetes service account"),
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

#[test]
fn pods_are_meant_by_subject_namespace_and_the_older_member() {
    const GKE: &str = "projects/412/locations/global/workloadIdentityPools/harbour.svc.id.goog";
    let mapped = Mapped { subject: "ns/team/sa/app".to_owned(), ..Mapped::default() };
    let pod = Caller::Federated { pool_resource: GKE.to_owned(), mapped };
    let table = [
        (format!("principal://iam.googleapis.com/{GKE}/subject/ns/team/sa/app"), Membership::Yes),
        (format!("principalSet://iam.googleapis.com/{GKE}/namespace/team"), Membership::Yes),
        (format!("principalSet://iam.googleapis.com/{GKE}/namespace/tea"), Membership::No),
        (format!("principalSet://iam.googleapis.com/{POOL}/namespace/team"), Membership::No),
        ("serviceAccount:harbour.svc.id.goog[team/app]".to_owned(), Membership::Yes),
        ("serviceAccount:harbour.svc.id.goog[team/other]".to_owned(), Membership::No),
        ("serviceAccount:other.svc.id.goog[team/app]".to_owned(), Membership::No),
        // The subject is the same on every cluster of the project.
        (
            format!(
                "principalSet://iam.googleapis.com/{GKE}/kubernetes.cluster/https://container.googleapis.com/v1/x"
            ),
            Membership::Unknown,
        ),
        (format!("principalSet://iam.googleapis.com/{POOL}/kubernetes.cluster/https://x"), Membership::No),
        ("allAuthenticatedUsers".to_owned(), Membership::No),
        ("allUsers".to_owned(), Membership::Yes),
        ("group:g@x.example".to_owned(), Membership::No),
    ];
    for (member, expected) in table {
        assert_eq!(pod.membership(&member.parse().unwrap()), expected, "{member}");
    }
    let user = Caller::User("a@x.example".to_owned());
    assert_eq!(user.membership(&"group:g@x.example".parse().unwrap()), Membership::Unknown);
    assert!(user.matches("allAuthenticatedUsers"));
}

#[test]
fn says_what_looks_wrong_about_a_member() {
    let mapping: BTreeMap<String, String> =
        [("google.subject", "assertion.sub"), ("attribute.client_id", "assertion.azp")]
            .map(|(name, expression)| (name.to_owned(), expression.to_owned()))
            .into();
    let set = |tail: &str| format!("principalSet://iam.googleapis.com/{POOL}/{tail}");
    let one = |tail: &str| format!("principal://iam.googleapis.com/{POOL}/subject/{tail}");
    let table = [
        (one("object-id"), None),
        (set("attribute.client_id/1234"), None),
        (set("*"), None),
        ("serviceAccount:gp-a@p.iam.gserviceaccount.com".to_owned(), None),
        (set("attribute.client_id/12*"), Some("`*` in `12*` stands for itself")),
        (one("repo:org/*"), Some("`*` in `repo:org/*` stands for itself")),
        (
            set("attribute.repository/org/it"),
            Some("maps no `attribute.repository`, only `attribute.client_id`, `google.subject`"),
        ),
        (set("group/deployers"), Some("maps no `google.groups`")),
        (set("attribute.client_id/OWNER/REPO"), Some("`OWNER` looks like the placeholder")),
        (set("attribute.client_id/<org>/it"), Some("`<org>` looks like the placeholder")),
        (set("attribute.client_id/${var.id}"), Some("`${var.id}` looks like the placeholder")),
        (one("your-subject"), Some("`your-subject` looks like the placeholder")),
        (
            "principal://iam.googleapis.com/projects/PROJECT_NUMBER/x".to_owned(),
            Some("`PROJECT_NUMBER` looks like"),
        ),
        (
            set("attribute.client_id/1234/attribute.tid/5678"),
            Some("`1234/attribute.tid/5678` names a second attribute"),
        ),
        (one("object-id "), Some("has space or quotes at an end")),
        (one("'object-id'"), Some("has space or quotes at an end")),
        ("deleted:serviceAccount:a@p.example?uid=1".to_owned(), Some("meant was deleted")),
        (one("s").replace("412", "harbour"), Some("by its id `harbour`, expected the project number")),
        ("serviceAccount:p.svc.id.goog/team/app]".to_owned(), Some("names no Kubernetes service account")),
    ];
    for (member, expected) in table {
        let found: Vec<String> =
            suspicions(&member, Some(&mapping)).iter().map(ToString::to_string).collect();
        match expected {
            None => assert!(found.is_empty(), "{member}: {found:?}"),
            Some(expected) => assert!(found.len() == 1 && found[0].contains(expected), "{member}: {found:?}"),
        }
    }
    assert!(suspicions(&set("attribute.repository/org/it"), None).is_empty());
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
