//! Replays CEL's public conformance tests (`witness/cel/conformance.jsonl`). Each passes, or `witness/cel/exceptions.tsv`
//! names it and says why not; whoever stands there and passes must go.

use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value as Json;

use super::evaluate::Evaluation;
use super::meter::Meter;
use super::problem::Problem;
use super::time::{Length, Moment};
use super::types::Type;
use super::value::{Key, Value};
use super::{MAX_STEPS, check, names, parser};

const CASES: &str = include_str!("../../../witness/cel/conformance.jsonl");
const EXCEPTIONS: &str = include_str!("../../../witness/cel/exceptions.tsv");

#[derive(Deserialize)]
struct Case {
    id: String,
    expr: String,
    #[serde(default)]
    bindings: BTreeMap<String, Json>,
    #[serde(default)]
    unchecked: bool,
    /// Nothing: an error is expected.
    value: Option<Json>,
}

/// A value as protobuf's JSON form of `cel.expr.Value` has it.
fn value(json: &Json) -> Option<Value> {
    let (kind, inner) = json.as_object()?.iter().next()?;
    let text = || inner.as_str().map(str::to_owned);
    Some(match kind.as_str() {
        "nullValue" => Value::Null,
        "boolValue" => Value::Bool(inner.as_bool()?),
        "int64Value" => Value::Int(text()?.parse().ok()?),
        "uint64Value" => Value::Uint(text()?.parse().ok()?),
        "doubleValue" => Value::Double(match inner.as_str() {
            Some("Infinity") => f64::INFINITY,
            Some("-Infinity") => f64::NEG_INFINITY,
            Some(other) => other.parse().ok()?,
            None => inner.as_f64()?,
        }),
        "stringValue" => Value::text(text()?),
        "bytesValue" => Value::Bytes(STANDARD.decode(text()?).ok()?.into()),
        "typeValue" => Value::Type(Box::leak(text()?.into_boxed_str())),
        "listValue" => {
            let elements = inner.get("values").and_then(Json::as_array).cloned().unwrap_or_default();
            Value::List(elements.iter().map(value).collect::<Option<_>>()?)
        }
        "mapValue" => {
            let entries = inner.get("entries").and_then(Json::as_array).cloned().unwrap_or_default();
            let entry =
                |entry: &Json| Some((Key::of(&value(entry.get("key")?)?)?, value(entry.get("value")?)?));
            Value::Map(Rc::new(entries.iter().map(entry).collect::<Option<_>>()?))
        }
        "objectValue" => object(inner)?,
        _ => return None,
    })
}

fn object(json: &Json) -> Option<Value> {
    let inner = json.get("value")?.as_str()?;
    match json.get("@type")?.as_str()?.rsplit('/').next()? {
        "google.protobuf.Timestamp" => Moment::parse(inner).ok().map(Value::Timestamp),
        "google.protobuf.Duration" => Length::parse(inner).ok().map(Value::Duration),
        _ => None,
    }
}

fn answer(case: &Case) -> Option<Result<Value, Problem>> {
    let bindings: Option<Vec<(String, Value)>> =
        case.bindings.iter().map(|(name, json)| Some((name.clone(), value(json)?))).collect();
    let bindings = bindings?;
    let variables: Vec<&str> = bindings.iter().map(|(name, _)| name.as_str()).collect();
    let evaluate = || {
        let expression = parser::parse(&case.expr)?;
        if !case.unchecked {
            names::collect(&expression).require_known(&variables)?;
            check::check(&expression, &Type::Dyn)?;
        }
        Evaluation::new(&bindings, &mut Meter::new(MAX_STEPS)).value(&expression)
    };
    Some(evaluate())
}

/// Nothing is wrong, or what.
fn fault(case: &Case) -> Option<String> {
    let Some(found) = answer(case) else { return Some("a binding of another type".to_owned()) };
    let expected = case.value.as_ref();
    match (found, expected) {
        (Err(Problem::TooMuchWork), _) => Some("too much work".to_owned()),
        (Err(_), None) => None,
        (Ok(found), Some(expected)) => match value(expected) {
            Some(expected) if format!("{found:?}") == format!("{expected:?}") => None,
            // Zero has two signs, and the tests' own form knows one.
            Some(Value::Double(0.0)) if matches!(found, Value::Double(0.0)) => None,
            _ => Some(format!("{found}, expected {expected}")),
        },
        (Ok(found), None) => Some(format!("{found}, expected an error")),
        (Err(problem), Some(expected)) => Some(format!("{problem}, expected {expected}")),
    }
}

#[test]
fn every_case_passes_or_is_a_listed_exception() {
    let exceptions: BTreeMap<&str, &str> = EXCEPTIONS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once('\t').expect("a case and a reason"))
        .collect();
    let mut wrong = Vec::new();
    let (mut passed, mut excepted) = (0, 0);
    for line in CASES.lines().skip(1) {
        let case: Case = serde_json::from_str(line).unwrap();
        match (fault(&case), exceptions.contains_key(case.id.as_str())) {
            (None, false) => passed += 1,
            (Some(_), true) => excepted += 1,
            (Some(fault), false) => wrong.push(format!("{}\t{}\t{fault}", case.id, case.expr)),
            (None, true) => wrong.push(format!("{}\tpasses, and is listed as an exception", case.id)),
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(excepted, exceptions.len(), "an exception names no case");
    assert!(passed > 1000, "{passed}");
}
