//! The token is out of its time for Google: outlived, or one of the clocks is wrong.

use jiff::Timestamp;
use trust::provider::{SKEW_SECONDS, Stage};
use trust::token::Claims;

use super::Thing;
use super::exchange::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};

const SAID: &str = "is stale to sign-in";

/// How far Google lets clocks differ: measured by others, about a minute both ways.
const TOLERANCE: &str = "within 60 seconds of each other";

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted_at(&[Stage::Time]);
    if seen.is_none() && !case.said(&[SAID]) {
        return None;
    }
    let declared = case.chain.way().is_some();
    let token = if declared { "the Entra token" } else { "the token" };
    let finding = Finding::new(
        "google/token-out-of-time",
        cause::TOKEN_EXPIRED,
        format!("{token} is out of its time for Google"),
    );
    if let Some(refusal) = seen {
        let clock = if declared { "the clock here" } else { "the time of the failure" };
        let place = case.evidence.claim("exp", format!("claims `iat`, `nbf` and `exp` of {token}"));
        return Some(fresh(finding.expected(&refusal.expected, clock).found(&refusal.found, place).advice(
            "get a new token just before the exchange; if it is new, set the clock of this machine",
        )));
    }
    // The provider was not seen, and the token tells by itself.
    let late = case.claims.and_then(Claims::expires_at).filter(|end| {
        case.predicted.is_none() && case.chain.now().duration_since(*end).as_secs() > SKEW_SECONDS
    });
    if let Some(end) = late {
        return Some(fresh(
            finding
                .expected(
                    format!("presented before {end}"),
                    case.evidence.claim("exp", "claim `exp` of the token"),
                )
                .found(case.chain.now().to_string(), "the time of the failure"),
        ));
    }
    // By our clock, if we have one, the token is good: then one of the clocks is off.
    let found = case.claims.map(|claims| {
        let time = |of: fn(&Claims) -> Option<Timestamp>| {
            of(claims).map_or_else(|| "none".to_owned(), |it| it.to_string())
        };
        format!("`iat` {}, `exp` {}", time(Claims::issued_at), time(Claims::expires_at))
    });
    let finding = finding.confidence(Confidence::Likely);
    if declared {
        let finding = finding
            .expected(format!("clocks {TOLERANCE}"), format!("the clock here says {}", case.chain.now()))
            .found(found?, "the Entra token, which is good by the clock here and refused by Google's");
        return Some(finding.advice("set the clocks right by NTP: the one here, and the one of whoever issued the token; then get a new token"));
    }
    let shown = printed(case).map(|it| format!("issued at {it}")).or(found);
    Some(fresh(
        finding.expected("a token that is not expired, issued at most 60 s after now", "Google's STS").found(
            shown.unwrap_or_else(|| "a token issued too long ago, or without `iat` or `exp`".to_owned()),
            case.evidence.place(Thing::Refusal, "", "Google's STS"),
        ),
    ))
}

/// The time of issue that the refusal prints.
fn printed(case: &RefusedExchange<'_>) -> Option<Timestamp> {
    let text = case.error?.message.split_once("issued at ")?.1.split_once(" is stale")?.0;
    Timestamp::from_second(text.trim().parse().ok()?).ok()
}

fn fresh(finding: Finding) -> Finding {
    finding
        .advice("read a token's file again each time: do not keep one in a variable, a file of your own, or a cache")
        .advice("if it happens once and then goes well, the client library refreshed too late: a retry is enough")
}
