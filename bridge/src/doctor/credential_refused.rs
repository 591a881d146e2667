//! The client secret is wrong or its time is over.

use super::refused_by_entra::{CLIENT, Case};
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    let code = refused.code(&["AADSTS7000222", "AADSTS7000215"])?;
    let expired = code == "AADSTS7000222";
    let (cause, summary, expected) = if expired {
        (cause::TOKEN_EXPIRED, "the caller's client secret is expired", "a secret whose end is yet to come")
    } else {
        (
            cause::CREDENTIAL_ABSENT,
            "the caller's client secret is none of its application's",
            "the secret's value, which is not its id",
        )
    };
    let finding = refused
        .finding("azure/credential-refused", cause, summary)
        .expected(expected, "the application's secrets")
        .look(
            "see which secrets there are, and when each ends",
            format!("az ad app credential list --id {CLIENT}"),
        )
        .advice(
            "better than a new secret: a federated credential for where this runs, which needs no secret and never ends",
        );
    Some(finding)
}
