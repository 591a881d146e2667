//! Why an expression has no value, in our words.

use super::{MAX_DEPTH, MAX_STEPS};

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the expression has {length} characters, expected at most {limit}")]
    TooLong { length: usize, limit: usize },
    #[error("the expression nests deeper than {MAX_DEPTH} brackets, selections and calls")]
    TooDeep,
    #[error("the expression takes more than {MAX_STEPS} steps to evaluate")]
    TooMuchWork,
    #[error("syntax error at line {line}, column {column}: {what}")]
    Syntax { line: usize, column: usize, what: &'static str },
    #[error("unknown name `{0}`")]
    UnknownName(String),
    #[error("unknown function `{0}`")]
    UnknownFunction(String),
    #[error("there is no `{0}`")]
    Missing(String),
    #[error("`{operation}` does not take ({types})")]
    NoOverload { operation: String, types: String },
    #[error("{0}")]
    Evaluation(String),
}

impl Problem {
    /// `operation` knows nothing to do with values of `types`.
    pub(super) fn no_overload(operation: &str, types: &[&str]) -> Self {
        Self::NoOverload { operation: operation.to_owned(), types: types.join(", ") }
    }

    /// Anything that has words of its own.
    pub(super) fn evaluation(words: impl Into<String>) -> Self {
        Self::Evaluation(words.into())
    }
}
