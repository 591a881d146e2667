//! IAM Conditions: does a condition hold for a request. What cannot be decided is said, never taken for a yes.
//! Source: <https://cloud.google.com/iam/docs/conditions-attribute-reference>

use serde_json::{Map, Value as Json};

use super::{Condition, Request, Resource};
use crate::cel::{self, Bindings, Meter, Program, Value};

/// The longest expression that is looked at, in characters. IAM allows twelve logical operators, which fit in.
/// Source: <https://cloud.google.com/iam/quotas>
const EXPRESSION_LENGTH: usize = 4096;

/// The most names that one resource may go by: by project id and by number, and some to spare.
const NAMES: usize = 8;

/// Whether a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holds {
    Yes,
    No,
    /// It cannot be decided, and why.
    Open(String),
}

/// Whether `condition` holds for the request. A resource that has several names has to give the same answer by each.
pub(super) fn holds(condition: &Condition, request: &Request<'_>, meter: &mut Meter) -> Holds {
    let program = match cel::compile(&condition.expression, EXPRESSION_LENGTH, &["resource", "request"]) {
        Ok(program) => program,
        Err(problem) => return Holds::Open(problem.to_string()),
    };
    let about_time = program.names().fields.contains(&("request".to_owned(), "time".to_owned()));
    if about_time && request.now.is_none() {
        return Holds::Open("the time of the request is not given".to_owned());
    }
    let nameless = Resource::default();
    if request.resource.is_some_and(|resource| resource.names.len() > NAMES) {
        return Holds::Open(format!("the resource has more than {NAMES} names"));
    }
    let resource = request.resource.unwrap_or(&nameless);
    let mut answers = resource.names.iter().map(|name| {
        let answer = by_name(&program, resource, Some(name), request.now, meter);
        (name, answer)
    });
    let Some((_, first)) = answers.next() else {
        return by_name(&program, resource, None, request.now, meter);
    };
    match answers.find(|(_, answer)| *answer != first) {
        None => first,
        Some((name, _)) => Holds::Open(format!(
            "it depends on how the resource is named, and `{name}` gives another answer than its other name"
        )),
    }
}

fn by_name(
    program: &Program,
    resource: &Resource,
    name: Option<&String>,
    now: Option<i64>,
    meter: &mut Meter,
) -> Holds {
    let facts = [("name", name), ("type", resource.kind.as_ref()), ("service", resource.service.as_ref())];
    let known: Map<String, Json> = facts
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), Json::String(value?.clone()))))
        .collect();
    let bindings = Bindings::new(&[("resource", &Json::Object(known))]).with_time("request", "time", now);
    match program.evaluate(&bindings, meter) {
        Ok(Value::Bool(true)) => Holds::Yes,
        Ok(Value::Bool(false)) => Holds::No,
        Ok(value) => Holds::Open(format!("it is {}, expected true or false", value.kind())),
        Err(problem) => Holds::Open(problem.to_string()),
    }
}
