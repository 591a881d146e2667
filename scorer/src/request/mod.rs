//! Reads the body of a scoring request into one array for each input of the model.
//!
//! Taken are `{"data": …}` (Azure ML) and `{"input_data": …}` (MLflow on Azure ML), each with nested lists, with an object
//! of input name → nested lists, or, as pandas' `split`, with `columns`, `index` and `data`.

use std::collections::BTreeMap;

use crate::model::{Array, Content, Element, Port, Signature, Size};

mod body;
mod numbers;

use body::Given;
use numbers::Numbers;

/// What is wrong with a request: status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Nothing sent.
    #[error("the body is empty, expected JSON as {{\"data\": [[…], …]}}")]
    Empty,
    /// Not JSON.
    #[error("the body is no JSON: {what} at line {line}, column {column}{hint}")]
    Json {
        /// In one word or two.
        what: &'static str,
        /// Line.
        line: usize,
        /// Column.
        column: usize,
        /// What to do.
        hint: &'static str,
    },
    /// JSON of another form.
    #[error("{0}")]
    Form(String),
    /// Something that is no number where a number belongs.
    #[error("{place} is {found}, expected a number")]
    NotANumber {
        /// As `data[0][3]`.
        place: String,
        /// In a word.
        found: &'static str,
    },
    /// Too large for the model's type, or a fraction where a whole number belongs.
    #[error("{place} is {found}, expected {expected}")]
    Range {
        /// As `data[0][3]`.
        place: String,
        /// The number.
        found: String,
        /// What fits.
        expected: &'static str,
    },
    /// Lists of different lengths.
    #[error("{place} has {found} elements, expected {expected} as in the lists before it")]
    Ragged {
        /// As `data[2]`.
        place: String,
        /// How many.
        found: usize,
        /// How many the first one has.
        expected: usize,
    },
    /// No rows.
    #[error("`{0}` is empty, expected at least one row")]
    NoRows(String),
    /// Another shape than the model's.
    #[error("input `{input}`: expected {expected}, got {found}{hint}")]
    Shape {
        /// Which input.
        input: String,
        /// As `[N,30]`.
        expected: String,
        /// As `[5,29]`.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// Input names that do not fit the model's.
    #[error("{0}")]
    Inputs(String),
}

impl RequestError {
    /// A short word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty | Self::Json { .. } => "InvalidJson",
            Self::Form(_) | Self::Inputs(_) => "InvalidRequest",
            Self::NotANumber { .. } | Self::Range { .. } => "InvalidValue",
            Self::Ragged { .. } | Self::NoRows(_) | Self::Shape { .. } => "InvalidShape",
        }
    }
}

/// One array for each input of `signature`, in its order.
pub fn read(body: &[u8], signature: &Signature) -> Result<Vec<Array>, RequestError> {
    let given = body::parse(body)?;
    let mut sizes = BTreeMap::new();
    let numbers = assign(given, &signature.inputs)?;
    numbers
        .into_iter()
        .zip(&signature.inputs)
        .map(|(numbers, port)| array(numbers, port, &mut sizes))
        .collect()
}

/// Puts what was given in the order of the inputs.
fn assign(given: Given, inputs: &[Port]) -> Result<Vec<Numbers>, RequestError> {
    let expected = || inputs.iter().map(|port| format!("`{}`", port.name)).collect::<Vec<_>>().join(", ");
    let mut named = match given {
        Given::Plain(numbers) if inputs.len() == 1 => return Ok(vec![numbers]),
        Given::Plain(_) => {
            let text =
                format!("the model has {} inputs, expected an object with {}", inputs.len(), expected());
            return Err(RequestError::Inputs(text));
        }
        Given::Named(named) => named,
    };
    let mut ordered = Vec::new();
    for port in inputs {
        let missing =
            || RequestError::Inputs(format!("input `{}` is missing, expected {}", port.name, expected()));
        ordered.push(named.remove(&port.name).ok_or_else(missing)?);
    }
    match named.keys().next() {
        Some(unknown) => {
            Err(RequestError::Inputs(format!("the model has no input `{unknown}`, expected {}", expected())))
        }
        None => Ok(ordered),
    }
}

fn array(numbers: Numbers, port: &Port, sizes: &mut BTreeMap<String, usize>) -> Result<Array, RequestError> {
    require_shape(&numbers, port, sizes)?;
    let content = match port.element {
        Element::Float => Content::Floats(numbers.floats()?),
        Element::Integer => Content::Integers(numbers.integers()?),
    };
    Ok(Array { shape: numbers.shape, content })
}

/// Holds the shape against the model's; free dimensions of one name must be equal in all inputs.
fn require_shape(
    numbers: &Numbers,
    port: &Port,
    sizes: &mut BTreeMap<String, usize>,
) -> Result<(), RequestError> {
    if numbers.values.is_empty() {
        return Err(RequestError::NoRows(numbers.place.clone()));
    }
    let Some(expected) = &port.shape else { return Ok(()) };
    let wrong = |hint| RequestError::Shape {
        input: port.name.clone(),
        expected: port.shape_text(),
        found: format!("[{}]", numbers.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        hint,
    };
    if expected.len() != numbers.shape.len() {
        let one_row = expected.len() == numbers.shape.len() + 1;
        return Err(wrong(if one_row { "; put a single row into a list of its own" } else { "" }));
    }
    for (expected, found) in expected.iter().zip(&numbers.shape) {
        let fits = match expected {
            Size::Fixed(size) => size == found,
            Size::Free(name) => sizes.entry(name.clone()).or_insert(*found) == found,
        };
        if !fits {
            return Err(wrong(if matches!(expected, Size::Free(_)) {
                "; it differs from another input's"
            } else {
                ""
            }));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
