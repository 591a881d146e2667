//! What is shown to Entra is no proof for it: a token of Entra's own, one that was got by another such proof, or no token
//! at all.

use super::refused_by_entra::Case;
use crate::finding::{Finding, cause};

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
    let source = refused.first_token.map_or_else(|| "the log-in".to_owned(), |token| token.source.clone());
    let finding = refused
        .finding("azure/wrong-proof", cause::CREDENTIAL_SOURCE, summary)
        .expected(
            "the bare token of the place this runs in, made for `api://AzureADTokenExchange`",
            "the federated credential",
        )
        .found(found, source);
    Some(if code == "AADSTS50027" {
        finding.advice(
            "look at the file that AZURE_FEDERATED_TOKEN_FILE names: the token alone, without quotes, `Bearer` or a line of \
             an answer around it",
        )
    } else {
        finding.advice(
            "let AZURE_FEDERATED_TOKEN_FILE name the token that the cluster or the pipeline wrote; one of Entra's is used \
             as it is, and not exchanged",
        )
    })
}
