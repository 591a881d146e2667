//! The mapping gives no value that Google can use: a claim that is not there, of the wrong type, or too long.

use trust::provider::{Refusal, Stage};

use super::super::case::{Case, Seen, SeenProvider};
use super::issuer_differs::{name, update};
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let seen = case.provider()?;
    let refused = |token: Seen<'_>| {
        let refusal = case.exchange(&token, &seen.provider).err()?;
        matches!(refusal.stage, Stage::Mapping | Stage::SubjectSize)
            .then(|| describe(&seen, &token, &refusal))
    };
    case.tokens().into_iter().find_map(refused)
}

fn describe(seen: &SeenProvider<'_>, token: &Seen<'_>, refusal: &Refusal) -> Finding {
    let at_fault = attribute(&refusal.description);
    let pointer = format!("/attributeMapping/{at_fault}");
    let expression = seen.provider.attribute_mapping.get(at_fault).cloned().unwrap_or_default();
    let long = refusal.stage == Stage::SubjectSize;
    let summary = if long {
        format!("provider {} makes a `{at_fault}` of it that is too long", name(seen))
    } else {
        format!("provider {} cannot make `{at_fault}` of this token", name(seen))
    };
    let code = if long { "google/subject-too-long" } else { "google/mapping-unusable" };
    let finding = Finding::new(code, cause::CLAIM_UNUSABLE, summary)
        .expected(format!("{} by `{expression}`", refusal.expected), seen.exhibit.origin(&pointer))
        .found(
            format!("{}; the claims are {}", refusal.found, claims(token)),
            token.exhibit.origin("/claims"),
        );
    if long {
        return finding.mend(
            "map a shorter part of it that is still unique",
            format!("{} --attribute-mapping=\"google.subject={}\"", update(seen), shorter(&expression)),
        );
    }
    finding
        .mend(
            "map a claim that every token of this issuer has, and that names one caller only",
            format!("{} --attribute-mapping=\"google.subject=assertion.sub\"", update(seen)),
        )
        .advice("do not put the expression into quotes to quiet the error: then every caller is the same constant subject")
}

/// The attribute that a refusal names.
fn attribute(description: &str) -> &str {
    let looks = |word: &&str| word.starts_with("google.") || word.starts_with("attribute.");
    description.split([' ', '\'']).find(looks).map_or("google.subject", |it| it.trim_end_matches('.'))
}

fn claims(token: &Seen<'_>) -> String {
    let names: Vec<&str> = token.claims.as_map().keys().map(String::as_str).collect();
    names.join(", ")
}

fn shorter(expression: &str) -> String {
    if expression.contains("arn") {
        return "assertion.arn.extract('assumed-role/{role}/')".to_owned();
    }
    "assertion.sub.extract('/eid1/c/pub/t/{subject}')".to_owned()
}
