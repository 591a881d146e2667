//! A Google API that is needed is switched off in the project.

use super::super::case::Case;
use super::super::link::{Link, said};
use super::super::words;
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding, cause};

/// The API that gives tokens for service accounts.
const CREDENTIALS: &str = "iamcredentials.googleapis.com";

/// What the APIs are called in refusals → their names.
const NAMES: [(&str, &str); 8] = [
    ("iam service account credentials api", CREDENTIALS),
    ("identity and access management (iam) api", "iam.googleapis.com"),
    ("security token service api", "sts.googleapis.com"),
    ("artifact registry api", "artifactregistry.googleapis.com"),
    ("kubernetes engine api", "container.googleapis.com"),
    ("cloud resource manager api", "cloudresourcemanager.googleapis.com"),
    ("secret manager api", "secretmanager.googleapis.com"),
    ("compute engine api", "compute.googleapis.com"),
];

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needle = "has not been used in project";
    let told = case.says(&[needle, "service_disabled"]);
    let api = NAMES.iter().find(|(words, _)| case.says(&[words])).map_or(CREDENTIALS, |(_, name)| *name);
    let project = words::between(&case.said, "used in project ", " ").unwrap_or("PROJECT");
    if told {
        return Some(
            finding(api, project)
                .found("not enabled", case.talk())
                .confidence(seen_off(case, api).map_or(Confidence::Likely, |_| Confidence::Certain)),
        );
    }
    if !said(case).iter().any(|link| matches!(link, Link::Impersonation | Link::Pod)) {
        return None;
    }
    let origin = seen_off(case, CREDENTIALS)?;
    Some(finding(CREDENTIALS, project).found("not among the enabled APIs", origin))
}

fn finding(api: &str, project: &str) -> Finding {
    Finding::new(
        "google/api-disabled",
        cause::API_DISABLED,
        format!("`{api}` is switched off in the project"),
    )
    .expected(api, "the project's enabled APIs")
    .mend(
        "switch it on; it counts after half a minute or so",
        format!("gcloud services enable {api} --project={project}"),
    )
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
