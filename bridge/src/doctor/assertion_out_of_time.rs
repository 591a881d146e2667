//! The workload's own token is out of its time when Entra sees it: read once and kept, or one of the clocks is wrong.

use trust::token::Claims;

use super::refused_by_entra::Case;
use super::{Chain, Evidence, FirstToken, Thing};
use crate::finding::{Finding, cause};

/// The finding's code.
pub(super) const CODE: &str = "azure/assertion-out-of-time";
/// What helps.
pub(super) const READ_ANEW: &str =
    "read the token's file anew before each use: the node writes a new one in good time";

/// Without asking Entra: the token's end lies behind.
pub(super) fn by_the_clock(chain: &Chain<'_>, evidence: &Evidence, token: &FirstToken) -> Option<Finding> {
    let expires = token.claims.as_ref().and_then(Claims::expires_at).filter(|it| *it < chain.now())?;
    let summary = format!("the token that the workload logs in with is expired ({})", token.source);
    let origin = evidence.place(Thing::FirstToken, "/claims/exp", "claim `exp` of the workload's token");
    let finding = Finding::new(CODE, cause::TOKEN_EXPIRED, summary)
        .expected(format!("later than {}", chain.now()), "the clock")
        .found(expires.to_string(), origin);
    Some(finding.advice(READ_ANEW))
}

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    let code = refused.code(&["AADSTS700024", "AADSTS70023"])?;
    let finding = refused.finding(
        CODE,
        cause::TOKEN_EXPIRED,
        "the token that the workload logs in with is out of its time for Entra",
    );
    let claims = refused.claims();
    let times = claims.and_then(|claims| claims.issued_at().zip(claims.expires_at()));
    let finding = match (times, refused.after("expiry time of assertion ")) {
        (Some((from, to)), _) => finding.found(
            format!("{from} to {to}"),
            refused.place("exp", "claims `iat` and `exp` of the workload's token"),
        ),
        (None, Some(end)) => finding.found(format!("a token that ended at {end}"), refused.said()),
        (None, None) => finding,
    };
    if code == "AADSTS70023" {
        return Some(
            finding
                .expected("a token that lives at most 25 hours", "Entra's limit")
                .advice("ask the issuer for a token of an hour, and for a new one each time"),
        );
    }
    let inside =
        claims.is_some_and(|claims| claims.expires_at().is_some_and(|end| end > refused.chain.now()));
    let finding =
        finding.expected("a token that is good now", format!("the clock here says {}", refused.chain.now()));
    Some(if inside {
        finding.advice("by the clock here the token is good: set the clocks right, the one here and the one of its issuer")
    } else {
        finding.advice(READ_ANEW)
    })
}
