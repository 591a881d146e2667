//! The types that an expression can have before it is evaluated: claims can be anything, literals cannot.

use std::fmt;
use std::rc::Rc;

use super::value::{DURATION, TIMESTAMP, Value};

/// A type, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    /// Anything: known only when it is there.
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Timestamp,
    Duration,
    /// A type as a value.
    Meta,
    List(Rc<Type>),
    Map(Rc<Type>, Rc<Type>),
}

impl Type {
    /// The type of a literal.
    pub(super) fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Bool,
            Value::Int(_) => Self::Int,
            Value::Uint(_) => Self::Uint,
            Value::Double(_) => Self::Double,
            Value::Text(_) => Self::Text,
            Value::Bytes(_) => Self::Bytes,
            Value::List(_) => Self::List(Self::Dyn.into()),
            Value::Map(_) => Self::Map(Self::Dyn.into(), Self::Dyn.into()),
            Value::Timestamp(_) => Self::Timestamp,
            Value::Duration(_) => Self::Duration,
            Value::Type(_) => Self::Meta,
        }
    }

    /// A JSON object.
    pub(super) fn claims() -> Self {
        Self::Map(Self::Text.into(), Self::Dyn.into())
    }

    /// May a value of one stand where one of the other does?
    pub(super) fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Dyn, _)
            | (_, Self::Dyn)
            | (Self::Null, Self::Timestamp | Self::Duration)
            | (Self::Timestamp | Self::Duration, Self::Null) => true,
            (Self::List(left), Self::List(right)) => left.agrees(right),
            (Self::Map(left_key, left), Self::Map(right_key, right)) => {
                left_key.agrees(right_key) && left.agrees(right)
            }
            _ => self == other,
        }
    }

    /// The type that is both, if they agree.
    pub(super) fn joined(self, other: &Self) -> Self {
        if self == *other { self } else { Self::Dyn }
    }

    /// A list of anything, where two kinds of lists were joined.
    pub(super) fn or_list(self) -> Self {
        if self == Self::Dyn { Self::List(Self::Dyn.into()) } else { self }
    }

    /// Numbers of two types can be ordered, but not be found equal before they are seen.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Uint | Self::Double)
    }

    /// Have values of it an order?
    pub(super) fn ordered(&self) -> bool {
        matches!(
            self,
            Self::Dyn
                | Self::Bool
                | Self::Int
                | Self::Uint
                | Self::Double
                | Self::Text
                | Self::Bytes
                | Self::Timestamp
                | Self::Duration
        )
    }
}

impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Dyn => "dyn",
            Self::Null => "null_type",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => TIMESTAMP,
            Self::Duration => DURATION,
            Self::Meta => "type",
            Self::List(element) => return write!(formatter, "list({element})"),
            Self::Map(key, value) => return write!(formatter, "map({key}, {value})"),
        };
        formatter.write_str(name)
    }
}
