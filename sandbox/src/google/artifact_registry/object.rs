//! A repository's API object: what may be sent, and what of it is kept.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::google::error::{ApiError, Code};

/// The formats by number, as clients of protocol buffers may send them.
const FORMATS: [&str; 13] = [
    "FORMAT_UNSPECIFIED",
    "DOCKER",
    "MAVEN",
    "NPM",
    "",
    "APT",
    "YUM",
    "",
    "PYTHON",
    "KFP",
    "GO",
    "GENERIC",
    "RUBY",
];
/// The fields that a caller may set and change.
pub(super) const CHANGEABLE: [&str; 4] = ["labels", "description", "dockerConfig", "cleanupPolicyDryRun"];

/// A new repository's object from what was sent.
pub(super) fn sent(body: &Value, now: Timestamp) -> Result<Value, ApiError> {
    let number = body.get("format").and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok());
    let format = match number {
        Some(number) => FORMATS.get(number).copied().unwrap_or_default(),
        None => body.get("format").and_then(Value::as_str).unwrap_or_default(),
    };
    if !FORMATS.contains(&format) || matches!(format, "" | "FORMAT_UNSPECIFIED") {
        return Err(ApiError::new(Code::InvalidArgument, "Repository format must be specified."));
    }
    require_labels(body.get("labels"))?;
    let mut object = Map::new();
    object.insert("format".to_owned(), json!(format));
    object.insert("mode".to_owned(), json!("STANDARD_REPOSITORY"));
    for field in CHANGEABLE {
        if let Some(value) = body.get(field).filter(|value| !value.is_null()) {
            object.insert(field.to_owned(), value.clone());
        }
    }
    for time in ["createTime", "updateTime"] {
        object.insert(time.to_owned(), json!(now.to_string()));
    }
    Ok(Value::Object(object))
}

pub(super) fn require_id(id: &str) -> Result<(), ApiError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = id.len() <= 63
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(|byte| plain(byte) || byte == b'-')
        && id.bytes().last().is_some_and(plain);
    if fits {
        return Ok(());
    }
    let message =
        format!("Invalid repository ID \"{id}\": expected [a-z][a-z0-9-]*[a-z0-9], at most 63 characters.");
    Err(ApiError::new(Code::InvalidArgument, message))
}

/// At most 64 labels of at most 63 lower-case letters, digits, `_` and `-`.
pub(super) fn require_labels(labels: Option<&Value>) -> Result<(), ApiError> {
    let Some(labels) = labels.and_then(Value::as_object) else { return Ok(()) };
    let plain = |text: &str| {
        text.len() <= 63
            && text
                .chars()
                .all(|letter| letter.is_lowercase() || letter.is_numeric() || letter == '_' || letter == '-')
    };
    let fits = |(key, value): (&String, &Value)| {
        plain(key) && key.starts_with(char::is_lowercase) && value.as_str().is_some_and(plain)
    };
    if labels.len() <= 64 && labels.iter().all(fits) {
        return Ok(());
    }
    Err(ApiError::new(Code::InvalidArgument, "Invalid labels."))
}
