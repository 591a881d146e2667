//! The token was too old when it was presented, or of another time.

use jiff::Timestamp;
use trust::provider::SKEW_SECONDS;

use super::super::case::{Case, Seen};
use super::super::words;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let said = case.says(&["is stale to sign-in"]);
    let tokens = case.tokens();
    let expired = |token: &&Seen<'_>| {
        case.moment
            .zip(token.claims.expires_at())
            .is_some_and(|(now, end)| now.duration_since(end).as_secs() > SKEW_SECONDS)
    };
    let early = |token: &&Seen<'_>| {
        case.moment
            .zip(token.claims.issued_at())
            .is_some_and(|(now, begin)| begin.duration_since(now).as_secs() > SKEW_SECONDS)
    };
    let google = case.provider().is_some();
    if let Some(token) = tokens.iter().find(expired).filter(|_| said || google) {
        return Some(late(case, token));
    }
    if let Some(token) = tokens.iter().find(early).filter(|_| said || google) {
        return Some(from_the_future(case, token));
    }
    said.then(|| by_words(case, tokens.first()))
}

fn finding(summary: &str) -> Finding {
    Finding::new("google/token-out-of-time", cause::TOKEN_EXPIRED, summary)
}

fn late(case: &Case<'_>, token: &Seen<'_>) -> Finding {
    let end = token.claims.expires_at().map(|it| it.to_string()).unwrap_or_default();
    let now = case.moment.map(|it| it.to_string()).unwrap_or_default();
    fresh(
        finding("the token had expired when it was presented")
            .expected(format!("presented before {end}"), token.exhibit.origin("/claims/exp"))
            .found(now, "the time of the failure"),
    )
}

fn from_the_future(case: &Case<'_>, token: &Seen<'_>) -> Finding {
    let begin = token.claims.issued_at().map(|it| it.to_string()).unwrap_or_default();
    let now = case.moment.map(|it| it.to_string()).unwrap_or_default();
    finding("the token was issued after it was presented: a clock is wrong")
        .expected(
            format!("a clock at most {SKEW_SECONDS} s behind {begin}"),
            token.exhibit.origin("/claims/iat"),
        )
        .found(now, "the time of the failure")
        .advice("set the clock of the machine that presents the token, or of the one that issues it")
}

fn by_words(case: &Case<'_>, token: Option<&Seen<'_>>) -> Finding {
    let issued =
        words::between(&case.said, "issued at ", " is stale").and_then(|it| it.trim().parse::<i64>().ok());
    let issued = issued.and_then(|it| Timestamp::from_second(it).ok()).or_else(|| token?.claims.issued_at());
    let shown = issued.map_or_else(
        || "a token issued too long ago, or without `iat` or `exp`".to_owned(),
        |it| format!("issued at {it}"),
    );
    fresh(
        finding("Google's STS found the token too old, or of the future")
            .expected("a token that is not expired, issued at most 60 s after now", "Google's STS")
            .found(shown, case.said_in("is stale to sign-in"))
            .confidence(Confidence::Likely),
    )
}

fn fresh(finding: Finding) -> Finding {
    finding
        .advice("get a new token just before the exchange, and read a token's file again each time: do not keep one in a variable, a file of your own, or a cache")
        .advice("if it happens once and then goes well, the client library refreshed too late: a retry is enough")
}
