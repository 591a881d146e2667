//! The token that is presented to Entra has expired: mostly a file that was read once.

use jiff::Timestamp;

use super::super::case::{Case, Seen};
use super::super::words;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needle = "aadsts700024";
    let said = case.says(&[needle, "not within its valid time range"]);
    let tokens = case.tokens();
    let late =
        |token: &&Seen<'_>| case.moment.zip(token.claims.expires_at()).is_some_and(|(now, end)| now > end);
    let expired = tokens.iter().find(late).filter(|_| said || case.is_about_entra());
    let printed = words::between(&case.said, "expiry time of assertion ", ".").map(str::trim);
    let (found, origin, sure) = match (expired, printed) {
        (Some(token), _) => (ends(token), token.exhibit.origin("/claims/exp"), Confidence::Certain),
        (None, Some(end)) if said => {
            (format!("an assertion that ended at {end}"), case.said_in(needle), Confidence::Likely)
        }
        (None, None) if said => {
            ("an assertion out of its time".to_owned(), case.said_in(needle), Confidence::Likely)
        }
        (None, _) => return None,
    };
    let fresh = tokens.iter().find(|it| !late(it) && case.moment.is_some());
    let finding = Finding::new("azure/assertion-out-of-time", cause::TOKEN_EXPIRED, "the token that is presented to Entra has expired")
        .expected(case.moment.map_or_else(|| "a token that is valid now".to_owned(), |now| format!("valid at {now}")), "Entra")
        .found(found, origin)
        .confidence(sure)
        .advice("read the token's file each time a token is asked for: the kubelet writes it anew long before it ends");
    Some(match fresh {
        Some(fresh) => finding.advice(format!(
            "the file itself holds a token until {}: the program kept an old one ({})",
            ends(fresh),
            fresh.exhibit.file
        )),
        None => finding,
    })
}

fn ends(token: &Seen<'_>) -> String {
    token.claims.expires_at().map_or_else(|| "no `exp`".to_owned(), |it: Timestamp| it.to_string())
}
