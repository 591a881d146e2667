//! IAM Conditions: does a condition hold for a request. What cannot be decided is said, never taken for a yes.
//! Source: <https://cloud.google.com/iam/docs/conditions-attribute-reference>

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::{Condition, Request, Resource};
use crate::cel::{self, Value};

/// The longest expression that is looked at, in characters. IAM allows twelve logical operators, which fit in.
/// Source: <https://cloud.google.com/iam/quotas>
const EXPRESSION_LENGTH: usize = 4096;

/// The name under which `request.time` is handed to the engine, as a text that `timestamp` reads.
const TIME: &str = "request_time";

/// Whether a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
    /// It cannot be decided, and why.
    Open(String),
}

/// Whether `condition` holds for the request. A resource that has several names has to give the same answer by each.
pub(super) fn holds(condition: &Condition, request: &Request<'_>) -> Holds {
    let nameless = Resource::default();
    let resource = request.resource.unwrap_or(&nameless);
    let mut names = resource.names.iter().map(Some).collect::<Vec<_>>();
    if names.is_empty() {
        names.push(None);
    }
    let mut answers = names.into_iter().map(|name| {
        let answer = by_name(&condition.expression, resource, name, request.now);
        (name, answer)
    });
    let Some((_, first)) = answers.next() else { return Holds::Open("there is no resource".to_owned()) };
    match answers.find(|(_, answer)| *answer != first) {
        Some((Some(name), _)) => Holds::Open(format!(
            "it depends on how the resource is named, and `{name}` gives another answer than its other name"
        )),
        Some((None, _)) | None => first,
    }
}

fn by_name(expression: &str, resource: &Resource, name: Option<&String>, now: Option<i64>) -> Holds {
    let facts = [("name", name), ("type", resource.kind.as_ref()), ("service", resource.service.as_ref())];
    let known: Map<String, Json> = facts
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), Json::String(value?.clone()))))
        .collect();
    let time = now.and_then(|now| Timestamp::from_second(now).ok()).map(|now| now.to_string());
    let (resource, request) = (Json::Object(known), json!({}));
    let mut bindings = vec![("resource", &resource), ("request", &request)];
    let time = time.map(Json::String);
    if let Some(time) = &time {
        bindings.push((TIME, time));
    }
    let source = with_time(expression);
    if time.is_none() && source != expression {
        return Holds::Open("the time of the request is not given".to_owned());
    }
    let value = cel::with_stack(|stack| cel::evaluate(stack, &source, EXPRESSION_LENGTH, &bindings));
    match value {
        Some(Ok(Value::Bool(true))) => Holds::Yes,
        Some(Ok(Value::Bool(false))) => Holds::No,
        Some(Ok(value)) => Holds::Open(format!("it is {}, expected true or false", value.kind())),
        Some(Err(problem)) => Holds::Open(problem.to_string()),
        None => Holds::Open("it could not be evaluated".to_owned()),
    }
}

/// The expression with `request.time` read as a timestamp. Texts in quotes stay; where the two words are written apart the
/// engine finds no such field, and the condition stays open.
fn with_time(expression: &str) -> String {
    const WORDS: &str = "request.time";
    let mut written = String::with_capacity(expression.len());
    let mut rest = expression;
    let mut quote = None;
    let mut before = ' ';
    while let Some(character) = rest.chars().next() {
        let after = rest.strip_prefix(WORDS);
        let apart = |character: char| !(character.is_alphanumeric() || "_.".contains(character));
        let ends = after.is_some_and(|after| {
            after.chars().next().is_none_or(|next| !(next.is_alphanumeric() || next == '_'))
        });
        if quote.is_none() && ends && apart(before) {
            written.push_str("timestamp(");
            written.push_str(TIME);
            written.push(')');
            rest = after.unwrap_or_default();
            before = 'e';
            continue;
        }
        match quote {
            None if character == '"' || character == '\'' => quote = Some(character),
            Some(open) if open == character && before != '\\' => quote = None,
            None | Some(_) => {}
        }
        written.push(character);
        // An escaped backslash escapes nothing.
        before = if before == '\\' && character == '\\' { ' ' } else { character };
        rest = rest.strip_prefix(character).unwrap_or_default();
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_read_as_a_timestamp_outside_of_texts() {
        let table = [
            ("request.time < x", "timestamp(request_time) < x"),
            ("request.time.getHours() < 3", "timestamp(request_time).getHours() < 3"),
            ("'request.time' == a", "'request.time' == a"),
            (r#""\"request.time" == a"#, r#""\"request.time" == a"#),
            (r#""\\" + request.time"#, r#""\\" + timestamp(request_time)"#),
            ("request.timeout", "request.timeout"),
            ("my.request.time", "my.request.time"),
            ("!request.time", "!timestamp(request_time)"),
        ];
        for (expression, expected) in table {
            assert_eq!(with_time(expression), expected);
        }
    }
}
