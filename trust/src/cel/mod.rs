//! The only door to CEL, in the dialect that Google documents for workload identity federation: the standard language with
//! its string functions and `extract`. Attribute mappings and conditions come from people and files, so:
//! 1. length, nesting and work are bounded, whatever the text and the claims are;
//! 2. names and types are checked before anything is evaluated;
//! 3. what went wrong is said in our words.
//!
//! text → `token` → `parser` → `syntax` → `names`, `check` → `evaluate`.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each operation is for a few types, and what it says of the rest is the same"
)]

use serde_json::Value as Json;

mod check;
mod compare;
mod convert;
mod evaluate;
mod extract;
mod function;
mod literal;
mod macros;
mod meter;
mod names;
mod operate;
mod overload;
mod parser;
mod pattern;
mod problem;
mod re2;
mod show;
mod syntax;
mod text;
mod time;
mod token;
mod types;
mod value;

use evaluate::Evaluation;
pub(crate) use meter::Meter;
pub(crate) use names::Names;
pub(crate) use problem::Problem;
use syntax::{Expression, Kind};
use types::Type;
pub(crate) use value::Value;

/// Brackets, selections and calls may nest this deep. The stack that this takes fits into any thread, also in a debug
/// build; a test holds it.
const MAX_DEPTH: usize = 64;
/// Steps that one evaluation may take; evaluations that belong together may share them.
pub(crate) const MAX_STEPS: usize = 250_000;

/// An expression whose names are known and whose types can agree.
#[derive(Debug)]
pub(crate) struct Program {
    source: String,
    expression: Expression,
    names: Names,
}

/// What variables stand for.
#[derive(Debug)]
pub(crate) struct Bindings(Vec<(String, Value)>);

impl Bindings {
    /// Variables and their values.
    pub(crate) fn new(variables: &[(&str, &Json)]) -> Self {
        Self(variables.iter().map(|(name, json)| ((*name).to_owned(), Value::of_json(json))).collect())
    }

    /// One more variable, with a time in one field: `seconds` since 1970. A time that CEL does not have is left out.
    pub(crate) fn with_time(mut self, variable: &str, field: &str, seconds: Option<i64>) -> Self {
        let moment = seconds.and_then(|seconds| time::Moment::of_seconds(seconds).ok());
        let entry = moment.map(|moment| (value::Key::Text(field.into()), Value::Timestamp(moment)));
        self.0.push((variable.to_owned(), Value::Map(entry.into_iter().collect::<value::Map>().into())));
        self
    }
}

/// Reads `source`, which may have `limit` characters and refer to `variables`.
pub(crate) fn compile(source: &str, limit: usize, variables: &[&str]) -> Result<Program, Problem> {
    let length = source.chars().count();
    if length > limit {
        return Err(Problem::TooLong { length, limit });
    }
    let expression = parser::parse(source)?;
    let names = names::collect(&expression);
    names.require_known(variables)?;
    check::check(&expression, &Type::claims())?;
    Ok(Program { source: source.to_owned(), expression, names })
}

impl Program {
    /// What the expression refers to.
    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Its value.
    pub(crate) fn evaluate(&self, bindings: &Bindings, meter: &mut Meter) -> Result<Value, Problem> {
        Evaluation::new(&bindings.0, meter).value(&self.expression)
    }

    /// Which operand of a false condition is the one that is not true, with the values it looked at.
    pub(crate) fn first_false_operand(&self, bindings: &Bindings, meter: &mut Meter) -> String {
        let whole = std::slice::from_ref(&self.expression);
        let operands = if let Kind::All(parts) = &self.expression.kind { parts } else { whole };
        let mut evaluation = Evaluation::new(&bindings.0, meter);
        for operand in operands {
            let verdict = match evaluation.value(operand) {
                Ok(Value::Bool(true)) => continue,
                Err(problem) => problem.to_string(),
                Ok(_) if operands.len() > 1 => format!("`{}` is false", self.text_of(operand)),
                Ok(_) => "false".to_owned(),
            };
            let seen = seen_by(operand, bindings);
            return if seen.is_empty() { verdict } else { format!("{verdict}: {seen}") };
        }
        "false".to_owned()
    }

    /// As it is written, brackets included.
    fn text_of(&self, operand: &Expression) -> &str {
        self.source.get(operand.place.clone()).unwrap_or_default()
    }
}

/// The values that `operand` looked at, as `assertion.tid is "…"`.
fn seen_by(operand: &Expression, bindings: &Bindings) -> String {
    let mut seen = Vec::new();
    for (variable, field) in &names::collect(operand).fields {
        let binding = bindings.0.iter().find(|(name, _)| name == variable).map(|(_, value)| value);
        let key = value::Key::Text(field.as_str().into());
        let found = if let Some(Value::Map(entries)) = binding { entries.get(&key) } else { None };
        seen.push(match found {
            Some(value) => format!("{variable}.{field} is {value}"),
            None => format!("{variable}.{field} is absent"),
        });
    }
    seen.join(", ")
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod witness;
