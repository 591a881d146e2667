//! A Conditional Access policy for workload identities blocks the caller.

use super::refused_by_entra::Case;
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    refused.code(&["AADSTS53003", "AADSTS530034", "AADSTS53000"])?;
    let finding = refused
        .finding(
            "azure/conditional-access",
            cause::OTHER,
            "a Conditional Access policy blocks the caller, whoever it is",
        )
        .expected("a place or a risk that the policy lets through", "Conditional Access for workload identities")
        .advice("the tenant's sign-in log (service principal sign-ins) names the policy and what it saw, mostly the address")
        .advice("run the caller where the policy allows it, or let its owner change the policy; managed identities are not subject to them");
    Some(finding)
}
