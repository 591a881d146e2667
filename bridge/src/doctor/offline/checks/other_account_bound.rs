//! The grant is for another Kubernetes service account than the pod's.

use trust::principal::Principal;

use super::super::case::Case;
use super::super::grants::SeenPolicy;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    if case.is_about_entra() {
        return None;
    }
    let account = case.account()?;
    let policies = case.account_policies();
    let members = policies.iter().flat_map(SeenPolicy::actors);
    let mut others = Vec::new();
    for member in members {
        let Ok(Principal::KubernetesServiceAccount { project, namespace, name }) =
            member.text.parse::<Principal>()
        else {
            continue;
        };
        let pool = case.pool_project().is_none_or(|own| own == project);
        if pool && namespace == account.namespace && name == account.name {
            return None;
        }
        others.push((member.text.to_owned(), member.origin, project));
    }
    let (found, origin, project) = others.into_iter().next()?;
    let project = case.pool_project().unwrap_or(project);
    let expected = format!("serviceAccount:{project}.svc.id.goog[{}/{}]", account.namespace, account.name);
    let email = case.target().map_or_else(|| "ACCOUNT".to_owned(), |it| it.0);
    Some(
        Finding::new("kubernetes/other-account-bound", cause::WRONG_IDENTITY, format!("{email} lets another Kubernetes service account act as it, and not `{}/{}`", account.namespace, account.name))
            .expected(&expected, account.origin)
            .found(found, origin)
            .mend("let the pod's own account act as it", format!("gcloud iam service-accounts add-iam-policy-binding {email} --role=roles/iam.workloadIdentityUser --member='{expected}'"))
            .advice("or run the pod under the account that is let in, if it was meant to; namespace and name both count"),
    )
}
