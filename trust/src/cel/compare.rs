//! Which values are equal, and which come before others. Numbers of two types are compared by what they count.

use std::cmp::Ordering;

use super::meter::Meter;
use super::problem::Problem;
use super::value::{Map, Value};

/// Values of two types are different, never an error.
pub(super) fn equal(left: &Value, right: &Value, meter: &mut Meter) -> Result<bool, Problem> {
    meter.spend(1)?;
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            meter.spend_on(left.len().min(right.len()))?;
            Ok(left == right)
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            meter.spend_on(left.len().min(right.len()))?;
            Ok(left == right)
        }
        (Value::List(left), Value::List(right)) => {
            if left.len() != right.len() {
                return Ok(false);
            }
            for (left, right) in left.iter().zip(right.iter()) {
                if !equal(left, right, meter)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Map(left), Value::Map(right)) => equal_maps(left, right, meter),
        _ => Ok(equal_atoms(left, right)),
    }
}

fn equal_maps(left: &Map, right: &Map, meter: &mut Meter) -> Result<bool, Problem> {
    if left.len() != right.len() {
        return Ok(false);
    }
    // Keys that are equal stand in the same order on both sides.
    for ((left_key, left), (right_key, right)) in left.iter().zip(right.iter()) {
        if left_key != right_key || !equal(left, right, meter)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_atoms(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Type(left), Value::Type(right)) => left == right,
        (Value::Null | Value::Type(_), _) | (_, Value::Null | Value::Type(_)) => false,
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

/// Nothing for values that have no order, and for `NaN`.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Bytes(left), Value::Bytes(right)) => Some(left.cmp(right)),
        (Value::Timestamp(left), Value::Timestamp(right)) => Some(left.cmp(right)),
        (Value::Duration(left), Value::Duration(right)) => Some(left.cmp(right)),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Double(left), other) => order_double(*left, other),
        (other, Value::Double(right)) => order_double(*right, other).map(Ordering::reverse),
        _ => Some(whole(left)?.cmp(&whole(right)?)),
    }
}

fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::Uint(number) => Some(i128::from(*number)),
        _ => None,
    }
}

/// As cel-go compares them: the integer is rounded to a double.
#[expect(clippy::cast_precision_loss, reason = "meant")]
fn order_double(double: f64, other: &Value) -> Option<Ordering> {
    match other {
        Value::Int(number) => double.partial_cmp(&(*number as f64)),
        Value::Uint(number) => double.partial_cmp(&(*number as f64)),
        _ => None,
    }
}

/// Whether two values can be ordered at all, by their types.
pub(super) fn ordered_types(left: &Value, right: &Value) -> bool {
    let number = |value: &Value| matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_));
    let ordered = |value: &Value| {
        matches!(
            value,
            Value::Bool(_) | Value::Text(_) | Value::Bytes(_) | Value::Timestamp(_) | Value::Duration(_)
        )
    };
    (number(left) && number(right)) || (ordered(left) && left.type_name() == right.type_name())
}
