//! A Google API that is needed is switched off in the project: by the words, or by the list of those that are on.

use super::super::case::Case;
use super::super::link::{Link, said};
use super::super::words;
use crate::doctor::api_disabled::{named, switched_off};
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding};

/// The API that gives tokens for service accounts.
const CREDENTIALS: &str = "iamcredentials.googleapis.com";

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let told = case.says(&["has not been used in project", "service_disabled"]);
    let api = named(&case.said).unwrap_or(CREDENTIALS);
    let project = words::between(&case.said, "used in project ", " ").unwrap_or("PROJECT");
    if told {
        let sure = seen_off(case, api).map_or(Confidence::Likely, |_| Confidence::Certain);
        return Some(switched_off(api, project).found("not enabled", case.talk()).confidence(sure));
    }
    if !said(case).iter().any(|link| matches!(link, Link::Impersonation | Link::Pod)) {
        return None;
    }
    let origin = seen_off(case, CREDENTIALS)?;
    Some(switched_off(CREDENTIALS, project).found("not among the enabled APIs", origin))
}

/// The list of enabled APIs, if one was given that lacks this one.
fn seen_off(case: &Case<'_>, api: &str) -> Option<String> {
    let all: Vec<_> = case.of(Kind::EnabledService).collect();
    let first = all.first()?;
    let is = |text: Option<&str>| text.is_some_and(|it| it.ends_with(api));
    let on = all.iter().any(|it| {
        (is(it.text("/config/name")) || is(it.text("/name"))) && it.text("/state") != Some("DISABLED")
    });
    (!on).then(|| first.origin(""))
}
