//! A token of Entra's own lies beside federated credentials of other issuers, none of which admits it.

use super::super::case::Case;
use crate::doctor::wrong_proof::{self, of_entra};
use crate::exhibit::Kind;
use crate::finding::{Finding, cause};

/// By the credentials, which a live walk sees none of; what Entra's words say is the walk's to judge.
pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    if case.provider().is_some() {
        return None;
    }
    let mut credentials = case.of(Kind::FederatedCredential).peekable();
    let first = credentials.peek()?.origin("/issuer");
    let admitted: Vec<&str> = credentials.filter_map(|it| it.text("/issuer")).collect();
    let tokens = case.tokens();
    let (token, issuer) = tokens.iter().find_map(|it| Some((it, of_entra(&it.claims)?)))?;
    if admitted.contains(&issuer) {
        return None;
    }
    let summary = "the workload logs in with a token of Entra's own";
    let finding = Finding::new(wrong_proof::CODE, cause::CREDENTIAL_SOURCE, summary)
        .expected(admitted.join(", "), first)
        .found(issuer, token.exhibit.origin("/claims/iss"));
    Some(wrong_proof::own_token(finding))
}
