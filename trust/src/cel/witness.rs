//! Replays what cel-go answered to generated mapping expressions and conditions (`witness/cel/answers.jsonl`,
//! `witness/cel/versions.txt`): the same value of the same type, or an error where it has one.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Bindings, MAX_STEPS, Meter, Value, compile};

const ANSWERS: &str = include_str!("../../../witness/cel/answers.jsonl");
const VARIABLES: [&str; 3] = ["assertion", "google", "attribute"];

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "a")]
    assertion: usize,
    #[serde(rename = "e")]
    expression: String,
    /// Nothing: an error.
    #[serde(rename = "v")]
    value: Option<Json>,
}

/// As `witness/cel/ask/main.go` writes values.
fn shown(value: &Value) -> Json {
    match value {
        Value::Null => json!({"null": null}),
        Value::Bool(flag) => json!({"bool": flag}),
        Value::Int(number) => json!({"int": number.to_string()}),
        Value::Uint(number) => json!({"uint": number.to_string()}),
        Value::Double(number) if number.is_nan() => json!({"double": "nan"}),
        Value::Double(number) => json!({"double": format!("{:016x}", number.to_bits())}),
        Value::Text(text) => json!({"string": text.as_ref()}),
        Value::Bytes(bytes) => {
            json!({"bytes": bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))})
        }
        Value::Timestamp(moment) => json!({"timestamp": moment.to_string()}),
        Value::Duration(length) => json!({"duration": length.nanos.to_string()}),
        Value::Type(name) => json!({"type": name}),
        Value::List(elements) => json!({"list": elements.iter().map(shown).collect::<Vec<_>>()}),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (shown(&key.value()), shown(value)));
            json!({"map": entries.collect::<Vec<_>>()})
        }
    }
}

fn ours(world: &Json, expression: &str) -> Result<Json, String> {
    let bindings = Bindings::new(&VARIABLES.map(|name| (name, &world[name])));
    let program = compile(expression, 4096, &VARIABLES).map_err(|problem| problem.to_string())?;
    let value = program.evaluate(&bindings, &mut Meter::new(MAX_STEPS));
    value.map(|value| shown(&value)).map_err(|problem| problem.to_string())
}

#[test]
fn our_answers_are_those_of_cel_go() {
    let mut lines = ANSWERS.lines();
    let worlds: Vec<Json> = serde_json::from_str(lines.next().unwrap()).unwrap();
    let mut different = Vec::new();
    let (mut values, mut errors) = (0, 0);
    for line in lines {
        let answer: Answer = serde_json::from_str(line).unwrap();
        match (ours(&worlds[answer.assertion], &answer.expression), answer.value) {
            (Ok(found), Some(expected)) if found == expected => values += 1,
            (Err(_), None) => errors += 1,
            (found, expected) => {
                different.push(format!("{}\n    ours {found:?}\n    theirs {expected:?}", answer.expression));
            }
        }
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    assert!(values > 2500 && errors > 1000, "{values} values, {errors} errors");
}
