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
                (Value::Int(left), Value::Int(right)) => integers(operator, *left, *right).map(Value::Int),
                (Value::Uint(left), Value::Uint(right)) => integers(operator, *left, *right).map(Value::Uint),
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

/// Integers of either sort: what does not fit into the sort is an error.
fn integers<T: TryFrom<i128>>(
    operator: Operator,
    left: impl Into<i128>,
    right: impl Into<i128>,
) -> Result<T, Problem> {
    let (left, right): (i128, i128) = (left.into(), right.into());
    let fitting =
        |number: Option<i128>| number.and_then(|number| T::try_from(number).ok()).ok_or_else(overflow);
    match operator {
        Operator::Add => fitting(left.checked_add(right)),
        Operator::Subtract => fitting(left.checked_sub(right)),
        Operator::Multiply => fitting(left.checked_mul(right)),
        _ if right == 0 => Err(by_zero()),
        Operator::Divide => fitting(left.checked_div(right)),
        // The least integer by -1 has no remainder, since it has no quotient.
        _ => fitting(left.checked_div(right)).and_then(|_: T| fitting(left.checked_rem(right))),
    }
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
