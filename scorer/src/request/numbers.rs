//! Nested JSON lists of numbers, read in one pass into a flat list and a shape. A tree of JSON values in between would
//! cost thirty times the body.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

use super::RequestError;

/// Lists may nest this deep.
const MAX_DEPTH: usize = 8;

/// Numbers with the shape of the lists they stood in.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Numbers {
    /// What it was called in the body, for errors.
    pub(super) place: String,
    /// Sizes, outermost first.
    pub(super) shape: Vec<usize>,
    /// In row order.
    pub(super) values: Vec<f64>,
}

impl Numbers {
    /// As float32, as the model computes.
    pub(super) fn floats(&self) -> Result<Vec<f32>, RequestError> {
        let float = |(index, value): (usize, &f64)| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "what does not fit becomes infinite and is refused"
            )]
            let float = *value as f32;
            if float.is_finite() { Ok(float) } else { Err(self.range(index, "a number that fits float32")) }
        };
        self.values.iter().enumerate().map(float).collect()
    }

    /// As int32, as the model computes.
    pub(super) fn integers(&self) -> Result<Vec<i32>, RequestError> {
        let integer = |(index, value): (usize, &f64)| {
            let whole = value.fract() == 0.0 && (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(value);
            #[expect(clippy::cast_possible_truncation, reason = "whole and within int32")]
            if whole { Ok(*value as i32) } else { Err(self.range(index, "a whole number that fits int32")) }
        };
        self.values.iter().enumerate().map(integer).collect()
    }

    fn range(&self, index: usize, expected: &'static str) -> RequestError {
        let found = self.values.get(index).map(ToString::to_string).unwrap_or_default();
        RequestError::Range { place: self.at(index), found, expected }
    }

    /// The place of the value at `index`, as `data[0][3]`.
    fn at(&self, mut index: usize) -> String {
        let mut path = Vec::new();
        for size in self.shape.iter().rev() {
            let size = (*size).max(1);
            path.push(index % size);
            index /= size;
        }
        path.reverse();
        place(&self.place, &path)
    }
}

fn place(name: &str, path: &[usize]) -> String {
    path.iter().fold(format!("`{name}"), |text, index| format!("{text}[{index}]")) + "`"
}

/// Reads one nested list called `place`. A problem goes to `problem`; serde's own error then only ends the parse.
pub(super) struct NumbersSeed<'a> {
    pub(super) place: &'a str,
    pub(super) problem: &'a mut Option<RequestError>,
}

impl<'de> DeserializeSeed<'de> for NumbersSeed<'_> {
    type Value = Numbers;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Numbers, D::Error> {
        let mut reader = Reader {
            numbers: Numbers { place: self.place.to_owned(), ..Numbers::default() },
            path: Vec::new(),
            leaf_depth: None,
            problem: self.problem,
        };
        List(&mut reader).deserialize(deserializer)?;
        Ok(reader.numbers)
    }
}

struct Reader<'a> {
    numbers: Numbers,
    /// Indices of the lists around the current element.
    path: Vec<usize>,
    /// How deep numbers stand; the first one decides.
    leaf_depth: Option<usize>,
    problem: &'a mut Option<RequestError>,
}

impl Reader<'_> {
    fn number<E: serde::de::Error>(&mut self, value: f64) -> Result<(), E> {
        let depth = self.path.len();
        if depth == 0 {
            return self.fail(RequestError::Form(format!(
                "`{}` is a number, expected nested lists",
                self.numbers.place
            )));
        }
        if *self.leaf_depth.get_or_insert(depth) != depth || depth < self.numbers.shape.len() {
            return self.mixed();
        }
        self.numbers.values.push(value);
        Ok(())
    }

    fn mixed<T, E: serde::de::Error>(&mut self) -> Result<T, E> {
        let text = format!(
            "{} stands at another depth than the numbers before it, expected lists that nest equally",
            place(&self.numbers.place, &self.path)
        );
        self.fail(RequestError::Form(text))
    }

    fn not_a_number<T, E: serde::de::Error>(&mut self, found: &'static str) -> Result<T, E> {
        let place = place(&self.numbers.place, &self.path);
        self.fail(RequestError::NotANumber { place, found })
    }

    fn fail<T, E: serde::de::Error>(&mut self, problem: RequestError) -> Result<T, E> {
        self.problem.get_or_insert(problem);
        Err(E::custom("see the problem"))
    }

    /// A list of `found` elements ended.
    fn end<E: serde::de::Error>(&mut self, found: usize) -> Result<(), E> {
        let depth = self.path.len();
        while self.numbers.shape.len() <= depth {
            self.numbers.shape.push(usize::MAX);
        }
        let Some(size) = self.numbers.shape.get_mut(depth) else { return Ok(()) };
        if *size == usize::MAX {
            *size = found;
        }
        let expected = *size;
        if expected == found {
            return Ok(());
        }
        let place = place(&self.numbers.place, &self.path);
        self.fail(RequestError::Ragged { place, found, expected })
    }
}

struct List<'r, 'a>(&'r mut Reader<'a>);

impl<'de> DeserializeSeed<'de> for List<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("nested lists of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let reader = self.0;
        let depth = reader.path.len();
        if depth >= MAX_DEPTH {
            let text =
                format!("{} nests deeper than {MAX_DEPTH} lists", place(&reader.numbers.place, &reader.path));
            return reader.fail(RequestError::Form(text));
        }
        if reader.leaf_depth.is_some_and(|leaf| leaf <= depth) {
            return reader.mixed();
        }
        let mut count = 0;
        reader.path.push(0);
        while list.next_element_seed(List(reader))?.is_some() {
            count += 1;
            if let Some(index) = reader.path.last_mut() {
                *index = count;
            }
        }
        reader.path.pop();
        reader.end(count)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.0.number(value)
    }

    #[expect(clippy::cast_precision_loss, reason = "the model computes in float32 or refuses beyond int32")]
    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.0.number(value as f64)
    }

    #[expect(clippy::cast_precision_loss, reason = "the model computes in float32 or refuses beyond int32")]
    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.0.number(value as f64)
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.0.not_a_number("a boolean")
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.0.not_a_number("a text")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.0.not_a_number("null")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.0.not_a_number("an object")
    }
}
