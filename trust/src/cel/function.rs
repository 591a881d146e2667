//! Calls of functions, by what they are called with.

use super::convert;
use super::meter::Meter;
use super::pattern::Patterns;
use super::problem::Problem;
use super::text;
use super::time::{self, Part};
use super::value::Value;

/// The value of `name(values)`, or of `first.name(others)` if it is a `method`.
pub(super) fn call(
    name: &str,
    method: bool,
    values: &[Value],
    meter: &mut Meter,
    patterns: &mut Patterns,
) -> Result<Value, Problem> {
    meter.spend(1)?;
    let found = match (name, values) {
        ("size", [value]) => size(value, meter),
        ("matches", [Value::Text(text), Value::Text(pattern)]) => {
            Some(patterns.matches(text, pattern, meter).map(Value::Bool))
        }
        (_, [value]) if !method => {
            if let Value::Text(text) = value {
                meter.spend_on(text.len())?;
            }
            convert::convert(name, value)
        }
        (_, [first, others @ ..]) if method => of_method(name, first, others, meter),
        _ => None,
    };
    found.unwrap_or_else(|| {
        let types: Vec<&str> = values.iter().map(Value::type_name).collect();
        Err(Problem::no_overload(name, &types))
    })
}

fn of_method(
    name: &str,
    target: &Value,
    arguments: &[Value],
    meter: &mut Meter,
) -> Option<Result<Value, Problem>> {
    match (target, arguments) {
        (Value::Text(text), _) => text::call(name, text, arguments, meter),
        (Value::List(elements), []) if name == "join" => Some(text::join(elements, "", meter)),
        (Value::List(elements), [Value::Text(separator)]) if name == "join" => {
            Some(text::join(elements, separator, meter))
        }
        (Value::Timestamp(moment), []) => Some(moment.part(Part::of(name)?, 0).map(Value::Int)),
        (Value::Timestamp(moment), [Value::Text(zone)]) => {
            let part = Part::of(name)?;
            Some(time::offset(zone).and_then(|offset| moment.part(part, offset)).map(Value::Int))
        }
        (Value::Duration(length), []) => length.part(Part::of(name)?).map(|count| Ok(Value::Int(count))),
        _ => None,
    }
}

fn size(value: &Value, meter: &mut Meter) -> Option<Result<Value, Problem>> {
    let count = match value {
        Value::Text(text) => {
            if let Err(problem) = meter.spend_on(text.len()) {
                return Some(Err(problem));
            }
            text.chars().count()
        }
        Value::Bytes(bytes) => bytes.len(),
        Value::List(elements) => elements.len(),
        Value::Map(entries) => entries.len(),
        _ => return None,
    };
    Some(Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX))))
}
