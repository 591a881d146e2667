//! The provider's attribute mapping makes nothing usable of the token: a claim is missing or empty, or the value has the
//! wrong type, or there are more groups than Google takes.

use trust::provider::Stage;

use super::evidence::unseen;
use super::hops::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};

/// Google's words for each, and the class of what is behind it.
const WORDS: [(&str, &str); 3] = [
    ("Could not obtain a value for", cause::CLAIM_UNUSABLE),
    ("must be of type", cause::CLAIM_UNUSABLE),
    ("mapped attribute google.groups exceeds", cause::LIMIT),
];

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted.as_ref().filter(|it| it.stage == Stage::Mapping);
    let words = seen.map(|it| it.description.as_str()).or(case.error.map(|it| it.message.as_str()))?;
    let (_, class) = WORDS.iter().find(|(start, _)| words.contains(start))?;
    if seen.is_none() && case.predicted.is_some() {
        return None;
    }
    let provider = &case.walk.bridge.federation.provider;
    let finding = Finding::new(
        "google/mapping-unusable",
        class,
        format!("the attribute mapping of provider `{provider}` makes nothing usable of the token"),
    );
    let finding = match seen {
        Some(refusal) => finding
            .expected(&refusal.expected, "provider, `attributeMapping`")
            .found(&refusal.found, "the Entra token"),
        None => finding.confidence(Confidence::Likely).found(words, "Google STS").advice(unseen(
            "the provider",
            case.evidence.provider.as_ref(),
            "roles/iam.workloadIdentityPoolViewer",
        )),
    };
    Some(
        finding
            .mend("put the mapping back to what the bridge declares", "gangplank apply")
            .advice("do not put the expression into quotes: the error goes away, and everybody becomes one and the same subject"),
    )
}
