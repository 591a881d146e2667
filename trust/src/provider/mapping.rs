//! Attribute mapping and attribute condition: CEL over the claims, into the values that IAM compares.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::verdict::Compared;
use super::{Mapped, Provider, Refusal};
use crate::cel::{self, Bindings, Meter, Problem, Value};
use crate::token::Claims;

/// Longest attribute condition, in characters.
/// <https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools.providers>
pub const CONDITION_LENGTH: usize = 4096;
/// Longest expression of an attribute mapping, in characters. Source as above.
pub(super) const EXPRESSION_LENGTH: usize = 2048;
/// What a condition may refer to.
pub(super) const VARIABLES: [&str; 3] = ["assertion", "google", "attribute"];
/// All mapped values together, in bytes. Source as above.
const MAPPED_BYTES: usize = 8 * 1024;
/// Groups a token may carry.
const GROUPS: usize = 400;

/// What the mapping makes of the claims.
pub(super) struct Outcomes {
    /// All of it, or the first refusal: `google.subject` first, the rest in the order of their names.
    pub(super) mapped: Result<Mapped, Refusal>,
    /// The variable `google`: what has a value.
    google: Map<String, Json>,
    /// The variable `attribute`: what has a value.
    attribute: Map<String, Json>,
}

/// Evaluates every mapping.
pub(super) fn evaluate(provider: &Provider, claims: &Claims, meter: &mut Meter) -> Outcomes {
    let bindings = Bindings::new(&[("assertion", &claims.as_value())]);
    let mut evaluate = |source: &str| {
        let program = cel::compile(source, EXPRESSION_LENGTH, &["assertion"])?;
        program.evaluate(&bindings, meter)
    };
    let pairs = provider.attribute_mapping.iter();
    let mut outcomes: BTreeMap<_, _> =
        pairs.map(|(name, source)| (name.as_str(), (source.as_str(), evaluate(source)))).collect();
    let mut made = Made::default();
    if let Some((source, outcome)) = outcomes.remove("google.subject") {
        made.subject(source, outcome);
    } else {
        made.refuse(Refusal::no_value("google.subject", "", "`google.subject` is not mapped".to_owned()));
    }
    for (name, (source, outcome)) in outcomes {
        if name == "google.groups" {
            made.groups(source, outcome);
        } else if let Some(attribute) = name.strip_prefix("attribute.") {
            made.attribute(attribute, text(name, source, outcome));
        }
    }
    made.end()
}

/// What is mapped so far.
#[derive(Default)]
struct Made {
    mapped: Mapped,
    /// The first.
    refusal: Option<Refusal>,
    google: Map<String, Json>,
}

impl Made {
    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    fn subject(&mut self, source: &str, outcome: Result<Value, Problem>) {
        match text("google.subject", source, outcome) {
            Ok(subject) => {
                self.google.insert("subject".to_owned(), json!(subject));
                self.mapped.subject = subject;
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn groups(&mut self, source: &str, outcome: Result<Value, Problem>) {
        match texts("google.groups", source, outcome) {
            Ok(groups) => {
                self.google.insert("groups".to_owned(), json!(groups));
                self.mapped.groups = groups;
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn attribute(&mut self, name: &str, outcome: Result<String, Refusal>) {
        match outcome {
            Ok(value) => {
                self.mapped.attributes.insert(name.to_owned(), value);
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    fn end(self) -> Outcomes {
        let attributes = self.mapped.attributes.iter();
        let attribute = attributes.map(|(name, value)| (name.clone(), json!(value))).collect();
        let mapped = match self.refusal {
            Some(refusal) => Err(refusal),
            None => require_size(&self.mapped).map(|()| self.mapped),
        };
        Outcomes { mapped, google: self.google, attribute }
    }
}

/// Whether the condition can be told without what is mapped.
pub(super) fn is_on_claims_alone(provider: &Provider) -> bool {
    let program = cel::compile(&provider.attribute_condition, CONDITION_LENGTH, &VARIABLES);
    program.is_ok_and(|program| program.names().variables.iter().all(|name| name == "assertion"))
}

/// Does the provider's condition hold?
pub(super) fn meets_condition(
    provider: &Provider,
    claims: &Claims,
    outcomes: &Outcomes,
    meter: &mut Meter,
) -> Result<Compared, Refusal> {
    let condition = provider.attribute_condition.as_str();
    if condition.trim().is_empty() {
        return Ok(Compared::new("anything: there is no condition", "a token of the issuer"));
    }
    let assertion = claims.as_value();
    let (google, attribute) = (json!(outcomes.google), json!(outcomes.attribute));
    let bindings =
        Bindings::new(&[("assertion", &assertion), ("google", &google), ("attribute", &attribute)]);
    let refuse = |found: String| Err(Refusal::condition(condition, found));
    let program = match cel::compile(condition, CONDITION_LENGTH, &VARIABLES) {
        Ok(program) => program,
        Err(problem) => return refuse(problem.to_string()),
    };
    match program.evaluate(&bindings, meter) {
        Ok(Value::Bool(true)) => Ok(Compared::new(condition, "true")),
        Ok(Value::Bool(false)) => refuse(program.first_false_operand(&bindings, meter)),
        Ok(other) => refuse(format!("{}, expected true or false", other.kind())),
        Err(problem) => refuse(problem.to_string()),
    }
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
