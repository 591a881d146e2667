//! The `audience` that the client sends is no provider's full name, or another host's.

use trust::provider::ResourceName;

use super::super::case::Case;
use super::super::words;
use crate::finding::{Confidence, Finding, cause};

const HOST: &str = "//iam.googleapis.com/";

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let (audience, origin, confidence) = presented(case)?;
    if ResourceName::parse_audience(&audience).is_some_and(|it| is_number(&it.project)) {
        return None;
    }
    let own = case.provider().or_else(|| case.providers().into_iter().next());
    let expected = own.as_ref().map_or_else(
        || format!("{HOST}projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER"),
        |seen| format!("{HOST}{}", seen.provider.name),
    );
    let place = own.as_ref().map_or_else(|| "Google's STS".to_owned(), |seen| seen.exhibit.origin("/name"));
    let finding = Finding::new(
        "google/provider-name-malformed",
        cause::RESOURCE_NAME,
        format!("the client names a provider that Google cannot read: {}", fault(&audience)),
    )
    .expected(&expected, place)
    .found(audience, origin)
    .confidence(confidence)
    .advice("set the client's `audience`, or `workload_identity_provider`, to the provider's full name")
    .mend(
        "to see that name",
        "gcloud iam workload-identity-pools providers describe PROVIDER --location=global --workload-identity-pool=POOL --format='value(name)'",
    );
    Some(finding)
}

/// The audience as it was sent: seen in a file, else printed in the text.
fn presented(case: &Case<'_>) -> Option<(String, String, Confidence)> {
    if let Some((audience, origin)) = case.audience() {
        return Some((audience.to_owned(), origin, Confidence::Certain));
    }
    let variables = case.variables();
    let named = variables.iter().find(|(name, value, _)| is_provider_variable(name) && !value.is_empty());
    if let Some((_, value, origin)) = named {
        let whole =
            if value.starts_with("projects/") { format!("{HOST}{value}") } else { (*value).to_owned() };
        return Some((whole, origin.clone(), Confidence::Certain));
    }
    if !case.says(&["invalid value for \"audience\"", "invalid value for \\\"audience"]) {
        return None;
    }
    let printed = words::between(&case.said, "federated token for ", ": ")?;
    Some((printed.to_owned(), case.said_in("federated token for"), Confidence::Likely))
}

/// Whether a variable holds a provider's name, by its own name.
pub(super) fn is_provider_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    (name.contains("WORKLOAD_IDENTITY") || name.contains("WIF"))
        && name.contains("PROVIDER")
        && !name.ends_with("_ID")
}

fn is_number(project: &str) -> bool {
    project.bytes().all(|byte| byte.is_ascii_digit())
}

/// What is wrong with a name, for people.
fn fault(audience: &str) -> &'static str {
    let bare = audience.trim_start_matches("https:");
    if words::is_placeholder(audience) {
        "a placeholder was not filled in"
    } else if audience.starts_with("https:") {
        "it begins with `https:`"
    } else if ResourceName::parse(bare).is_some() {
        "it lacks `//iam.googleapis.com/` in front"
    } else if bare.starts_with("//") && !bare.starts_with(HOST) {
        "its host is not iam.googleapis.com"
    } else if ResourceName::parse_audience(bare).is_some() {
        "it names the project by its id, and not by its number"
    } else if !bare.contains("/providers/") {
        "it ends before `/providers/PROVIDER`"
    } else {
        "a part of it is missing, or too much"
    }
}
