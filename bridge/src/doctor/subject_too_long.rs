//! What the mapping makes the subject is longer than Google takes.

use trust::provider::Stage;

use super::Thing;
use super::exchange::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted_at(&[Stage::SubjectSize]);
    if seen.is_none() && !case.said_alone(&["mapped attribute google.subject exceeds"]) {
        return None;
    }
    let mapping = case.provider().and_then(|it| it.attribute_mapping.get("google.subject"));
    // A claim that is too long by itself is of no use; a mapping that makes it too long passes a limit.
    let bare =
        mapping.is_some_and(|it| it.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')));
    let finding = Finding::new(
        "google/subject-too-long",
        if bare { cause::CLAIM_UNUSABLE } else { cause::LIMIT },
        "the attribute mapping makes a subject that is longer than Google takes",
    );
    let place = mapping.map_or("?", String::as_str);
    let finding = match seen {
        Some(refusal) => {
            let by = format!("provider, `google.subject={place}`");
            finding.expected(&refusal.expected, "Google's limit on `google.subject`").found(
                &refusal.found,
                case.evidence.place(Thing::Provider, "/attributeMapping/google.subject", by),
            )
        }
        None => finding
            .confidence(Confidence::Likely)
            .found(case.error.map(|it| it.message.clone()).unwrap_or_default(), "Google STS"),
    };
    Some(mend(finding, case, mapping.map(String::as_str)))
}

fn mend(finding: Finding, case: &RefusedExchange<'_>, mapping: Option<&str>) -> Finding {
    if case.chain.way().is_some() {
        return case.chain.put_back(finding, "put the mapping back to what the bridge declares").advice(
            "`assertion.sub` alone is an id of 36 characters; what is put before it is known from the pool",
        );
    }
    let shorter = if mapping.is_some_and(|it| it.contains("arn")) {
        "assertion.arn.extract('assumed-role/{role}/')"
    } else {
        "assertion.sub.extract('/eid1/c/pub/t/{subject}')"
    };
    finding.mend(
        "map a shorter part of it that is still unique",
        case.chain.update_provider(&format!("--attribute-mapping=\"google.subject={shorter}\"")),
    )
}
