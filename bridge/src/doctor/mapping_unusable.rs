//! The provider's attribute mapping makes nothing usable of the token: a claim is missing or empty, or the value has the
//! wrong type, or there are more groups than Google takes.

use trust::provider::{Refusal, Stage};

use super::Thing;
use super::exchange::RefusedExchange;
use crate::finding::{Confidence, Finding, cause};

/// Google's words for each, and the class of what is behind it.
const WORDS: [(&str, &str); 3] = [
    ("Could not obtain a value for", cause::CLAIM_UNUSABLE),
    ("must be of type", cause::CLAIM_UNUSABLE),
    ("mapped attribute google.groups exceeds", cause::LIMIT),
];

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted_at(&[Stage::Mapping]);
    let words = seen.map(|it| it.description.as_str()).or(case.error.map(|it| it.message.as_str()))?;
    let (_, class) = WORDS.iter().find(|(start, _)| words.contains(start))?;
    if seen.is_none() && case.predicted.is_some() {
        return None;
    }
    let finding = Finding::new(
        "google/mapping-unusable",
        class,
        format!(
            "the attribute mapping of provider {} makes nothing usable of the token",
            case.chain.provider()
        ),
    );
    let finding = if let Some(refusal) = seen {
        compared(finding, case, refusal)
    } else {
        let place = case.evidence.place(Thing::Refusal, "", "Google STS");
        case.unseen_provider(finding.confidence(Confidence::Likely).found(words, place))
    };
    let finding = case.chain.put_back(finding, "put the mapping back to what the bridge declares");
    let finding = if case.chain.way().is_none() {
        finding.mend(
            "map a claim that every token of this issuer has, and that names one caller only",
            case.chain.update_provider("--attribute-mapping=\"google.subject=assertion.sub\""),
        )
    } else {
        finding
    };
    Some(finding.advice("do not put the expression into quotes: the error goes away, and everybody becomes one and the same subject"))
}

fn compared(finding: Finding, case: &RefusedExchange<'_>, refusal: &Refusal) -> Finding {
    let attribute = attribute(&refusal.description);
    let names: Vec<&str> =
        case.claims.map(|it| it.as_map().keys().map(String::as_str).collect()).unwrap_or_default();
    finding.expected(&refusal.expected, case.setting_of("attributeMapping", attribute)).found(
        format!("{}; the claims are {}", refusal.found, names.join(", ")),
        case.evidence.place(Thing::Token, "/claims", "the Entra token"),
    )
}

/// The attribute that a refusal names.
pub(super) fn attribute(description: &str) -> &str {
    let looks = |word: &&str| word.starts_with("google.") || word.starts_with("attribute.");
    description.split([' ', '\'']).find(looks).map_or("google.subject", |it| it.trim_end_matches('.'))
}
