//! Another identity asks than the one that was meant to.

use super::super::case::Case;
use super::super::words;
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let asking = words::quoted_after(&case.said, "with object id").filter(|it| !it.is_empty())?;
    let assigned = case.of(Kind::RoleAssignment);
    let (mut meant, mut own) = (None, false);
    for it in assigned {
        own |= it.text("/principalId") == Some(asking);
        meant = meant.or_else(|| Some((it.text("/principalId")?.to_owned(), it.origin("/principalId"))));
    }
    if own {
        return None;
    }
    let tokens = case.tokens();
    let token = tokens
        .iter()
        .find_map(|it| Some((it.exhibit.text("/claims/oid")?.to_owned(), it.exhibit.origin("/claims/oid"))));
    let told = case.fact("objectId").map(|(value, origin)| (value.to_owned(), origin));
    let (meant, origin) = token.or(told).or(meant).filter(|(it, _)| it != asking)?;
    let finding = Finding::new("azure/other-identity", cause::WRONG_IDENTITY, format!("{asking} asks, and the rights are another's"))
        .expected(meant, origin)
        .found(asking, case.said_in("object id"))
        .confidence(Confidence::Certain)
        .advice("a chain of log-ins takes the first that gives a token: name the one that is meant (`managed_identity_client_id`, AZURE_CLIENT_ID), or leave the others out")
        .mend("see who this is", format!("az ad sp show --id {asking} --query '{{name:displayName,kind:servicePrincipalType}}'"));
    Some(match variable(case) {
        Some(told) => finding.advice(told),
        None => finding,
    })
}

/// A variable that makes the chain take a service principal.
fn variable(case: &Case<'_>) -> Option<String> {
    let (value, origin) = case.variable("AZURE_CLIENT_ID")?;
    Some(format!("AZURE_CLIENT_ID is {value} ({origin}), so that identity comes first"))
}
