//! What the error text alone says, where no exhibit explains it.

use super::case::Case;
use crate::explain::explain;
use crate::finding::{Confidence, Finding};

/// From this share on, a cause is the likely one and not one of several.
const LIKELY: f64 = 0.6;

/// The finding that the words make most likely, if they make any.
pub(super) fn finding(case: &Case<'_>) -> Option<Finding> {
    let explained = explain(case.said.as_bytes());
    let first = explained.causes.first()?;
    let words = explained.recognised.first()?;
    let confidence = if first.confidence >= LIKELY { Confidence::Likely } else { Confidence::Possible };
    let others: Vec<&str> = explained.causes.iter().skip(1).take(2).map(|cause| cause.cause).collect();
    let finding = Finding::new("client/known-by-its-words", first.cause, first.why.clone())
        .found(words.text.clone(), case.said_in(&words.text.to_lowercase()))
        .confidence(confidence)
        .advice(first.mend.clone());
    let finding = if first.evidence_needed.is_empty() {
        finding
    } else {
        finding.advice(format!("what would decide: {}", first.evidence_needed))
    };
    Some(if others.is_empty() {
        finding
    } else {
        finding.advice(format!("else it may be: {}", others.join(", ")))
    })
}
