//! What is wrong with a bridge file, as a value with a place. Drawing it is the edge's business.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// One problem in a bridge file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file, as the user named it.
    pub file: String,
    /// Where.
    #[serde(flatten)]
    pub spot: Spot,
    /// What is wrong, with the user's own value in backticks.
    pub message: String,
    /// What would be right.
    pub expected: Option<String>,
    /// What to do about it, where we can guess.
    pub help: Option<String>,
    /// Other places that have to do with it, with what they are: the first of two equal names.
    pub related: Vec<(Spot, String)>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// Bytes from and to.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Spot {
    /// The place of some bytes of a text.
    pub fn of(text: &str, span: Range<usize>) -> Self {
        let start = floor(text, span.start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |position| position + 1);
        Self {
            span: start..floor(text, span.end).max(start),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// The last character boundary at or before `position`.
fn floor(text: &str, position: usize) -> usize {
    let position = position.min(text.len());
    (0..=position).rev().find(|&candidate| text.is_char_boundary(candidate)).unwrap_or(0)
}

/// One line, as compilers write them: `bridge.yaml:12:5: unknown key `team`; expected …`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.spot.line, self.spot.column, self.message)?;
        if let Some(expected) = &self.expected {
            write!(f, "; expected {expected}")?;
        }
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        for (spot, what) in &self.related {
            write!(f, "; line {}: {what}", spot.line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spots() {
        let text = "a: ü\nbb: x";
        for (span, line, column) in
            [(0..1, 1, 1), (3..5, 1, 4), (4..5, 1, 4), (6..8, 2, 1), (10..11, 2, 5), (99..100, 2, 6)]
        {
            let spot = Spot::of(text, span.clone());
            assert_eq!((spot.line, spot.column), (line, column), "{span:?}");
            assert!(text.get(spot.span).is_some(), "{span:?}");
        }
    }
}
