//! Nobody let the caller act as the service account.

use trust::iam::Policy;
use trust::principal::Caller;

use super::super::case::Case;
use super::super::grants::{ACTING, SeenPolicy, decided};
use crate::finding::{Confidence, Finding, cause};

const PERMISSION: &str = "iam.serviceAccounts.getAccessToken";

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let policies = case.account_policies();
    let callers = case.callers();
    let caller = callers.first();
    let said = case.says(&[
        "getaccesstoken",
        "the caller does not have permission",
        "access token",
        "impersonated credentials",
    ]);
    if policies.is_empty() || !said && caller.is_none() {
        return None;
    }
    // A grant on the project counts as well.
    let all = case.policies();
    if caller.is_some_and(|caller| decided(&all, caller, PERMISSION).allowed) {
        return None;
    }
    let actors: Vec<&str> = policies.iter().flat_map(SeenPolicy::actors).map(|it| it.text).collect();
    if caller.is_none() && !actors.is_empty() {
        return None;
    }
    let member = caller.map(Caller::principal_string);
    Some(finding(case, &policies, member, &actors))
}

/// For a pod on GKE: the grant has the form `serviceAccount:PROJECT.svc.id.goog[NAMESPACE/NAME]`.
pub(super) fn pod(case: &Case<'_>) -> Option<Finding> {
    let policies = case.account_policies();
    let account = case.account()?;
    let project = case.pool_project()?;
    if policies.is_empty() {
        return None;
    }
    let name = format!("{project}.svc.id.goog[{}/{}]", account.namespace, account.name);
    let caller = Caller::ServiceAccount(name.clone());
    if decided(&policies, &caller, PERMISSION).allowed {
        return None;
    }
    let actors: Vec<&str> = policies.iter().flat_map(SeenPolicy::actors).map(|it| it.text).collect();
    Some(finding(case, &policies, Some(format!("serviceAccount:{name}")), &actors))
}

fn finding(case: &Case<'_>, policies: &[SeenPolicy<'_>], member: Option<String>, actors: &[&str]) -> Finding {
    let email = case.target().map_or_else(|| "the service account".to_owned(), |it| it.0);
    let known = member.is_some();
    let member =
        member.unwrap_or_else(|| "principalSet://iam.googleapis.com/POOL/attribute.NAME/VALUE".to_owned());
    let origin = policies.first().map_or_else(String::new, |it| it.exhibit.origin(it.bindings));
    let found = if actors.is_empty() { "nobody".to_owned() } else { actors.join(", ") };
    let finding = Finding::new(
        "google/impersonation-not-granted",
        cause::GRANT_MISSING,
        format!("nobody let the caller act as {email}"),
    )
    .expected(&member, format!("members of {} on {email}", ACTING[0]))
    .found(found, origin)
    .confidence(if known { Confidence::Certain } else { Confidence::Likely })
    .mend(
        "give this one grant",
        format!(
            "gcloud iam service-accounts add-iam-policy-binding {email} --role={} --member='{member}'",
            ACTING[0]
        ),
    )
    .advice("a new grant takes two to seven minutes to count");
    let grants_more = policies.iter().map(|it| &it.policy).any(has_grants);
    if grants_more {
        finding.advice("roles that the account has on other things do not let anybody act as it")
    } else {
        finding
    }
}

fn has_grants(policy: &Policy) -> bool {
    policy.bindings.iter().any(|binding| !ACTING.contains(&binding.role.as_str()))
}
