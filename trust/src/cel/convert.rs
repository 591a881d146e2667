//! From one type to another: `string(…)`, `int(…)` and the like.
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions>

use super::problem::Problem;
use super::time::{Length, Moment};
use super::value::Value;

/// The value of `function(value)`; nothing if the function does not take its type.
pub(super) fn convert(function: &str, value: &Value) -> Option<Result<Value, Problem>> {
    match function {
        "bool" => bool(value),
        "bytes" => bytes(value),
        "double" => double(value),
        "duration" => duration(value),
        "int" => int(value),
        "string" => string(value),
        "timestamp" => timestamp(value),
        "uint" => uint(value),
        "dyn" => Some(Ok(value.clone())),
        "type" => Some(Ok(Value::Type(value.type_name()))),
        _ => None,
    }
}

fn unreadable(text: &str, expected: &str) -> Problem {
    let shown: String = text.chars().take(40).collect();
    Problem::evaluation(format!("`{shown}` is not {expected}"))
}

fn out_of_range(kind: &str) -> Problem {
    Problem::evaluation(format!("the number is out of the range of `{kind}`"))
}

fn bool(value: &Value) -> Option<Result<Value, Problem>> {
    match value {
        Value::Bool(_) => Some(Ok(value.clone())),
        Value::Text(text) => Some(match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            other => Err(unreadable(other, "`true` or `false`")),
        }),
        _ => None,
    }
}

fn bytes(value: &Value) -> Option<Result<Value, Problem>> {
    match value {
        Value::Bytes(_) => Some(Ok(value.clone())),
        Value::Text(text) => Some(Ok(Value::Bytes(text.as_bytes().into()))),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "meant")]
fn double(value: &Value) -> Option<Result<Value, Problem>> {
    match value {
        Value::Double(_) => Some(Ok(value.clone())),
        Value::Int(number) => Some(Ok(Value::Double(*number as f64))),
        Value::Uint(number) => Some(Ok(Value::Double(*number as f64))),
        Value::Text(text) => {
            let number = text.parse().map(Value::Double);
            Some(number.map_err(|_| unreadable(text, "a number")))
        }
        _ => None,
    }
}

fn int(value: &Value) -> Option<Result<Value, Problem>> {
    match value {
        Value::Int(_) => Some(Ok(value.clone())),
        Value::Uint(number) => Some(i64::try_from(*number).map(Value::Int).map_err(|_| out_of_range("int"))),
        Value::Double(number) => Some(truncated(*number).map(Value::Int).ok_or_else(|| out_of_range("int"))),
        Value::Text(text) => Some(text.parse().map(Value::Int).map_err(|_| unreadable(text, "an integer"))),
        Value::Timestamp(moment) => Some(Ok(Value::Int(moment.seconds()))),
        Value::Duration(length) => Some(Ok(Value::Int(length.nanos))),
        _ => None,
    }
}

fn uint(value: &Value) -> Option<Result<Value, Problem>> {
    match value {
        Value::Uint(_) => Some(Ok(value.clone())),
        Value::Int(number) => Some(u64::try_from(*number).map(Value::Uint).map_err(|_| out_of_range("uint"))),
        Value::Double(number) => {
            Some(truncated_unsigned(*number).map(Value::Uint).ok_or_else(|| out_of_range("uint")))
        }
        // Rust takes a plus sign here and Go does not.
        Value::Text(text) if text.starts_with('+') => Some(Err(unreadable(text, "an unsigned integer"))),
        Value::Text(text) => {
            Some(text.parse().map(Value::Uint).map_err(|_| unreadable(text, "an unsigned integer")))
        }
        _ => None,
    }
}

fn string(value: &Value) -> Option<Result<Value, Problem>> {
    let text = match value {
        Value::Text(_) => return Some(Ok(value.clone())),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Uint(number) => number.to_string(),
        Value::Double(number) => shown(*number),
        Value::Timestamp(moment) => moment.to_string(),
        Value::Duration(length) => length.to_string(),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => return Some(Err(Problem::evaluation("the bytes are no UTF-8"))),
        },
        _ => return None,
    };
    Some(Ok(Value::text(text)))
}

fn timestamp(value: &Value) -> Option<Result<Value, Problem>> {
    match value {
        Value::Timestamp(_) => Some(Ok(value.clone())),
        Value::Int(seconds) => Some(Moment::of_seconds(*seconds).map(Value::Timestamp)),
        Value::Text(text) => Some(Moment::parse(text).map(Value::Timestamp)),
        _ => None,
    }
}

fn duration(value: &Value) -> Option<Result<Value, Problem>> {
    match value {
        Value::Duration(_) => Some(Ok(value.clone())),
        Value::Text(text) => Some(Length::parse(text).map(Value::Duration)),
        _ => None,
    }
}

/// Without the fraction. The bounds are cel-go's, which leave out both ends.
fn truncated(number: f64) -> Option<i64> {
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "bounded")]
    (number > -BOUND && number < BOUND).then_some(number as i64)
}

fn truncated_unsigned(number: f64) -> Option<u64> {
    const BOUND: f64 = 18_446_744_073_709_551_616.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded")]
    (0.0..BOUND).contains(&number).then_some(number as u64)
}

/// The integer that `number` is, if it is one.
#[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "an exact comparison is what is asked for")]
pub(super) fn whole(number: f64) -> Option<i64> {
    truncated(number).filter(|whole| *whole as f64 == number)
}

/// The unsigned integer that `number` is, if it is one.
#[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "an exact comparison is what is asked for")]
pub(super) fn whole_unsigned(number: f64) -> Option<u64> {
    truncated_unsigned(number).filter(|whole| *whole as f64 == number)
}

/// A double as Go's `%g` writes it, which cel-go uses: the fewest digits that read back, and an exponent from a million on
/// and below a ten-thousandth. So `string(1700000000.0)` is `1.7e+09`.
fn shown(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    format!("{number}")
}
