//! The Google service account that is named does not exist.

use super::super::case::Case;
use super::super::words;
use crate::doctor::{Chain, service_account_down};
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let said = case.says(&["unknown service account", "iam returned 404"]);
    let (email, origin) = case.target().unwrap_or_else(|| {
        let named = words::service_account(&case.said).unwrap_or("the account that is named");
        (named.to_owned(), case.said_in("service account"))
    });
    let known: Vec<&str> = case.of(Kind::GoogleServiceAccount).filter_map(|it| it.text("/email")).collect();
    let listed =
        case.of(Kind::GoogleServiceAccount).next().or_else(|| case.none_of(Kind::GoogleServiceAccount));
    let absent =
        listed.is_some() && !known.iter().any(|it| it.eq_ignore_ascii_case(&email)) && email.contains('@');
    let off = case
        .of(Kind::GoogleServiceAccount)
        .find(|it| it.flag("/disabled") == Some(true) && it.text("/email") == Some(&email));
    let chain = Chain::from(case.shown());
    if let Some(off) = off {
        return Some(service_account_down::disabled(&chain, &email, off.origin("/disabled")));
    }
    if !said && !absent {
        return None;
    }
    let near = known.iter().find(|it| words::distance(it, &email, 3).is_some());
    let place = listed.map_or_else(|| "the project's service accounts".to_owned(), |it| it.origin(""));
    let expected = if known.is_empty() { "an account of this name".to_owned() } else { known.join(", ") };
    let finding = service_account_down::missing(&chain, &email)
        .expected(expected, place)
        .found(&email, origin)
        .confidence(if absent { Confidence::Certain } else { Confidence::Likely });
    Some(match near {
        Some(near) => Finding { mend: Vec::new(), ..finding }
            .advice(format!("`{near}` is there: name it letter by letter")),
        None => finding,
    })
}
