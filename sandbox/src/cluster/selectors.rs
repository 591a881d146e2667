//! Label selectors, as query text and as objects, and field selectors.

use serde_json::Value;

use super::json;
use super::status::Failure;

/// What must hold of an object for a list or a watch to show it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<FieldRequirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct FieldRequirement {
    pointer: String,
    value: String,
    equal: bool,
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector` of a query.
    pub(crate) fn parse(labels: &str, fields: &str) -> Result<Self, Failure> {
        let labels = split(labels).into_iter().map(requirement).collect::<Result<_, _>>()?;
        let fields =
            fields.split(',').filter(|text| !text.is_empty()).map(field).collect::<Result<_, _>>()?;
        Ok(Self { labels, fields })
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels").unwrap_or(&Value::Null);
        self.labels.iter().all(|requirement| requirement.holds(labels))
            && self
                .fields
                .iter()
                .all(|field| (field_text(object, &field.pointer) == field.value) == field.equal)
    }
}

/// A field's value as field selectors see it.
fn field_text(object: &Value, pointer: &str) -> String {
    match object.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// Whether `labels` satisfy a `LabelSelector` object. An empty selector matches everything.
pub(crate) fn label_selector_matches(selector: &Value, labels: &Value) -> bool {
    json::entries(selector, "/matchLabels").all(|(name, value)| labels.get(name) == Some(value))
        && json::list(selector, "/matchExpressions")
            .iter()
            .all(|expression| expression_holds(expression, labels))
}

fn expression_holds(expression: &Value, labels: &Value) -> bool {
    let key = json::text(expression, "/key").to_owned();
    let values =
        json::list(expression, "/values").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    match json::text(expression, "/operator") {
        "In" => Requirement::In(key, values).holds(labels),
        "NotIn" => Requirement::NotIn(key, values).holds(labels),
        "Exists" => Requirement::Exists(key).holds(labels),
        "DoesNotExist" => Requirement::Missing(key).holds(labels),
        _ => false,
    }
}

/// Whether `labels` carry every entry of a plain selector map, as Services use it. An empty one matches nothing.
pub(crate) fn map_matches(selector: &Value, labels: &Value) -> bool {
    selector
        .as_object()
        .is_some_and(|map| !map.is_empty() && map.iter().all(|(name, value)| labels.get(name) == Some(value)))
}

impl Requirement {
    fn holds(&self, labels: &Value) -> bool {
        let label = |key: &str| labels.get(key).and_then(Value::as_str);
        match self {
            Self::In(key, values) => label(key).is_some_and(|value| values.iter().any(|one| one == value)),
            Self::NotIn(key, values) => label(key).is_none_or(|value| values.iter().all(|one| one != value)),
            Self::Exists(key) => label(key).is_some(),
            Self::Missing(key) => label(key).is_none(),
        }
    }
}

/// Splits at commas outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(move |character| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
    .collect()
}

fn requirement(text: &str) -> Result<Requirement, Failure> {
    let malformed = || {
        Failure::bad_request(format!(
            "unable to parse requirement: found '{text}', expected: a label selector requirement"
        ))
    };
    let key = |key: &str| {
        let key = key.trim();
        let fine = !key.is_empty()
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
        fine.then(|| key.to_owned()).ok_or_else(malformed)
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((name, values)) = text.split_once(" notin ") {
        return Ok(Requirement::NotIn(key(name)?, value_set(values).ok_or_else(malformed)?));
    }
    if let Some((name, values)) = text.split_once(" in ") {
        return Ok(Requirement::In(key(name)?, value_set(values).ok_or_else(malformed)?));
    }
    if let Some((name, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(key(name)?, one(value)));
    }
    if let Some((name, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(key(name)?, one(value)));
    }
    match text.strip_prefix('!') {
        Some(name) => Ok(Requirement::Missing(key(name)?)),
        None => Ok(Requirement::Exists(key(text)?)),
    }
}

fn value_set(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some(inner.split(',').map(|value| value.trim().to_owned()).collect())
}

/// Fields that can be selected by: names for all kinds, the rest as events and pods offer them.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "status.phase",
    "spec.nodeName",
    "status.podIP",
    "involvedObject.kind",
    "involvedObject.name",
    "involvedObject.namespace",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "type",
];

fn field(text: &str) -> Result<FieldRequirement, Failure> {
    let (name, value, equal) = match text.split_once("!=") {
        Some((name, value)) => (name, value, false),
        None => text
            .split_once("==")
            .or_else(|| text.split_once('='))
            .map(|(name, value)| (name, value, true))
            .ok_or_else(|| {
                Failure::bad_request(format!("invalid selector: '{text}'; can't understand '{text}'"))
            })?,
    };
    if !FIELDS.contains(&name) {
        return Err(Failure::bad_request(format!("field label not supported: {name}")));
    }
    Ok(FieldRequirement { pointer: format!("/{}", name.replace('.', "/")), value: value.to_owned(), equal })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn query_selectors() {
        let object = json!({ "metadata": { "name": "x", "labels": { "app": "a", "tier": "web" } } });
        let cases = [
            ("app=a", "", true),
            ("app==a,tier=web", "", true),
            ("app!=a", "", false),
            ("other!=a", "", true),
            ("app in (a, b)", "", true),
            ("app notin (a,b)", "", false),
            ("app in (b),tier", "", false),
            ("tier", "", true),
            ("!tier", "", false),
            ("!other", "", true),
            ("", "metadata.name=x", true),
            ("", "metadata.name!=x", false),
            ("", "metadata.name=y", false),
        ];
        for (labels, fields, expected) in cases {
            assert_eq!(
                Selector::parse(labels, fields).unwrap().matches(&object),
                expected,
                "{labels} {fields}"
            );
        }
    }

    #[test]
    fn malformed_selectors_are_refused() {
        for (labels, fields) in [("a b=c", ""), ("app in b", ""), ("", "spec.replicas=1"), ("", "name")] {
            assert_eq!(Selector::parse(labels, fields).unwrap_err().code, 400, "{labels} {fields}");
        }
    }

    #[test]
    fn selector_objects() {
        let labels = json!({ "app": "a" });
        let cases = [
            (json!({}), true),
            (json!({ "matchLabels": { "app": "a" } }), true),
            (json!({ "matchLabels": { "app": "b" } }), false),
            (json!({ "matchExpressions": [{ "key": "app", "operator": "In", "values": ["a"] }] }), true),
            (json!({ "matchExpressions": [{ "key": "app", "operator": "DoesNotExist" }] }), false),
        ];
        for (selector, expected) in cases {
            assert_eq!(label_selector_matches(&selector, &labels), expected, "{selector}");
        }
        assert!(!map_matches(&json!({}), &labels));
    }
}
