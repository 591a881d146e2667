//! The Azure CLI gets no token of our application for a person: it is not preauthorised, and nobody consented.

use super::refused_by_entra::Case;
use crate::finding::{Finding, cause};
use crate::want::{AZURE_CLI, CROSS};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    refused.code(&["AADSTS65001", "AADSTS650057"])?;
    // Of another client the words mean another consent.
    if refused.chain.way().is_none() && !refused.error.message.contains(AZURE_CLI) {
        return None;
    }
    let finding = refused
        .finding(
            "azure/cli-not-admitted",
            cause::GRANT_MISSING,
            format!(
                "{} does not admit the Azure CLI, by whose log-in a person would cross",
                refused.resource()
            ),
        )
        .expected(
            format!("`{AZURE_CLI}`, the Azure CLI, for `{CROSS}`"),
            "the application's `api.preAuthorizedApplications`",
        );
    let let_in = "let the Azure CLI in, for people whom the bridge names";
    let Some(way) = refused.chain.way() else { return Some(without_bridge(refused, finding)) };
    Some(if way.bridge.lets_people_across() {
        finding.mend(let_in, "gangplank apply")
    } else {
        finding
            .advice(
                "if people are to cross, name them in the bridge file: `people` or `groups` of an `appRole` identity, or \
                 `includesPeople: true` beside a `group`; if not, turning them away is right",
            )
            .mend(let_in, "gangplank apply")
    })
}

fn without_bridge(refused: &Case<'_>, finding: Finding) -> Finding {
    finding
        .mend(
            refused.of_a_bridge("let the Azure CLI in, where its file names people"),
            "gangplank apply",
        )
        .advice("of another application, its owner adds the client to `api.preAuthorizedApplications`, for one permission")
        .look(
            "see whom the application admits",
            "az ad app show --id APPLICATION --query api.preAuthorizedApplications",
        )
}
