//! The grants are made for the federated principal itself, and the client still acts as a service account.

use super::super::case::Case;
use super::super::grants::{ACTING, On};
use crate::exhibit::Kind;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let callers = case.callers();
    let logged =
        case.of(Kind::AuditEntry).find_map(|it| it.text("/protoPayload/authenticationInfo/principalSubject"));
    let named = |member: &str| {
        callers.iter().any(|caller| caller.matches(member))
            || logged.is_some_and(|subject| subject == member)
            || callers.is_empty() && member.starts_with("principal")
    };
    let policies = case.policies();
    let members = policies.iter().flat_map(|it| it.members().into_iter().map(move |member| (it.on, member)));
    let (mut direct, mut acting) = (None, false);
    for (on, member) in members {
        if ACTING.contains(&member.role) && on != On::Repository {
            acting |= named(member.text);
        } else if member.text.starts_with("principal") && named(member.text) {
            direct = direct.or(Some((member.role.to_owned(), member.text.to_owned(), member.origin)));
        }
    }
    let (role, member, origin) = direct.filter(|_| !acting)?;
    let (account, place) = configured(case)?;
    Some(
        Finding::new(
            "google/impersonation-not-wanted",
            cause::CREDENTIAL_SOURCE,
            "the federated principal has the rights itself, and the client tries to act as a service account",
        )
        .expected(format!("no service account in the client's settings: `{member}` has {role}"), origin)
        .found(account, place)
        .advice("take the service account out of the client's settings (`service_account`, `service_account_impersonation_url`), and the federated token is used as it is")
        .advice("or, if a service account is wanted, let this principal act as it with roles/iam.workloadIdentityUser, and give the rights to the account"),
    )
}

/// The service account that the client's own settings tell it to act as. That an account is named in a refusal does not say
/// that nobody wanted it.
fn configured(case: &Case<'_>) -> Option<(String, String)> {
    let pointer = "/service_account_impersonation_url";
    let file =
        case.of(Kind::CredentialFile).find_map(|it| Some((it.text(pointer)?.to_owned(), it.origin(pointer))));
    let variables = case.variables();
    let set = variables.iter().find(|(name, value, _)| {
        name.to_ascii_uppercase().contains("SERVICE_ACCOUNT") && value.ends_with("gserviceaccount.com")
    });
    file.or_else(|| set.map(|(_, value, origin)| ((*value).to_owned(), origin.clone())))
}
