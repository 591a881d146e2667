//! Attribute mapping and attribute condition: CEL over the claims, into the values that IAM compares.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{Mapped, Provider, Refusal};
use crate::cel::{self, Bindings, Meter, Problem, Value};
use crate::token::Claims;

/// Longest attribute condition, in characters.
pub const CONDITION_LENGTH: usize = 4096;
/// Longest expression of an attribute mapping, in characters.
pub(super) const EXPRESSION_LENGTH: usize = 2048;
/// What a condition may refer to.
pub(super) const VARIABLES: [&str; 3] = ["assertion", "google", "attribute"];
/// All mapped values together, in bytes.
const MAPPED_BYTES: usize = 8 * 1024;
/// Groups a token may carry.
const GROUPS: usize = 400;

/// Evaluates every mapping, `google.subject` first, the rest in the order of their names.
pub(super) fn map_attributes(
    provider: &Provider,
    claims: &Claims,
    meter: &mut Meter,
) -> Result<Mapped, Refusal> {
    let bindings = Bindings::new(&[("assertion", &claims.as_value())]);
    let mut evaluate = |source: &str| {
        let program = cel::compile(source, EXPRESSION_LENGTH, &["assertion"])?;
        program.evaluate(&bindings, meter)
    };
    let pairs = provider.attribute_mapping.iter();
    let mut outcomes: BTreeMap<_, _> =
        pairs.map(|(name, source)| (name.as_str(), (source.as_str(), evaluate(source)))).collect();
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
pub(super) fn meets_condition(
    provider: &Provider,
    claims: &Claims,
    mapped: &Mapped,
    meter: &mut Meter,
) -> Result<(), Refusal> {
    let condition = provider.attribute_condition.as_str();
    if condition.trim().is_empty() {
        return Ok(());
    }
    let (assertion, google, attribute) =
        (claims.as_value(), google_variable(provider, mapped), json!(mapped.attributes));
    let bindings =
        Bindings::new(&[("assertion", &assertion), ("google", &google), ("attribute", &attribute)]);
    let refuse = |found: String| Err(Refusal::condition(condition, found));
    let program = match cel::compile(condition, CONDITION_LENGTH, &VARIABLES) {
        Ok(program) => program,
        Err(problem) => return refuse(problem.to_string()),
    };
    match program.evaluate(&bindings, meter) {
        Ok(Value::Bool(true)) => Ok(()),
        Ok(Value::Bool(false)) => refuse(program.first_false_operand(&bindings, meter)),
        Ok(other) => refuse(format!("{}, expected true or false", other.kind())),
        Err(problem) => refuse(problem.to_string()),
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
        Ok(Value::Text(text)) => Ok(text.as_ref().to_owned()),
        Ok(Value::Null) => Err(Refusal::no_value(name, source, "null".to_owned())),
        Ok(other) => Err(Refusal::wrong_type(name, source, "STRING", other.kind())),
        Err(problem) => Err(Refusal::no_value(name, source, problem.to_string())),
    }
}

fn texts(name: &str, source: &str, outcome: Result<Value, Problem>) -> Result<Vec<String>, Refusal> {
    let groups = match outcome {
        Ok(Value::Null) => return Err(Refusal::no_value(name, source, "null".to_owned())),
        Ok(other) => {
            let kind = other.kind();
            other.texts().ok_or_else(|| Refusal::wrong_type(name, source, "LIST", kind))?
        }
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
