//! The Entra token is out of its time for Google: outlived, or one of the clocks is wrong.

use trust::provider::Stage;
use trust::token::Claims;

use super::hops::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};

/// How far Google lets clocks differ: measured by others, about a minute both ways.
const TOLERANCE: &str = "within 60 seconds of each other";

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted.as_ref().filter(|it| it.stage == Stage::Time);
    let said = case.error.is_some_and(|error| error.message.contains("is stale to sign-in"));
    if seen.is_none() && !said {
        return None;
    }
    let finding = Finding::new(
        "google/token-out-of-time",
        cause::TOKEN_EXPIRED,
        "the Entra token is out of its time for Google",
    );
    if let Some(refusal) = seen {
        return Some(
            finding
                .expected(&refusal.expected, "the clock here")
                .found(&refusal.found, "claims `iat`, `nbf` and `exp` of the Entra token")
                .advice(
                    "get a new token just before the exchange; if it is new, set the clock of this machine",
                ),
        );
    }
    // By our clock the token is good: then one of the clocks is off.
    let claims = case.claims?;
    let time = |of: fn(&Claims) -> Option<jiff::Timestamp>| {
        of(claims).map_or_else(|| "none".to_owned(), |it| it.to_string())
    };
    Some(
        finding
            .confidence(Confidence::Likely)
            .expected(format!("clocks {TOLERANCE}"), format!("the clock here says {}", case.walk.now))
            .found(
                format!("`iat` {}, `exp` {}", time(Claims::issued_at), time(Claims::expires_at)),
                "the Entra token, which is good by the clock here and refused by Google's",
            )
            .advice("set the clocks right by NTP: the one here, and the one of whoever issued the token; then get a new token"),
    )
}
