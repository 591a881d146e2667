//! The values of CEL: <https://github.com/google/cel-spec/blob/master/doc/langdef.md#values>.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value as Json;

use super::time::{Length, Moment};

/// A value. Copying one is cheap: whatever can be long is shared.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
    List(Rc<[Value]>),
    Map(Rc<Map>),
    Timestamp(Moment),
    Duration(Length),
    /// A type, by its name.
    Type(&'static str),
}

/// Keys and values, in the order of the keys.
pub(crate) type Map = BTreeMap<Key, Value>;

/// What a map's entry is found by. Numbers of two types are one key if they are equal.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Text(Rc<str>),
}

impl Key {
    /// The key that an entry is written with; only these types make keys.
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(Self::Bool(*flag)),
            Value::Int(number) => Some(Self::Int(*number)),
            Value::Uint(number) => Some(Self::Uint(*number)),
            Value::Text(text) => Some(Self::Text(Rc::clone(text))),
            Value::Null
            | Value::Double(_)
            | Value::Bytes(_)
            | Value::List(_)
            | Value::Map(_)
            | Value::Timestamp(_)
            | Value::Duration(_)
            | Value::Type(_) => None,
        }
    }

    /// The key that an entry is looked for by: a whole double finds the integer that it equals.
    pub(super) fn sought(value: &Value) -> Option<Self> {
        if let Value::Double(number) = value {
            return super::convert::whole(*number).map(Self::Int).or_else(|| {
                let unsigned = super::convert::whole_unsigned(*number)?;
                Some(Self::Uint(unsigned))
            });
        }
        Self::of(value)
    }

    /// The key as a value.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Int(number) => Value::Int(*number),
            Self::Uint(number) => Value::Uint(*number),
            Self::Text(text) => Value::Text(Rc::clone(text)),
        }
    }

    fn number(&self) -> Option<i128> {
        match self {
            Self::Int(number) => Some(i128::from(*number)),
            Self::Uint(number) => Some(i128::from(*number)),
            Self::Bool(_) | Self::Text(_) => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Int(_) | Self::Uint(_) => 1,
            Self::Text(_) => 2,
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            _ => self.rank().cmp(&other.rank()).then_with(|| self.number().cmp(&other.number())),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

impl Value {
    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A claim as CEL sees it: `google.protobuf.Value`, whose numbers are all doubles.
    pub(super) fn of_json(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(flag) => Self::Bool(*flag),
            Json::Number(number) => Self::Double(number.as_f64().unwrap_or(f64::NAN)),
            Json::String(text) => Self::text(text.as_str()),
            Json::Array(elements) => Self::List(elements.iter().map(Self::of_json).collect()),
            Json::Object(entries) => {
                let entry =
                    |(name, json): (&String, &Json)| (Key::Text(name.as_str().into()), Self::of_json(json));
                Self::Map(Rc::new(entries.iter().map(entry).collect()))
            }
        }
    }

    /// The name of the type, as CEL's `type` gives it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null_type",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Uint(_) => "uint",
            Self::Double(_) => "double",
            Self::Text(_) => "string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "map",
            Self::Timestamp(_) => TIMESTAMP,
            Self::Duration(_) => DURATION,
            Self::Type(_) => "type",
        }
    }

    /// The type, for people.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Text(_) => "a text",
            Self::List(elements) if elements.iter().all(|one| matches!(one, Self::Text(_))) => {
                "a list of texts"
            }
            Self::List(_) => "a list with elements that are no texts",
            Self::Map(_) => "a map",
            Self::Int(_) | Self::Uint(_) | Self::Double(_) => "a number",
            Self::Bytes(_) => "bytes",
            Self::Timestamp(_) => "a timestamp",
            Self::Duration(_) => "a duration",
            Self::Type(_) => "a type",
        }
    }

    /// The elements of a list of texts.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        let Self::List(elements) = self else { return None };
        let text = |element: &Self| {
            if let Self::Text(text) = element { Some(text.as_ref().to_owned()) } else { None }
        };
        elements.iter().map(text).collect()
    }
}

/// The type of `timestamp(…)`.
pub(super) const TIMESTAMP: &str = "google.protobuf.Timestamp";
/// The type of `duration(…)`.
pub(super) const DURATION: &str = "google.protobuf.Duration";

/// Types that an expression may name, but for the two with dots.
pub(super) const TYPES: [&str; 10] =
    ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];
