//! The workload's own token is out of its time when Entra sees it: read once and kept, or one of the clocks is wrong.

use super::refused_by_entra::Case;
use crate::finding::{Finding, cause};

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    let code = refused.code(&["AADSTS700024", "AADSTS70023"])?;
    let finding = refused.finding(
        "azure/assertion-out-of-time",
        cause::TOKEN_EXPIRED,
        "the token that the workload logs in with is out of its time for Entra",
    );
    let claims = refused.first_token.and_then(|token| token.claims.as_ref());
    let finding = match claims.and_then(|claims| claims.issued_at().zip(claims.expires_at())) {
        Some((from, to)) => {
            finding.found(format!("{from} to {to}"), "claims `iat` and `exp` of the workload's token")
        }
        None => finding,
    };
    if code == "AADSTS70023" {
        return Some(
            finding
                .expected("a token that lives at most 25 hours", "Entra's limit")
                .advice("ask the issuer for a token of an hour, and for a new one each time"),
        );
    }
    let inside = claims.is_some_and(|claims| claims.expires_at().is_some_and(|end| end > refused.way.now));
    let finding =
        finding.expected("a token that is good now", format!("the clock here says {}", refused.way.now));
    Some(if inside {
        finding.advice("by the clock here the token is good: set the clocks right, the one here and the one of its issuer")
    } else {
        finding.advice("read the token's file anew before each use: the node writes a new one in good time")
    })
}
