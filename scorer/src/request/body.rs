//! The outer form of a scoring request: which key, and plain, named or split below it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::RequestError;
use super::numbers::{Numbers, NumbersSeed};

/// What a request gave.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given {
    /// Nested lists, for the model's only input.
    Plain(Numbers),
    /// Nested lists by input name.
    Named(BTreeMap<String, Numbers>),
}

const FORM: &str = "expected `data` or `input_data`, as {\"data\": [[…], …]}";

/// Parses a body.
pub(super) fn parse(body: &[u8]) -> Result<Given, RequestError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Err(RequestError::Empty);
    }
    let mut problem = None;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let parsed = Body { problem: &mut problem }.deserialize(&mut deserializer);
    let parsed = parsed.and_then(|given| deserializer.end().map(|()| given));
    match (problem, parsed) {
        (Some(problem), _) => Err(problem),
        (None, Ok(given)) => Ok(given),
        (None, Err(error)) => Err(not_json(&error, body)),
    }
}

fn not_json(error: &serde_json::Error, body: &[u8]) -> RequestError {
    let what = match error.classify() {
        Category::Eof => "it ends early",
        Category::Syntax | Category::Data | Category::Io => "unexpected character",
    };
    let text = String::from_utf8_lossy(body);
    let not_finite = ["NaN", "Infinity", "nan"].iter().any(|word| text.contains(word));
    let hint = if not_finite { "; NaN and Infinity are no JSON numbers" } else { "" };
    RequestError::Json { what, line: error.line(), column: error.column(), hint }
}

/// The whole body.
struct Body<'a> {
    problem: &'a mut Option<RequestError>,
}

impl Body<'_> {
    fn fail<T, E: serde::de::Error>(self, text: String) -> Result<T, E> {
        self.problem.get_or_insert(RequestError::Form(text));
        Err(E::custom("see the problem"))
    }
}

impl<'de> DeserializeSeed<'de> for Body<'_> {
    type Value = Given;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Given, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Body<'_> {
    type Value = Given;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(FORM)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
        let mut given = None;
        while let Some(key) = map.next_key::<String>()? {
            // Others, as MLflow's `params`, are for scripts; a bare graph has no use for them.
            if key != "data" && key != "input_data" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if given.is_some() {
                return self.fail(
                    "`data` and `input_data` are given more than once, expected one of them".to_owned(),
                );
            }
            given = Some(map.next_value_seed(Below { key: &key, problem: &mut *self.problem })?);
        }
        match given {
            Some(given) => Ok(given),
            None => self.fail(format!("the body has neither `data` nor `input_data`, {FORM}")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Given, A::Error> {
        self.fail(format!("the body is a list, {FORM}"))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Given, E> {
        self.fail(format!("the body is a text, {FORM}; was the JSON quoted twice?"))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Given, E> {
        self.fail(format!("the body is null, {FORM}"))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Given, E> {
        self.fail(format!("the body is a boolean, {FORM}"))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Given, E> {
        self.fail(format!("the body is a number, {FORM}"))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Given, E> {
        self.fail(format!("the body is a number, {FORM}"))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Given, E> {
        self.fail(format!("the body is a number, {FORM}"))
    }
}

/// What stands below `data` or `input_data`: lists, or an object.
struct Below<'a> {
    key: &'a str,
    problem: &'a mut Option<RequestError>,
}

impl Below<'_> {
    fn numbers(&mut self) -> NumbersSeed<'_> {
        NumbersSeed { place: self.key, problem: &mut *self.problem }
    }

    /// Anything but a list or an object goes the way of the lists, which word the refusal.
    fn refuse<E: serde::de::Error>(mut self, value: serde_json::Value) -> Result<Given, E> {
        let _: Result<Numbers, serde_json::Error> = self.numbers().deserialize(value);
        Err(E::custom("see the problem"))
    }
}

impl<'de> DeserializeSeed<'de> for Below<'_> {
    type Value = Given;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Given, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Below<'_> {
    type Value = Given;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("nested lists, or an object of them")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, list: A) -> Result<Given, A::Error> {
        let lists = serde::de::value::SeqAccessDeserializer::new(list);
        self.numbers().deserialize(lists).map(Given::Plain)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
        let mut named = BTreeMap::new();
        let mut sides = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "columns" || key == "index" {
                let side: Vec<IgnoredAny> = map.next_value()?;
                sides.insert(key, side.len());
                continue;
            }
            let place = format!("{}.{key}", self.key);
            let seed = NumbersSeed { place: &place, problem: &mut *self.problem };
            let numbers = map.next_value_seed(seed)?;
            named.insert(key, numbers);
        }
        if sides.is_empty() {
            return Ok(Given::Named(named));
        }
        split(&sides, named).map_err(|problem| {
            self.problem.get_or_insert(problem);
            serde::de::Error::custom("see the problem")
        })
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Given, E> {
        self.refuse(text.into())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Given, E> {
        self.refuse(serde_json::Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Given, E> {
        self.refuse(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Given, E> {
        self.refuse(value.into())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Given, E> {
        self.refuse(value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Given, E> {
        self.refuse(value.into())
    }
}

/// pandas' `split`: `columns` and `index` must be as many as the table has. A graph knows no column names, so their order
/// is the order of the features.
fn split(
    sides: &BTreeMap<String, usize>,
    mut named: BTreeMap<String, Numbers>,
) -> Result<Given, RequestError> {
    let Some(numbers) = named.remove("data") else {
        let text = "`input_data` has `columns` or `index` and no `data`, expected the rows there".to_owned();
        return Err(RequestError::Form(text));
    };
    if let Some(other) = named.keys().next() {
        return Err(RequestError::Form(format!(
            "`{other}` stands beside `columns` and `data`, expected `index` at most"
        )));
    }
    for (side, dimension, what) in [("index", 0, "rows"), ("columns", 1, "columns")] {
        let given = sides.get(side).copied().unwrap_or_default();
        let found = numbers.shape.get(dimension).copied().unwrap_or_default();
        // pandas leaves either empty when there is nothing to say.
        if given != 0 && given != found {
            let text = format!("`{side}` names {given} {what} and `data` has {found}");
            return Err(RequestError::Form(text));
        }
    }
    Ok(Given::Plain(numbers))
}
