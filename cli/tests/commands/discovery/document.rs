//! One discovery document, cut down by `witness/discovery/excerpt.py`, and what breaks it.

use std::path::Path;

use serde_json::{Map, Value};

/// A service's methods and shapes.
pub(super) struct Document {
    parameters: Map<String, Value>,
    methods: Vec<Value>,
    schemas: Map<String, Value>,
}

impl Document {
    pub(super) fn read(path: &Path) -> Self {
        let text = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let all: Value = serde_json::from_slice(&text).unwrap();
        Self {
            parameters: all["parameters"].as_object().unwrap().clone(),
            methods: all["methods"].as_array().unwrap().clone(),
            schemas: all["schemas"].as_object().unwrap().clone(),
        }
    }

    /// What is wrong with one exchange.
    pub(super) fn problems(&self, exchange: &Value) -> Vec<String> {
        let (asked, answered) = (&exchange["request"], &exchange["answer"]);
        let (verb, path) = (asked["method"].as_str().unwrap(), asked["path"].as_str().unwrap());
        let is_it =
            |method: &&Value| method["method"] == verb && is_at(method["path"].as_str().unwrap(), path);
        let Some(method) = self.methods.iter().find(is_it) else {
            return vec!["no such method".to_owned()];
        };
        let mut found = Vec::new();
        for pair in asked["query"].as_array().into_iter().flatten() {
            self.parameter(method, pair[0].as_str().unwrap(), pair[1].as_str().unwrap(), &mut found);
        }
        let body = body(&asked["body"]);
        match (method["request"].as_str(), &body) {
            (_, Value::Null) => {}
            // Google's client for Rust sends an empty message with every POST.
            (None, body) if body.as_object().is_some_and(Map::is_empty) => {}
            (None, body) => found.push(format!("a body, where none is expected: {body}")),
            (Some(schema), body) => self.shape("request", &self.schemas[schema], body, &mut found),
        }
        let body = &answered["body"]["json"];
        match (answered["status"].as_u64().unwrap(), method["response"].as_str()) {
            (200, Some(schema)) => self.shape("answer", &self.schemas[schema], body, &mut found),
            (200, None) => {}
            // Token endpoints refuse as RFC 6749 wants it.
            (400.., _) if body["error"].is_string() => {}
            (400.., _) => {
                let error = &body["error"];
                if error["code"] != answered["status"]
                    || !error["message"].is_string()
                    || !error["status"].is_string()
                {
                    found.push(format!("a refusal that is no google.rpc.Status: {body}"));
                }
            }
            (other, _) => found.push(format!("status {other}")),
        }
        found
    }

    fn parameter(&self, method: &Value, name: &str, value: &str, found: &mut Vec<String>) {
        // The client libraries ask for numbers in place of enum names by this spelling.
        if name == "$alt" && value.starts_with("json") {
            return;
        }
        let Some(shape) = method["query"].get(name).or_else(|| self.parameters.get(name)) else {
            found.push(format!("the parameter `{name}` is not one of {}", method["id"]));
            return;
        };
        let typed = match shape.as_str() {
            Some("boolean") => value.parse().map(Value::Bool).ok(),
            Some("int32") => value.parse::<i32>().map(Value::from).ok(),
            _ => Some(Value::from(value)),
        };
        match typed {
            Some(typed) => self.shape(&format!("query.{name}"), shape, &typed, found),
            None => found.push(format!("the parameter `{name}` is `{value}`, expected {shape}")),
        }
    }

    fn shape(&self, place: &str, shape: &Value, value: &Value, found: &mut Vec<String>) {
        // JSON of protocol buffers takes `null` for a field that is not set.
        if value.is_null() && place.starts_with("request") {
            return;
        }
        if let Some(reference) = shape["ref"].as_str() {
            return self.shape(place, &self.schemas[reference], value, found);
        }
        if let Some(each) = shape.get("list") {
            match value.as_array() {
                Some(all) => {
                    for value in all {
                        self.shape(&format!("{place}[]"), each, value, found);
                    }
                }
                None => found.push(format!("`{place}` is {value}, expected a list")),
            }
        } else if let Some(each) = shape.get("map") {
            match value.as_object() {
                Some(all) => self.map(place, each, all, found),
                None => found.push(format!("`{place}` is {value}, expected an object")),
            }
        } else if let Some(fields) = shape.get("fields") {
            let Some(all) = value.as_object() else {
                found.push(format!("`{place}` is {value}, expected an object"));
                return;
            };
            for (name, value) in all {
                let place = format!("{place}.{name}");
                match fields.get(name) {
                    Some(shape) => self.shape(&place, shape, value, found),
                    None => found.push(format!("`{place}` is not a field")),
                }
            }
        } else if !is_a(shape, value) {
            found.push(format!("`{place}` is {value}, expected {shape}"));
        }
    }

    /// A map; one with `@type` holds a message of that type.
    fn map(&self, place: &str, each: &Value, all: &Map<String, Value>, found: &mut Vec<String>) {
        let kind = all.get("@type").and_then(Value::as_str).and_then(|kind| kind.rsplit('.').next());
        let fields = kind.and_then(|kind| self.schemas.get(kind));
        for (name, value) in all {
            let place = format!("{place}.{name}");
            match fields.map(|shape| shape["fields"].get(name)) {
                _ if name == "@type" => {}
                None => self.shape(&place, each, value, found),
                Some(Some(shape)) => self.shape(&place, shape, value, found),
                Some(None) => found.push(format!("`{place}` is not a field")),
            }
        }
    }
}

/// Whether a value is of a plain type.
fn is_a(shape: &Value, value: &Value) -> bool {
    if let Some(allowed) = shape["enum"].as_array() {
        return allowed.contains(value) || value.is_u64();
    }
    let text = value.as_str();
    let word = text.is_some_and(|text| text.starts_with("${"));
    match shape.as_str().unwrap_or_default() {
        "any" => true,
        "string" | "google-fieldmask" => value.is_string(),
        "boolean" => value.is_boolean(),
        "int32" | "integer" | "uint32" => value.is_i64() || word,
        "int64" | "uint64" => text.is_some_and(|text| word || text.parse::<i128>().is_ok()) || value.is_i64(),
        "double" | "float" => value.is_number(),
        "byte" => text.is_some_and(|text| {
            word || text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte))
        }),
        "google-datetime" => text.is_some_and(|text| word || text.parse::<jiff::Timestamp>().is_ok()),
        "google-duration" => {
            text.and_then(|text| text.strip_suffix('s')).is_some_and(|seconds| seconds.parse::<f64>().is_ok())
        }
        _ => false,
    }
}

/// Whether `path` is one of those that `template` describes.
fn is_at(template: &str, path: &str) -> bool {
    let (wanted, given) = (template.split('/'), path.trim_start_matches('/').split('/'));
    wanted.clone().count() == given.clone().count()
        && wanted.zip(given).all(|(wanted, given)| match wanted.strip_prefix('{') {
            None => wanted == given,
            Some(rest) => {
                let verb = rest.split_once('}').map(|(_, verb)| verb).unwrap_or_default();
                given.strip_suffix(verb).is_some_and(|id| !id.is_empty() && is_bare(id))
            }
        })
}

/// Without a custom verb; the colon of `sha256:` is none.
fn is_bare(id: &str) -> bool {
    !id.rsplit_once(':')
        .is_some_and(|(_, verb)| verb.len() < 40 && verb.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

/// The body of a request as JSON: forms of token endpoints spell the same fields in snake case.
fn body(body: &Value) -> Value {
    match body["form"].as_array() {
        None => body["json"].clone(),
        Some(pairs) => {
            let field = |pair: &Value| (camel_case(pair[0].as_str().unwrap()), pair[1].clone());
            Value::Object(pairs.iter().map(field).collect())
        }
    }
}

fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |camel, part| {
        let (head, rest) = part.split_at(part.len().min(1));
        camel + &head.to_ascii_uppercase() + rest
    })
}
