//! The provider's attribute condition does not hold for the token.

use trust::provider::Stage;
use trust::token::Claims;

use super::caller::{Caller, Declared};
use super::exchange::RefusedExchange;
use crate::finding::{Finding, cause};

/// The claims that a condition of ours compares.
const OURS: [&str; 4] = ["sub", "tid", "roles", "groups"];

pub(super) fn check(case: &RefusedExchange<'_>) -> Option<Finding> {
    let seen = case.predicted_at(&[Stage::Condition]);
    if seen.is_none() && !case.said_alone(&["rejected by the attribute condition"]) {
        return None;
    }
    let caller = Caller::new(case.chain, case.evidence);
    let condition = case.provider().map_or("", |it| it.attribute_condition.as_str());
    let (shown, named) = compared(case.claims, condition);
    let place = named.map_or_else(
        || "claims of the Entra token".to_owned(),
        |name| case.evidence.claim(&name, "claims of the Entra token"),
    );
    let finding = Finding::new(
        "google/condition-rejects-subject",
        cause::LITERAL_MISMATCH,
        format!("provider {} admits others, but not {}", case.chain.provider(), caller.name()),
    )
    .found(shown, place);
    let finding = match seen {
        Some(refusal) => finding
            .expected(&refusal.expected, case.setting("attributeCondition"))
            .advice(format!("of the condition, this is false: {}", refusal.found)),
        None => case.unseen_provider(finding),
    };
    let capitals = case.claims.and_then(|claims| literal_in_other_case(claims, condition));
    let finding = match &capitals {
        Some((literal, value)) => finding
            .advice(format!("`{literal}` and `{value}` differ in capitals only, and are compared exactly")),
        None => finding,
    };
    Some(mend(finding, &caller, capitals.is_some()))
}

/// The claims that the condition names, else those that ours name; and the first of them.
fn compared(claims: Option<&Claims>, condition: &str) -> (String, Option<String>) {
    let Some(claims) = claims else { return ("not seen".to_owned(), None) };
    let is_named = |name: &&String| {
        condition.contains(&format!("assertion.{name}"))
            || condition.contains(&format!("assertion['{name}']"))
    };
    let named: Vec<&str> = claims.as_map().keys().filter(is_named).map(String::as_str).collect();
    let shown: Vec<(&str, String)> = OURS
        .into_iter()
        .filter(|name| named.is_empty() || named.contains(name))
        .chain(named.iter().copied().filter(|name| !OURS.contains(name)))
        .filter_map(|name| Some((name, value(claims, name)?)))
        .collect();
    let first = shown.first().map(|(name, _)| (*name).to_owned());
    let all: Vec<String> = shown.into_iter().map(|(name, value)| format!("{name} = {value}")).collect();
    if all.is_empty() {
        return ("none of `sub`, `tid`, `roles`, `groups`".to_owned(), None);
    }
    (all.join(", "), first)
}

fn value(claims: &Claims, name: &str) -> Option<String> {
    if let Some(text) = claims.text(name) {
        return Some(text.to_owned());
    }
    let many = claims.texts(name);
    if many.is_empty() {
        return claims.get(name).map(ToString::to_string);
    }
    Some(format!("[{}]", many.join(", ")))
}

/// A literal of the condition that equals a claim but for its capitals.
fn literal_in_other_case(claims: &Claims, condition: &str) -> Option<(String, String)> {
    let literals = condition.split(['\'', '"']).skip(1).step_by(2);
    let values: Vec<&str> = claims.as_map().values().filter_map(serde_json::Value::as_str).collect();
    literals.into_iter().find_map(|literal| {
        let near = |value: &&&str| **value != literal && value.eq_ignore_ascii_case(literal);
        values.iter().find(near).map(|value| (literal.to_owned(), (*value).to_owned()))
    })
}

fn mend(finding: Finding, caller: &Caller<'_>, capitals: bool) -> Finding {
    match caller.declared(|_| true) {
        Declared::Has { identity, .. } | Declared::Lacks { identity } => finding.mend(
            format!("the bridge declares this caller as `{}`: put the condition back", identity.name),
            "gangplank apply",
        ),
        Declared::RoleNotInToken { identity, role } => finding
            .mend(
                format!("the bridge gives this caller the role `{role}` as `{}`, and the token lacks it: assign it", identity.name),
                "gangplank apply",
            )
            .advice("a token issued before the assignment never gets the role: get a new one; a managed identity's can be a day old"),
        Declared::Nobody => Finding { cause: cause::WRONG_IDENTITY, ..finding }
            .advice(
                "the bridge does not declare this caller, so turning it away is right; if it should come across, add it \
                 below `identities` with the rights it needs",
            )
            .mend("and then bring the condition in step", "gangplank apply"),
        Declared::Unstated if capitals => {
            finding.advice("write the literal as the token has it, or compare `.lowerAscii()` of both sides")
        }
        Declared::Unstated => finding.advice(
            "if this caller should come across, add its value to the condition, and nothing wider; if not, the refusal is right",
        ),
    }
}
