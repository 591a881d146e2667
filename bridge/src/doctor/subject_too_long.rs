//! What the mapping makes the subject is longer than Google takes.

use trust::provider::Stage;

use super::hops::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted.as_ref().filter(|it| it.stage == Stage::SubjectSize);
    let said = case.predicted.is_none()
        && case.error.is_some_and(|error| error.message.contains("mapped attribute google.subject exceeds"));
    if seen.is_none() && !said {
        return None;
    }
    let mapping = case.evidence.provider.as_ref().and_then(|it| it.seen());
    let mapping = mapping.and_then(|it| it.attribute_mapping.get("google.subject"));
    let finding = Finding::new(
        "google/subject-too-long",
        cause::LIMIT,
        "the attribute mapping makes a subject that is longer than Google takes",
    );
    let finding = match (seen, mapping) {
        (Some(refusal), mapping) => {
            finding.expected(&refusal.expected, "Google's limit on `google.subject`").found(
                &refusal.found,
                format!("provider, `google.subject={}`", mapping.map_or("?", String::as_str)),
            )
        }
        _ => finding
            .confidence(Confidence::Likely)
            .found(case.error.map(|it| it.message.clone()).unwrap_or_default(), "Google STS"),
    };
    Some(finding.mend("put the mapping back to what the bridge declares", "gangplank apply").advice(
        "`assertion.sub` alone is an id of 36 characters; what is put before it is known from the pool",
    ))
}
