//! The Google service account that is named does not exist.

use super::super::case::Case;
use super::super::words;
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding, cause};

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
    if let Some(off) = off {
        return Some(
            base(&email, "is disabled")
                .expected("disabled: false", "the account")
                .found("disabled: true", off.origin("/disabled"))
                .mend(
                    "bring it back, if it was not switched off for a reason",
                    format!("gcloud iam service-accounts enable {email}"),
                ),
        );
    }
    if !said && !absent {
        return None;
    }
    let near = known.iter().find(|it| words::distance(it, &email, 3).is_some());
    let place = listed.map_or_else(|| "the project's service accounts".to_owned(), |it| it.origin(""));
    let expected = if known.is_empty() { "an account of this name".to_owned() } else { known.join(", ") };
    let finding = base(&email, "does not exist")
        .expected(expected, place)
        .found(&email, origin)
        .confidence(if absent { Confidence::Certain } else { Confidence::Likely });
    let (name, project) = parts(&email);
    Some(match near {
        Some(near) => finding.advice(format!("`{near}` is there: name it letter by letter")),
        None => finding.mend(
            "make it first, then the pool, the provider, and the grants on it",
            format!("gcloud iam service-accounts create {name} --project={project}"),
        ),
    })
}

fn base(email: &str, what: &str) -> Finding {
    Finding::new(
        "google/service-account-missing",
        cause::OBJECT_MISSING,
        format!("the service account `{email}` {what}"),
    )
}

fn parts(email: &str) -> (&str, &str) {
    let split = email.split_once('@');
    split.map_or(("NAME", "PROJECT"), |(name, domain)| {
        (name, domain.trim_end_matches(".iam.gserviceaccount.com"))
    })
}
