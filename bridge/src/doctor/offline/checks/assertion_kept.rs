//! Of two tokens one has expired and the other has not: the program kept the old one, though its file holds a new one.

use jiff::Timestamp;

use super::super::case::{Case, Seen};
use crate::doctor::assertion_out_of_time::{CODE, READ_ANEW};
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let now = case.moment.filter(|_| case.is_about_entra())?;
    let ends = |token: &Seen<'_>| token.claims.expires_at();
    let tokens = case.tokens();
    let old = tokens.iter().find(|it| ends(it).is_some_and(|end| end < now))?;
    let fresh = tokens.iter().find(|it| ends(it).is_some_and(|end| end >= now))?;
    let told = |token: &Seen<'_>| ends(token).as_ref().map(Timestamp::to_string).unwrap_or_default();
    let finding = Finding::new(
        CODE,
        cause::TOKEN_EXPIRED,
        "the token that is shown to Entra has expired, and a newer one is there",
    )
    .expected(
        format!("one that is valid at {now}, as this until {}", told(fresh)),
        fresh.exhibit.origin("/claims/exp"),
    )
    .found(told(old), old.exhibit.origin("/claims/exp"));
    Some(finding.advice(READ_ANEW))
}
