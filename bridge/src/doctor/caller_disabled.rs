//! The caller's service principal is switched off.

use super::refused_by_entra::{CLIENT, Case};
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    refused.code(&["AADSTS7000112", "AADSTS50057"])?;
    let finding = refused
        .finding(
            "azure/caller-disabled",
            cause::OBJECT_MISSING,
            "the caller's service principal is switched off",
        )
        .expected("`accountEnabled: true`", "the caller's service principal")
        .mend(
            "let its owner switch it on",
            format!("az ad sp update --id {CLIENT} --set accountEnabled=true"),
        )
        .advice("it was switched off by somebody: ask why before it is switched on");
    Some(finding)
}
