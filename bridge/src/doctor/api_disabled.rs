//! A Google API is switched off in the project: refused with the status of a missing right, and in words of its own.

use super::Walk;
use crate::finding::{Confidence, Finding, cause};
use crate::port::PortError;

/// The APIs that the walk calls, by the titles that Google's refusals begin with.
const APIS: [(&str, &str); 5] = [
    ("IAM Service Account Credentials API", "iamcredentials.googleapis.com"),
    ("Security Token Service API", "sts.googleapis.com"),
    ("Artifact Registry API", "artifactregistry.googleapis.com"),
    ("Kubernetes Engine API", "container.googleapis.com"),
    ("Identity and Access Management (IAM) API", "iam.googleapis.com"),
];

pub(super) fn check(walk: &Walk<'_>, error: &PortError) -> Option<Finding> {
    if !error.message.contains("has not been used in project") {
        return None;
    }
    let named = APIS.iter().find(|(title, _)| error.message.contains(title)).map(|(_, host)| *host);
    let linked = || error.message.split("/apis/api/").nth(1)?.split('/').next();
    let host = named.or_else(linked).unwrap_or("the API that the text names");
    let project = &walk.bridge.google.project;
    let finding = Finding::new(
        "google/api-disabled",
        cause::API_DISABLED,
        format!("`{host}` is switched off in project `{project}`"),
    )
    .confidence(Confidence::Certain)
    .expected(format!("`{host}`, switched on"), format!("the APIs of project `{project}`"))
    .found(&error.message, error.service)
    .mend("switch it on", format!("gcloud services enable {host} --project={project}"))
    .advice("it takes some minutes to count; no right is missing, so give none");
    Some(finding)
}
