//! A grant for a pod on GKE is written in a form that means nobody.

use super::super::case::Case;
use super::super::grants::SeenPolicy;
use super::account_not_annotated::annotate;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let policies = case.account_policies();
    let members = policies.iter().flat_map(SeenPolicy::actors);
    let bad = members.into_iter().find(|it| {
        (it.text.contains("svc.id.goog") || it.text.contains('['))
            && it.text.parse::<trust::principal::Principal>().is_err()
    })?;
    let account = case.account();
    let project = case.pool_project().filter(|it| !it.contains('['));
    let expected = match (&account, &project) {
        (Some(account), Some(project)) => {
            format!("serviceAccount:{project}.svc.id.goog[{}/{}]", account.namespace, account.name)
        }
        _ => "serviceAccount:PROJECT_ID.svc.id.goog[NAMESPACE/NAME]".to_owned(),
    };
    let email = case.target().map_or_else(|| "ACCOUNT".to_owned(), |it| it.0);
    let finding = Finding::new("kubernetes/member-malformed", cause::POD_MAPPING, "the grant for the pod is written in a form that means nobody")
        .expected(&expected, "IAM's form for a Kubernetes service account")
        .found(bad.text, bad.origin)
        .mend("give the grant in this form", format!("gcloud iam service-accounts add-iam-policy-binding {email} --role=roles/iam.workloadIdentityUser --member='{expected}'"));
    let finding = match account.as_ref().filter(|it| {
        case.account_object(it)
            .is_some_and(|object| object.text(super::account_not_annotated::POINTER).is_none())
    }) {
        Some(account) => annotate(
            finding.advice("the Kubernetes service account is not annotated, either"),
            account,
            &email,
        ),
        None => finding,
    };
    Some(finding)
}
