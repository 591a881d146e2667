//! Operators on values. Integers that overflow are an error, never another number.
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md#numeric-values>

use std::cmp::Ordering;
use std::rc::Rc;

use super::compare::{equal, order, ordered_types};
use super::meter::Meter;
use super::problem::Problem;
use super::syntax::Operator;
use super::value::{Key, Value};

/// `left operator right`.
pub(super) fn operate(
    operator: Operator,
    left: &Value,
    right: &Value,
    meter: &mut Meter,
) -> Result<Value, Problem> {
    match operator {
        Operator::Equal => equal(left, right, meter).map(Value::Bool),
        Operator::Unequal => equal(left, right, meter).map(|same| Value::Bool(!same)),
        Operator::Less => ordered(operator, left, right, meter, |order| order == Ordering::Less),
        Operator::LessOrEqual => ordered(operator, left, right, meter, |order| order != Ordering::Greater),
        Operator::Greater => ordered(operator, left, right, meter, |order| order == Ordering::Greater),
        Operator::GreaterOrEqual => ordered(operator, left, right, meter, |order| order != Ordering::Less),
        Operator::In => contains(left, right, meter).map(Value::Bool),
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Remainder => {
            match (left, right) {
                (Value::Int(left), Value::Int(right)) => integers(operator, *left, *right),
                (Value::Uint(left), Value::Uint(right)) => unsigned(operator, *left, *right),
                (Value::Double(left), Value::Double(right)) if operator != Operator::Remainder => {
                    Ok(Value::Double(doubles(operator, *left, *right)))
                }
                _ if operator == Operator::Add => add(left, right, meter),
                _ if operator == Operator::Subtract => subtract(left, right),
                _ => Err(no_overload(operator, left, right)),
            }
        }
    }
}

fn no_overload(operator: Operator, left: &Value, right: &Value) -> Problem {
    Problem::no_overload(operator.symbol(), &[left.type_name(), right.type_name()])
}

fn overflow() -> Problem {
    Problem::evaluation("a number is too large")
}

fn by_zero() -> Problem {
    Problem::evaluation("division by zero")
}

fn ordered(
    operator: Operator,
    left: &Value,
    right: &Value,
    meter: &mut Meter,
    holds: fn(Ordering) -> bool,
) -> Result<Value, Problem> {
    if !ordered_types(left, right) {
        return Err(no_overload(operator, left, right));
    }
    if let (Value::Text(left), Value::Text(right)) = (left, right) {
        meter.spend_on(left.len().min(right.len()))?;
    }
    Ok(Value::Bool(order(left, right).is_some_and(holds)))
}

/// `element in list`, `key in map`.
fn contains(element: &Value, range: &Value, meter: &mut Meter) -> Result<bool, Problem> {
    match range {
        Value::List(elements) => {
            for one in elements.iter() {
                if equal(element, one, meter)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Map(entries) => {
            meter.spend(4)?;
            Ok(Key::sought(element).is_some_and(|key| entries.contains_key(&key)))
        }
        _ => Err(no_overload(Operator::In, element, range)),
    }
}

fn integers(operator: Operator, left: i64, right: i64) -> Result<Value, Problem> {
    let made = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide | Operator::Remainder if right == 0 => return Err(by_zero()),
        Operator::Divide => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    made.map(Value::Int).ok_or_else(overflow)
}

fn unsigned(operator: Operator, left: u64, right: u64) -> Result<Value, Problem> {
    let made = match operator {
        Operator::Add => left.checked_add(right),
        Operator::Subtract => left.checked_sub(right),
        Operator::Multiply => left.checked_mul(right),
        Operator::Divide | Operator::Remainder if right == 0 => return Err(by_zero()),
        Operator::Divide => left.checked_div(right),
        _ => left.checked_rem(right),
    };
    made.map(Value::Uint).ok_or_else(overflow)
}

fn doubles(operator: Operator, left: f64, right: f64) -> f64 {
    match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        _ => left / right,
    }
}

fn add(left: &Value, right: &Value, meter: &mut Meter) -> Result<Value, Problem> {
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            meter.spend_on(left.len() + right.len())?;
            Ok(Value::text(format!("{left}{right}")))
        }
        (Value::Bytes(left), Value::Bytes(right)) => {
            meter.spend_on(left.len() + right.len())?;
            Ok(Value::Bytes([&**left, &**right].concat().into()))
        }
        (Value::List(left), Value::List(right)) => {
            meter.spend(1 + left.len() + right.len())?;
            Ok(Value::List(Rc::from([&**left, &**right].concat())))
        }
        (Value::Timestamp(moment), Value::Duration(length))
        | (Value::Duration(length), Value::Timestamp(moment)) => moment.plus(*length).map(Value::Timestamp),
        (Value::Duration(left), Value::Duration(right)) => left.plus(*right).map(Value::Duration),
        _ => Err(no_overload(Operator::Add, left, right)),
    }
}

fn subtract(left: &Value, right: &Value) -> Result<Value, Problem> {
    match (left, right) {
        (Value::Timestamp(left), Value::Timestamp(right)) => left.since(*right).map(Value::Duration),
        (Value::Timestamp(moment), Value::Duration(length)) => {
            length.negated().and_then(|back| moment.plus(back)).map(Value::Timestamp)
        }
        (Value::Duration(left), Value::Duration(right)) => left.minus(*right).map(Value::Duration),
        _ => Err(no_overload(Operator::Subtract, left, right)),
    }
}

/// `-value`.
pub(super) fn negate(value: &Value) -> Result<Value, Problem> {
    match value {
        Value::Int(number) => number.checked_neg().map(Value::Int).ok_or_else(overflow),
        Value::Double(number) => Ok(Value::Double(-number)),
        Value::Duration(length) => length.negated().map(Value::Duration),
        other => Err(Problem::no_overload("-", &[other.type_name()])),
    }
}
