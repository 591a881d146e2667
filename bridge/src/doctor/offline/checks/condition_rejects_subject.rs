//! The provider's attribute condition does not hold for the token.

use trust::provider::Stage;

use super::super::case::{Case, Seen};
use super::issuer_differs::name;
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let seen = case.provider()?;
    let (token, refusal) = case.tokens().into_iter().find_map(|token| {
        let refusal =
            case.exchange(&token, &seen.provider).err().filter(|it| it.stage == Stage::Condition)?;
        Some((token, refusal))
    })?;
    let condition = &seen.provider.attribute_condition;
    let (shown, origin) = compared(&token, condition);
    let finding = Finding::new(
        "google/condition-rejects-subject",
        cause::LITERAL_MISMATCH,
        format!("the condition of provider {} turns this caller away", name(&seen)),
    )
    .expected(condition, seen.exhibit.origin("/attributeCondition"))
    .found(shown, origin)
    .advice(format!("of the condition, this is false: {}", refusal.found));
    let finding = match literal_in_other_case(&token, condition) {
        Some((literal, value)) => finding
            .advice(format!("`{literal}` and `{value}` differ in capitals only, and are compared exactly"))
            .advice("write the literal as the token has it, or compare `.lowerAscii()` of both sides"),
        None => finding.advice("if this caller should come across, add its value to the condition, and nothing wider; if not, the refusal is right"),
    };
    Some(finding)
}

/// The claims that the condition names, with their place.
fn compared(token: &Seen<'_>, condition: &str) -> (String, String) {
    let named: Vec<(&String, &serde_json::Value)> = token
        .claims
        .as_map()
        .iter()
        .filter(|(name, _)| {
            condition.contains(&format!("assertion.{name}"))
                || condition.contains(&format!("assertion['{name}']"))
        })
        .collect();
    match named.as_slice() {
        [] => {
            let subject = token.claims.subject().unwrap_or("none");
            (format!("sub = {subject}"), token.exhibit.origin("/claims/sub"))
        }
        [(name, value)] => (format!("{name} = {value}"), token.exhibit.origin(&format!("/claims/{name}"))),
        many => {
            let shown: Vec<String> = many.iter().map(|(name, value)| format!("{name} = {value}")).collect();
            (shown.join(", "), token.exhibit.origin("/claims"))
        }
    }
}

/// A literal of the condition that equals a claim but for its capitals.
fn literal_in_other_case(token: &Seen<'_>, condition: &str) -> Option<(String, String)> {
    let literals = condition.split(['\'', '"']).skip(1).step_by(2);
    let values: Vec<&str> = token.claims.as_map().values().filter_map(serde_json::Value::as_str).collect();
    literals.into_iter().find_map(|literal| {
        let near = |value: &&&str| **value != literal && value.eq_ignore_ascii_case(literal);
        values.iter().find(near).map(|value| (literal.to_owned(), (*value).to_owned()))
    })
}
