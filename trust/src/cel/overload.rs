//! Every function of the dialect, with what it takes and gives: CEL's standard library, its string functions, and
//! Google's `extract`.
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md#list-of-standard-definitions>,
//! <https://pkg.go.dev/github.com/google/cel-go/ext#Strings>,
//! <https://cloud.google.com/iam/docs/conditions-attribute-reference#extract>

use super::types::Type;

/// One way to call a function.
pub(super) struct Overload {
    pub(super) name: &'static str,
    /// `target.name(…)`: the target is the first of what it takes.
    pub(super) method: bool,
    pub(super) takes: &'static [Takes],
    pub(super) gives: Gives,
}

/// What a parameter is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Any,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Bytes,
    Timestamp,
    Duration,
    List,
    Texts,
    Map,
}

/// What a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    Dyn,
    Type,
    Bool,
    Int,
    Uint,
    Double,
    Text,
    Texts,
    Bytes,
    Timestamp,
    Duration,
}

const fn function(name: &'static str, takes: &'static [Takes], gives: Gives) -> Overload {
    Overload { name, method: false, takes, gives }
}

const fn method(name: &'static str, takes: &'static [Takes], gives: Gives) -> Overload {
    Overload { name, method: true, takes, gives }
}

use Takes::{Any, Bool, Bytes, Double, Duration, Int, List, Map, Text, Texts, Timestamp, Uint};

/// All of them.
static OVERLOADS: &[Overload] = &[
    function("size", &[Text], Gives::Int),
    function("size", &[Bytes], Gives::Int),
    function("size", &[List], Gives::Int),
    function("size", &[Map], Gives::Int),
    method("size", &[Text], Gives::Int),
    method("size", &[Bytes], Gives::Int),
    method("size", &[List], Gives::Int),
    method("size", &[Map], Gives::Int),
    function("type", &[Any], Gives::Type),
    function("dyn", &[Any], Gives::Dyn),
    function("bool", &[Bool], Gives::Bool),
    function("bool", &[Text], Gives::Bool),
    function("bytes", &[Bytes], Gives::Bytes),
    function("bytes", &[Text], Gives::Bytes),
    function("double", &[Double], Gives::Double),
    function("double", &[Int], Gives::Double),
    function("double", &[Text], Gives::Double),
    function("double", &[Uint], Gives::Double),
    function("duration", &[Duration], Gives::Duration),
    function("duration", &[Text], Gives::Duration),
    function("int", &[Int], Gives::Int),
    function("int", &[Double], Gives::Int),
    function("int", &[Duration], Gives::Int),
    function("int", &[Text], Gives::Int),
    function("int", &[Timestamp], Gives::Int),
    function("int", &[Uint], Gives::Int),
    function("string", &[Text], Gives::Text),
    function("string", &[Bool], Gives::Text),
    function("string", &[Bytes], Gives::Text),
    function("string", &[Double], Gives::Text),
    function("string", &[Duration], Gives::Text),
    function("string", &[Int], Gives::Text),
    function("string", &[Timestamp], Gives::Text),
    function("string", &[Uint], Gives::Text),
    function("timestamp", &[Timestamp], Gives::Timestamp),
    function("timestamp", &[Int], Gives::Timestamp),
    function("timestamp", &[Text], Gives::Timestamp),
    function("uint", &[Uint], Gives::Uint),
    function("uint", &[Double], Gives::Uint),
    function("uint", &[Int], Gives::Uint),
    function("uint", &[Text], Gives::Uint),
    function("matches", &[Text, Text], Gives::Bool),
    method("matches", &[Text, Text], Gives::Bool),
    method("contains", &[Text, Text], Gives::Bool),
    method("endsWith", &[Text, Text], Gives::Bool),
    method("startsWith", &[Text, Text], Gives::Bool),
    method("charAt", &[Text, Int], Gives::Text),
    method("extract", &[Text, Text], Gives::Text),
    method("indexOf", &[Text, Text], Gives::Int),
    method("indexOf", &[Text, Text, Int], Gives::Int),
    method("join", &[Texts], Gives::Text),
    method("join", &[Texts, Text], Gives::Text),
    method("lastIndexOf", &[Text, Text], Gives::Int),
    method("lastIndexOf", &[Text, Text, Int], Gives::Int),
    method("lowerAscii", &[Text], Gives::Text),
    method("replace", &[Text, Text, Text], Gives::Text),
    method("replace", &[Text, Text, Text, Int], Gives::Text),
    method("reverse", &[Text], Gives::Text),
    method("split", &[Text, Text], Gives::Texts),
    method("split", &[Text, Text, Int], Gives::Texts),
    method("substring", &[Text, Int], Gives::Text),
    method("substring", &[Text, Int, Int], Gives::Text),
    method("trim", &[Text], Gives::Text),
    method("upperAscii", &[Text], Gives::Text),
    method("getDate", &[Timestamp], Gives::Int),
    method("getDate", &[Timestamp, Text], Gives::Int),
    method("getDayOfMonth", &[Timestamp], Gives::Int),
    method("getDayOfMonth", &[Timestamp, Text], Gives::Int),
    method("getDayOfWeek", &[Timestamp], Gives::Int),
    method("getDayOfWeek", &[Timestamp, Text], Gives::Int),
    method("getDayOfYear", &[Timestamp], Gives::Int),
    method("getDayOfYear", &[Timestamp, Text], Gives::Int),
    method("getFullYear", &[Timestamp], Gives::Int),
    method("getFullYear", &[Timestamp, Text], Gives::Int),
    method("getHours", &[Duration], Gives::Int),
    method("getHours", &[Timestamp], Gives::Int),
    method("getHours", &[Timestamp, Text], Gives::Int),
    method("getMilliseconds", &[Duration], Gives::Int),
    method("getMilliseconds", &[Timestamp], Gives::Int),
    method("getMilliseconds", &[Timestamp, Text], Gives::Int),
    method("getMinutes", &[Duration], Gives::Int),
    method("getMinutes", &[Timestamp], Gives::Int),
    method("getMinutes", &[Timestamp, Text], Gives::Int),
    method("getMonth", &[Timestamp], Gives::Int),
    method("getMonth", &[Timestamp, Text], Gives::Int),
    method("getSeconds", &[Duration], Gives::Int),
    method("getSeconds", &[Timestamp], Gives::Int),
    method("getSeconds", &[Timestamp, Text], Gives::Int),
];

/// Does the dialect know a function of this name?
pub(super) fn is_function(name: &str) -> bool {
    OVERLOADS.iter().any(|overload| overload.name == name)
}

/// The ways to call `name` so.
pub(super) fn named(name: &str, method: bool) -> impl Iterator<Item = &'static Overload> {
    OVERLOADS.iter().filter(move |overload| overload.name == name && overload.method == method)
}

impl Takes {
    /// May a value of type `found` be passed?
    pub(super) fn admits(self, found: &Type) -> bool {
        match (self, found) {
            (Self::Any, _)
            | (_, Type::Dyn)
            | (Self::Bool, Type::Bool)
            | (Self::Int, Type::Int)
            | (Self::Uint, Type::Uint)
            | (Self::Double, Type::Double)
            | (Self::Text, Type::Text)
            | (Self::Bytes, Type::Bytes)
            | (Self::Timestamp, Type::Timestamp | Type::Null)
            | (Self::Duration, Type::Duration | Type::Null)
            | (Self::List, Type::List(_))
            | (Self::Map, Type::Map(..)) => true,
            (Self::Texts, Type::List(element)) => matches!(**element, Type::Text | Type::Dyn),
            _ => false,
        }
    }
}

impl Gives {
    pub(super) fn as_type(self) -> Type {
        match self {
            Self::Dyn => Type::Dyn,
            Self::Type => Type::Meta,
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Uint => Type::Uint,
            Self::Double => Type::Double,
            Self::Text => Type::Text,
            Self::Texts => Type::List(Type::Text.into()),
            Self::Bytes => Type::Bytes,
            Self::Timestamp => Type::Timestamp,
            Self::Duration => Type::Duration,
        }
    }
}
