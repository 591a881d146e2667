//! Attribute mapping and attribute condition: CEL over the claims, into the values that IAM compares.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{Mapped, Provider, Refusal};
use crate::cel::{self, Problem, Value};
use crate::token::Claims;

/// Longest attribute condition, in characters.
pub const CONDITION_LENGTH: usize = 4096;
/// Longest expression of an attribute mapping, in characters.
pub(super) const EXPRESSION_LENGTH: usize = 2048;
/// All mapped values together, in bytes.
const MAPPED_BYTES: usize = 8 * 1024;
/// Groups a token may carry.
const GROUPS: usize = 400;

/// Evaluates every mapping, `google.subject` first, the rest in the order of their names.
pub(super) fn map_attributes(provider: &Provider, claims: &Claims) -> Result<Mapped, Refusal> {
    let assertion = claims.as_value();
    let outcomes = cel::with_stack(|stack| {
        let bindings = [("assertion", &assertion)];
        let evaluate = |source: &String| cel::evaluate(stack, source, EXPRESSION_LENGTH, &bindings);
        let pairs = provider.attribute_mapping.iter();
        pairs
            .map(|(name, source)| (name.as_str(), (source.as_str(), evaluate(source))))
            .collect::<BTreeMap<_, _>>()
    });
    let mut outcomes =
        outcomes.ok_or_else(|| Refusal::no_value("google.subject", "", Problem::Engine.to_string()))?;
    let subject = match outcomes.remove("google.subject") {
        Some((source, outcome)) => text("google.subject", source, outcome)?,
        None => {
            return Err(Refusal::no_value("google.subject", "", "`google.subject` is not mapped".to_owned()));
        }
    };
    let mut mapped = Mapped { subject, ..Mapped::default() };
    for (name, (source, outcome)) in outcomes {
        if name == "google.groups" {
            mapped.groups = texts(name, source, outcome)?;
        } else if let Some(attribute) = name.strip_prefix("attribute.") {
            mapped.attributes.insert(attribute.to_owned(), text(name, source, outcome)?);
        }
    }
    require_size(&mapped)?;
    Ok(mapped)
}

/// Does the provider's condition hold?
pub(super) fn meets_condition(provider: &Provider, claims: &Claims, mapped: &Mapped) -> Result<(), Refusal> {
    let condition = provider.attribute_condition.as_str();
    if condition.trim().is_empty() {
        return Ok(());
    }
    let (assertion, google, attribute) =
        (claims.as_value(), google_variable(provider, mapped), json!(mapped.attributes));
    let outcome = cel::with_stack(|stack| {
        let bindings = [("assertion", &assertion), ("google", &google), ("attribute", &attribute)];
        match cel::evaluate(stack, condition, CONDITION_LENGTH, &bindings) {
            Ok(Value::Bool(false)) => Err(cel::first_false_operand(stack, condition, &bindings)),
            Ok(Value::Bool(true)) => Ok(()),
            Ok(other) => Err(format!("{}, expected true or false", other.kind())),
            Err(problem) => Err(problem.to_string()),
        }
    });
    match outcome.unwrap_or_else(|| Err(Problem::Engine.to_string())) {
        Ok(()) => Ok(()),
        Err(found) => Err(Refusal::condition(condition, found)),
    }
}

/// The variable `google`; groups are there only if they are mapped.
fn google_variable(provider: &Provider, mapped: &Mapped) -> Json {
    let mut google = Map::new();
    google.insert("subject".to_owned(), json!(mapped.subject));
    if provider.attribute_mapping.contains_key("google.groups") {
        google.insert("groups".to_owned(), json!(mapped.groups));
    }
    Json::Object(google)
}

fn text(name: &str, source: &str, outcome: Result<Value, Problem>) -> Result<String, Refusal> {
    match outcome {
        // An empty subject would name everybody without one.
        Ok(Value::Text(text)) if text.is_empty() && name == "google.subject" => {
            Err(Refusal::no_value(name, source, "an empty text".to_owned()))
        }
        Ok(Value::Text(text)) => Ok(text),
        Ok(Value::Null) => Err(Refusal::no_value(name, source, "null".to_owned())),
        Ok(other) => Err(Refusal::wrong_type(name, source, "STRING", other.kind())),
        Err(problem) => Err(Refusal::no_value(name, source, problem.to_string())),
    }
}

fn texts(name: &str, source: &str, outcome: Result<Value, Problem>) -> Result<Vec<String>, Refusal> {
    let groups = match outcome {
        Ok(Value::Texts(texts)) => texts,
        Ok(Value::Null) => return Err(Refusal::no_value(name, source, "null".to_owned())),
        Ok(other) => return Err(Refusal::wrong_type(name, source, "LIST", other.kind())),
        Err(problem) => return Err(Refusal::no_value(name, source, problem.to_string())),
    };
    if groups.len() > GROUPS {
        return Err(Refusal::too_many_groups(groups.len(), GROUPS));
    }
    Ok(groups)
}

fn require_size(mapped: &Mapped) -> Result<(), Refusal> {
    let values = mapped.groups.iter().chain(mapped.attributes.values());
    let size = values.map(String::len).sum::<usize>() + mapped.subject.len();
    if size > MAPPED_BYTES { Err(Refusal::mapped_too_large(size, MAPPED_BYTES)) } else { Ok(()) }
}
