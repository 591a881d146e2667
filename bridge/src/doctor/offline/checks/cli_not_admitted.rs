//! Entra gives the Azure CLI no token for a person: the resource does not admit this client.

use super::super::case::Case;
use crate::finding::{Confidence, Finding, cause};
use crate::want::AZURE_CLI;

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let code = ["aadsts650057", "aadsts65001"].into_iter().find(|code| case.says(&[code]))?;
    // Of another client the words mean another consent.
    if !case.says(&[AZURE_CLI]) {
        return None;
    }
    Some(
        Finding::new(
            "azure/cli-not-admitted",
            cause::GRANT_MISSING,
            "the resource does not admit the Azure CLI, with which the person logged in",
        )
        .expected(
            format!("`{AZURE_CLI}` for a delegated permission of the resource"),
            "the application's `api.preAuthorizedApplications`",
        )
        .found(format!("{}, which names the client", code.to_uppercase()), case.said_in(code))
        .confidence(Confidence::Likely)
        .mend("if it is a bridge's application, and the bridge file names people: let the CLI in", "gangplank apply")
        .advice("of another application, its owner adds the client to `api.preAuthorizedApplications`, for one permission")
        .look(
            "see whom the application admits",
            "az ad app show --id APPLICATION --query api.preAuthorizedApplications",
        ),
    )
}
