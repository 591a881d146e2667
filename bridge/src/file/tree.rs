//! A YAML document as a tree in which every key and value knows its place. Repeated keys are kept, so that they can be
//! shown instead of losing a value.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Error, Spanned};

use super::problem::Spot;

/// The most values in a file, aliases expanded: a bridge of a thousand teams with a caller each has a quarter of them.
const MOST_VALUES: usize = 100_000;

/// The largest file we read. A bridge of a thousand teams is a sixth of it.
const SIZE_MAX: usize = 1 << 20;

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: Content,
}

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: Node,
}

/// Why a text is no YAML document that we read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    pub(crate) spot: Spot,
    pub(crate) message: String,
    pub(crate) expected: Option<String>,
}

/// Reads a text.
pub(crate) fn read(text: &str) -> Result<Node, Unreadable> {
    let unreadable = |span: Range<usize>, message: &str, expected: &str| Unreadable {
        spot: Spot::of(text, span),
        message: message.to_owned(),
        expected: Some(expected.to_owned()),
    };
    if text.len() > SIZE_MAX {
        return Err(unreadable(0..0, "the file is larger than 1 MiB", "a bridge file"));
    }
    if let Some(tab) = tab_in_indentation(text) {
        return Err(unreadable(
            tab..tab + 1,
            "a tab is in the indentation",
            "spaces: YAML allows no tabs there",
        ));
    }
    let node = serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options());
    node.map(IntoNode::into_node).map_err(|error| explain(text, &error))
}

/// Reads one document of what a cloud's or the cluster's own tools print: larger and deeper than a bridge file, and with
/// tabs wherever JSON has them.
pub(crate) fn read_print(text: &str) -> Result<Node, Unreadable> {
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: 400_000,
            max_events: 1_000_000,
            max_depth: 64,
            max_aliases: 200,
            max_recorded_anchor_events: 50_000,
            max_documents: 2,
        },
    };
    let node = serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options);
    node.map(IntoNode::into_node).map_err(|error| explain(text, &error))
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: MOST_VALUES,
            max_events: 250_000,
            max_depth: 16,
            max_aliases: 200,
            max_recorded_anchor_events: 50_000,
            max_documents: 2,
        },
    }
}

fn tab_in_indentation(text: &str) -> Option<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '\t']);
        let indentation = line.len() - content.len();
        let tab = line.find('\t').filter(|&tab| tab < indentation && !content.trim().is_empty());
        if let Some(tab) = tab.filter(|_| !content.starts_with('#')) {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}

fn explain(text: &str, error: &Error) -> Unreadable {
    let error = innermost(error);
    let start = error.location().map_or(0, |location| offset(text, location.line(), location.column()));
    let rest_of_line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default().len();
    let (message, expected) = match error {
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => (
            "the file is too large or nested too deep, once its aliases are expanded".to_owned(),
            Some(format!("a bridge file of at most {MOST_VALUES} values and 16 levels")),
        ),
        Error::MultipleDocuments { .. } => {
            ("a second document begins here".to_owned(), Some("one bridge a file".to_owned()))
        }
        Error::UnknownAnchor { .. } => {
            ("this alias names no anchor".to_owned(), Some("an anchor, `&NAME`, further up".to_owned()))
        }
        other => (format!("not YAML: {}", without_place(&other.to_string())), None),
    };
    Unreadable { spot: Spot::of(text, start..start + rest_of_line), message, expected }
}

/// The error below those that only say how it was come upon.
fn innermost(error: &Error) -> &Error {
    match error.without_snippet() {
        Error::AliasError { error, .. } => innermost(error),
        error => error,
    }
}

/// The byte at a line and column, both from 1.
fn offset(text: &str, line: u64, column: u64) -> usize {
    let index = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let before: usize = text.split_inclusive('\n').take(index(line)).map(str::len).sum();
    let line = text.get(before..).unwrap_or_default();
    before
        + line
            .char_indices()
            .nth(index(column))
            .map_or_else(|| line.trim_end().len(), |(position, _)| position)
}

/// The parser's words without its own line and column, which we say ourselves.
fn without_place(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let end =
        [" at line ", " (line "].iter().filter_map(|marker| first.find(marker)).min().unwrap_or(first.len());
    let words = first.get(..end).unwrap_or(first);
    words
        .trim_start_matches(|character: char| !character.is_alphabetic() && character != '`')
        .trim()
        .to_owned()
}

/// A value as the deserializer hands it out.
enum Raw {
    Scalar(Content),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

trait IntoNode {
    fn into_node(self) -> Node;
}

impl IntoNode for Spanned<Raw> {
    fn into_node(self) -> Node {
        let span = bytes(&self);
        let value = match self.value {
            Raw::Scalar(content) => content,
            Raw::List(items) => Content::List(items.into_iter().map(IntoNode::into_node).collect()),
            Raw::Map(entries) => {
                let entry = |(key, value): (Spanned<String>, Self)| Entry {
                    key_span: bytes(&key),
                    key: key.value,
                    node: value.into_node(),
                };
                Content::Map(entries.into_iter().map(entry).collect())
            }
        };
        Node { span, value }
    }
}

fn bytes<T>(spanned: &Spanned<T>) -> Range<usize> {
    let span = spanned.referenced.span();
    let position = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok()).unwrap_or(0);
    let start = position(span.byte_offset());
    start..start + position(span.byte_len())
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, a list or a map")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Content::Null))
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Scalar(Content::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        Raw::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Scalar(Content::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Content::Number(value.into())))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Scalar(Content::Number(value.into())))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
        let number = serde_json::Number::from_f64(value);
        Ok(Raw::Scalar(number.map_or_else(|| Content::Text(value.to_string()), Content::Number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
        Ok(Raw::Scalar(Content::Text(value.to_owned())))
    }

    fn visit_string<E>(self, value: String) -> Result<Raw, E> {
        Ok(Raw::Scalar(Content::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, node: &Node, out: &mut Vec<String>) {
        let kind = match &node.value {
            Content::Null => "null".to_owned(),
            Content::Bool(it) => it.to_string(),
            Content::Number(it) => it.to_string(),
            Content::Text(it) => format!("{it:?}"),
            Content::List(_) => "list".to_owned(),
            Content::Map(_) => "map".to_owned(),
        };
        out.push(format!("{kind} <{}>", text.get(node.span.clone()).unwrap_or("?")));
        match &node.value {
            Content::List(items) => items.iter().for_each(|item| show(text, item, out)),
            Content::Map(entries) => {
                for entry in entries {
                    out.push(format!("key <{}>", text.get(entry.key_span.clone()).unwrap_or("?")));
                    show(text, &entry.node, out);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn places() {
        let text = "ü: [1, 'two']\nb:\n  - c: \"ö x\"\n    d: no\n    d: 1.5\nn:\nt: true\nv: fraud:7 # c\nx: |\n  a\n  b\ny: &q 8\nz: *q\n";
        let node = read(text).unwrap();
        let mut out = Vec::new();
        show(text, &node, &mut out);
        insta::assert_snapshot!(out.join("\n"));
    }

    #[test]
    fn unreadable() {
        let mut lines = Vec::new();
        for text in [
            "a: [1",
            "a: b: c",
            "a:\n\tb: 1",
            "a: 1\n---\nb: 2",
            "a: *x",
            "a: 'x",
            "a: 1\n b: 2",
            "? [a]\n: b",
            "{{{{{{{{{{{{{{{{{{{{{{{{{{{{",
            "%",
            "\u{0}",
            "a: !!int x",
        ] {
            match read(text) {
                Ok(_) => lines.push(format!("{text:?}: fine")),
                Err(it) => lines.push(format!(
                    "{text:?}: {}:{} {} | {:?}",
                    it.spot.line, it.spot.column, it.message, it.expected
                )),
            }
        }
        let laughs = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
        lines.push(read(laughs).unwrap_err().message);
        insta::assert_snapshot!(lines.join("\n"));
    }
}
