//! The pod's Kubernetes service account does not say which Google service account it stands for.

use super::super::case::Case;
use super::super::pod::Account;
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding, cause};

pub(super) const POINTER: &str = "/metadata/annotations/iam.gke.io~1gcp-service-account";

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    if case.is_about_entra() {
        return None;
    }
    let account = case.account()?;
    let object = case.account_object(&account);
    if object.is_some_and(|it| it.text(POINTER).is_some()) || direct(case, &account) {
        return None;
    }
    let email = case.target().map(|it| it.0);
    let (found, origin, sure) = match object {
        Some(object) => (
            "no annotation `iam.gke.io/gcp-service-account`".to_owned(),
            object.origin("/metadata/annotations"),
            Confidence::Certain,
        ),
        // Another account is annotated, and this pod runs under the default one.
        None if account.name == "default"
            && case.objects(&["ServiceAccount"]).any(|it| it.text(POINTER).is_some()) =>
        {
            ("service account `default`".to_owned(), account.origin.clone(), Confidence::Likely)
        }
        None => return None,
    };
    let name = email.clone().unwrap_or_else(|| "ACCOUNT@PROJECT.iam.gserviceaccount.com".to_owned());
    let finding = Finding::new(
        "kubernetes/pod-not-mapped",
        cause::POD_MAPPING,
        format!(
            "service account `{}/{}` of the pod stands for no Google service account",
            account.namespace, account.name
        ),
    )
    .expected(
        format!("iam.gke.io/gcp-service-account: {name}"),
        "the service account that the pod runs under",
    )
    .found(found, origin)
    .confidence(sure);
    Some(annotate(finding, &account, &name).advice("or give the roles to the pod itself: principal://iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/PROJECT.svc.id.goog/subject/ns/NAMESPACE/sa/NAME"))
}

pub(super) fn annotate(finding: Finding, account: &Account, email: &str) -> Finding {
    finding.mend(
        "annotate it, and make its pods anew",
        format!(
            "kubectl annotate serviceaccount {} --namespace={} iam.gke.io/gcp-service-account={email}",
            account.name, account.namespace
        ),
    )
}

/// Whether the pod has grants of its own, so that no annotation is needed.
fn direct(case: &Case<'_>, account: &Account) -> bool {
    let subject = format!("/subject/ns/{}/sa/{}", account.namespace, account.name);
    let set = format!("/namespace/{}", account.namespace);
    let principal = |member: &str| {
        member.starts_with("principal") && (member.ends_with(&subject) || member.ends_with(&set))
    };
    case.of(Kind::Policy).count() > 0
        && case
            .policies()
            .iter()
            .flat_map(super::super::grants::SeenPolicy::members)
            .any(|member| principal(member.text))
}
