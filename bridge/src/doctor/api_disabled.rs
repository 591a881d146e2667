//! A Google API is switched off in the project: refused with the status of a missing right, and in words of its own.

use super::chain::Chain;
use super::{Evidence, Thing};
use crate::finding::{Confidence, Finding, cause};
use crate::port::PortError;

/// The APIs that a chain calls, by the titles that Google's refusals begin with.
const APIS: [(&str, &str); 8] = [
    ("IAM Service Account Credentials API", "iamcredentials.googleapis.com"),
    ("Security Token Service API", "sts.googleapis.com"),
    ("Artifact Registry API", "artifactregistry.googleapis.com"),
    ("Kubernetes Engine API", "container.googleapis.com"),
    ("Identity and Access Management (IAM) API", "iam.googleapis.com"),
    ("Cloud Resource Manager API", "cloudresourcemanager.googleapis.com"),
    ("Secret Manager API", "secretmanager.googleapis.com"),
    ("Compute Engine API", "compute.googleapis.com"),
];

pub(super) fn check(chain: &Chain<'_>, evidence: &Evidence, error: &PortError) -> Option<Finding> {
    let message = error.message.as_str();
    if !message.contains("has not been used in project") && !message.contains("SERVICE_DISABLED") {
        return None;
    }
    let linked = || message.split("/apis/api/").nth(1)?.split('/').next();
    let host = named(message).or_else(linked).unwrap_or("the API that the text names");
    let told = message.split_once("used in project ").and_then(|(_, rest)| rest.split([' ', '.']).next());
    let project = match chain {
        Chain::Declared(way) => &way.bridge.google.project,
        Chain::Shown(_) => told.unwrap_or("PROJECT"),
    };
    let place = evidence.place(Thing::Refusal, "", error.service);
    Some(switched_off(host, project).found(message, place))
}

/// The API that a text names by its title.
pub(super) fn named(text: &str) -> Option<&'static str> {
    let low = text.to_ascii_lowercase();
    APIS.iter().find(|(title, _)| low.contains(&title.to_ascii_lowercase())).map(|(_, host)| *host)
}

/// That an API is switched off, without what was found.
pub(super) fn switched_off(host: &str, project: &str) -> Finding {
    Finding::new(
        "google/api-disabled",
        cause::API_DISABLED,
        format!("`{host}` is switched off in project `{project}`"),
    )
    .confidence(Confidence::Certain)
    .expected(format!("`{host}`, switched on"), format!("the APIs of project `{project}`"))
    .mend("switch it on", format!("gcloud services enable {host} --project={project}"))
    .advice("it takes some minutes to count; no right is missing, so give none")
}
