//! What is shown to Entra is no proof for it: a token of Entra's own, one that was got by another such proof, or no token
//! at all.

use trust::entra::ENTRA_ISSUERS;
use trust::token::Claims;

use super::refused_by_entra::Case;
use crate::finding::{Confidence, Finding, cause};

/// The finding's code.
pub(super) const CODE: &str = "azure/wrong-proof";
/// What Entra takes.
pub(super) const PROOF: &str = "the bare token of the place this runs in (the cluster's, GitHub's, Google's), made for `api://AzureADTokenExchange`";

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    let code = refused.code(&["AADSTS700222", "AADSTS700231", "AADSTS50027", "AADSTS7000113"])?;
    let (summary, found) = match code {
        "AADSTS50027" => ("what the workload logs in with is no token", "no readable JSON web token"),
        "AADSTS700231" => (
            "the workload logs in with a token that it got by another federated credential",
            "a token from a federated credential",
        ),
        _ => ("the workload logs in with a token of Entra's own", "a token that Entra issued"),
    };
    let source = refused.first_token().map_or_else(|| refused.said(), |token| token.source.clone());
    let finding =
        refused.finding(CODE, cause::CREDENTIAL_SOURCE, summary).expected(PROOF, "the federated credential");
    let finding = match refused.claims().and_then(of_entra) {
        Some(issuer) => finding.found(issuer, refused.place("iss", source)).confidence(Confidence::Certain),
        None => finding.found(found, source),
    };
    Some(match code {
        "AADSTS50027" => finding.advice(
            "look at the file that AZURE_FEDERATED_TOKEN_FILE names: the token alone, without quotes, `Bearer` or a line of \
             an answer around it",
        ),
        "AADSTS700231" => finding.advice(
            "federate once: give the application that is wanted in the end a credential for the outside issuer, and present \
             the outside token itself",
        ),
        _ => own_token(finding),
    })
}

/// Says what helps against showing Entra a token of its own.
pub(super) fn own_token(finding: Finding) -> Finding {
    finding
        .advice(
            "let AZURE_FEDERATED_TOKEN_FILE name the token that the cluster or the pipeline wrote; one of Entra's is used \
             as it is, and not exchanged",
        )
        .advice(
            "only a managed identity's token is taken, in its own cloud, by a credential that names its issuer and object id",
        )
}

/// The issuer of a token, if it is Entra.
pub(super) fn of_entra(claims: &Claims) -> Option<&str> {
    claims.issuer().filter(|issuer| ENTRA_ISSUERS.iter().any(|start| issuer.starts_with(start)))
}
