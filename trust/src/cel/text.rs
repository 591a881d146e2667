//! The functions of texts. Places count code points, not bytes, as in CEL's extension for strings.
//! <https://pkg.go.dev/github.com/google/cel-go/ext#Strings>

use std::rc::Rc;

use super::extract::extract;
use super::meter::Meter;
use super::problem::Problem;
use super::value::Value;

/// The value of `text.name(arguments)`; nothing if there is no such function of these arguments.
pub(super) fn call(
    name: &str,
    text: &Rc<str>,
    arguments: &[Value],
    meter: &mut Meter,
) -> Option<Result<Value, Problem>> {
    // Searching takes longer than copying.
    if let Err(problem) = meter.spend_on(8 * text.len()) {
        return Some(Err(problem));
    }
    match arguments {
        [] => bare(name, text),
        [Value::Text(other)] => with_text(name, text, other, meter),
        [Value::Int(place)] => with_places(name, text, *place, None),
        [Value::Int(start), Value::Int(end)] => with_places(name, text, *start, Some(*end)),
        [Value::Text(other), Value::Int(number)] => with_text_and_number(name, text, other, *number, meter),
        [Value::Text(old), Value::Text(new)] if name == "replace" => Some(replace(text, old, new, -1, meter)),
        [Value::Text(old), Value::Text(new), Value::Int(limit)] if name == "replace" => {
            Some(replace(text, old, new, *limit, meter))
        }
        _ => None,
    }
}

fn bare(name: &str, text: &str) -> Option<Result<Value, Problem>> {
    let made = match name {
        "lowerAscii" => text.to_ascii_lowercase(),
        "upperAscii" => text.to_ascii_uppercase(),
        // Go's white space is Unicode's.
        "trim" => text.trim().to_owned(),
        "reverse" => text.chars().rev().collect(),
        _ => return None,
    };
    Some(Ok(Value::text(made)))
}

fn with_text(name: &str, text: &str, other: &str, meter: &mut Meter) -> Option<Result<Value, Problem>> {
    let value = match name {
        "contains" => Value::Bool(text.contains(other)),
        "startsWith" => Value::Bool(text.starts_with(other)),
        "endsWith" => Value::Bool(text.ends_with(other)),
        "indexOf" => return Some(index_of(text, other, 0)),
        "lastIndexOf" => return Some(last_index_of(text, other, None)),
        "split" => return Some(split(text, other, -1, meter)),
        "extract" => {
            let part = extract(text, other);
            return Some(part.map(Value::text).ok_or_else(|| {
                Problem::evaluation("`extract`: the template of `extract` needs exactly one `{name}`")
            }));
        }
        _ => return None,
    };
    Some(Ok(value))
}

fn with_text_and_number(
    name: &str,
    text: &str,
    other: &str,
    number: i64,
    meter: &mut Meter,
) -> Option<Result<Value, Problem>> {
    match name {
        "indexOf" => Some(index_of(text, other, number)),
        "lastIndexOf" => Some(last_index_of(text, other, Some(number))),
        "split" => Some(split(text, other, number, meter)),
        _ => None,
    }
}

fn with_places(name: &str, text: &str, start: i64, end: Option<i64>) -> Option<Result<Value, Problem>> {
    match (name, end) {
        ("charAt", None) => Some(char_at(text, start)),
        ("substring", _) => Some(substring(text, start, end)),
        _ => None,
    }
}

fn outside(place: i64) -> Problem {
    Problem::evaluation(format!("the text has no place {place}"))
}

fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// The byte at which the `place`th character begins, or the end.
fn byte_of(text: &str, place: i64) -> Result<usize, Problem> {
    let index = usize::try_from(place).map_err(|_| outside(place))?;
    let mut starts = text.char_indices().map(|(start, _)| start).chain([text.len()]);
    starts.nth(index).ok_or_else(|| outside(place))
}

fn char_at(text: &str, place: i64) -> Result<Value, Problem> {
    let start = byte_of(text, place)?;
    let found = text.get(start..).and_then(|rest| rest.chars().next());
    Ok(Value::text(found.map(String::from).unwrap_or_default()))
}

fn substring(text: &str, start: i64, end: Option<i64>) -> Result<Value, Problem> {
    if end.is_some_and(|end| start > end) {
        return Err(Problem::evaluation("`substring`: the start is after the end"));
    }
    let from = byte_of(text, start)?;
    let to = end.map_or(Ok(text.len()), |end| byte_of(text, end))?;
    Ok(Value::text(text.get(from..to).unwrap_or_default()))
}

/// The first place from `offset` on; -1 if there is none.
fn index_of(text: &str, other: &str, offset: i64) -> Result<Value, Problem> {
    if other.is_empty() {
        return Ok(Value::Int(offset));
    }
    let start = byte_of(text, offset)?;
    let rest = text.get(start..).unwrap_or_default();
    let found = rest.find(other).and_then(|place| rest.get(..place));
    Ok(Value::Int(found.map_or(-1, |before| offset + count(before))))
}

/// The last place that is `offset` or before; -1 if there is none.
fn last_index_of(text: &str, other: &str, offset: Option<i64>) -> Result<Value, Problem> {
    if other.is_empty() {
        return Ok(Value::Int(offset.unwrap_or_else(|| count(text))));
    }
    let start = offset.map_or(Ok(text.len()), |offset| byte_of(text, offset))?;
    if offset.is_some() && start == text.len() {
        return Ok(Value::Int(-1));
    }
    // What begins at `start` ends there at the latest; what ends within a character does not end at all.
    let end = start.saturating_add(other.len()).min(text.len());
    let end = (0..=end).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    let found = text.get(..end).unwrap_or_default().rfind(other).and_then(|place| text.get(..place));
    Ok(Value::Int(found.map_or(-1, count)))
}

/// At most `limit` parts, or any number if it is negative.
fn split(text: &str, separator: &str, limit: i64, meter: &mut Meter) -> Result<Value, Problem> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Ok(Value::List(Rc::from([])));
    }
    let parts: Vec<&str> =
        if separator.is_empty() { characters(text, limit) } else { text.splitn(limit, separator).collect() };
    meter.spend(parts.len())?;
    Ok(Value::List(parts.into_iter().map(Value::text).collect()))
}

/// Each character, and all that is left in the last.
fn characters(text: &str, limit: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if parts.len() + 1 == limit { rest.len() } else { first.len_utf8() };
        let (part, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        parts.push(part);
        rest = after;
    }
    parts
}

/// The first `limit` occurrences, or all if it is negative.
fn replace(text: &str, old: &str, new: &str, limit: i64, meter: &mut Meter) -> Result<Value, Problem> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let most = if old.is_empty() { text.len() + 1 } else { text.len() / old.len() };
    meter.spend_on(most.min(limit).saturating_mul(new.len()))?;
    Ok(Value::text(text.replacen(old, new, limit)))
}

/// `list.join(separator)`.
pub(super) fn join(elements: &[Value], separator: &str, meter: &mut Meter) -> Result<Value, Problem> {
    let mut joined = String::new();
    for (place, element) in elements.iter().enumerate() {
        let Value::Text(text) = element else {
            return Err(Problem::evaluation(format!("`join`: found {}, expected texts", element.kind())));
        };
        meter.spend_on(text.len() + separator.len())?;
        if place > 0 {
            joined.push_str(separator);
        }
        joined.push_str(text);
    }
    Ok(Value::text(joined))
}
