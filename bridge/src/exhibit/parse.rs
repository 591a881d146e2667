//! Text → documents, each value with its line. JSON and YAML are told apart by trying, and never by a file's name.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::file::tree::{self, Content, Node};

/// The largest file that is read; a cluster's whole RBAC is a tenth of it.
const SIZE_MAX: usize = 8 << 20;

/// One document of a file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) lines: Lines,
}

/// JSON pointer → line in the file, from 1.
pub(super) type Lines = BTreeMap<String, usize>;

/// Reads every document of a text, or says why it is neither JSON nor YAML.
pub(super) fn documents(text: &str) -> Result<Vec<Document>, String> {
    if text.len() > SIZE_MAX {
        return Err(format!("the file has {} bytes, expected at most {SIZE_MAX}", text.len()));
    }
    let parts = split(text);
    let several = parts.len() > 1;
    let mut found = Vec::new();
    for (line, part) in parts {
        if several && part.lines().all(|it| it.trim().is_empty() || it.trim_start().starts_with('#')) {
            continue;
        }
        found.push(document(part, line)?);
    }
    Ok(found)
}

/// The documents of a YAML stream, each with the line before it. A text that begins as JSON is one document.
fn split(text: &str) -> Vec<(usize, &str)> {
    if text.trim_start().starts_with(['{', '[']) {
        return vec![(0, text)];
    }
    let mut parts = Vec::new();
    let (mut start, mut start_line, mut at) = (0, 0, 0);
    for (line, content) in text.split_inclusive('\n').enumerate() {
        if content.trim_end() == "---" {
            parts.push((start_line, text.get(start..at).unwrap_or_default()));
            start = at + content.len();
            start_line = line + 1;
        }
        at += content.len();
    }
    parts.push((start_line, text.get(start..).unwrap_or_default()));
    parts
}

fn document(text: &str, lines_before: usize) -> Result<Document, String> {
    match tree::read_print(text) {
        Ok(node) => {
            let starts = line_starts(text);
            let mut lines = Lines::new();
            let value = value(&node, &mut String::new(), &mut |pointer: &str, byte: usize| {
                let line = starts.partition_point(|start| *start <= byte) + lines_before;
                lines.insert(pointer.to_owned(), line);
            });
            Ok(Document { value, lines })
        }
        Err(unreadable) => match serde_json::from_str(text) {
            Ok(value) => Ok(Document { value, lines: Lines::new() }),
            Err(_) => Err(format!("line {}: {}", unreadable.spot.line + lines_before, unreadable.message)),
        },
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect()
}

/// A tree as plain JSON; of a repeated key the last counts, as for the tools that print.
fn value(node: &Node, pointer: &mut String, place: &mut impl FnMut(&str, usize)) -> Value {
    place(pointer, node.span.start);
    match &node.value {
        Content::Null => Value::Null,
        Content::Bool(it) => Value::Bool(*it),
        Content::Number(it) => Value::Number(it.clone()),
        Content::Text(it) => Value::String(it.clone()),
        Content::List(items) => {
            let each = items.iter().enumerate();
            each.map(|(index, item)| below(pointer, &index.to_string(), item, place)).collect()
        }
        Content::Map(entries) => {
            let each = entries.iter();
            let fields =
                each.map(|entry| (entry.key.clone(), below(pointer, &entry.key, &entry.node, place)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}

fn below(pointer: &mut String, key: &str, node: &Node, place: &mut impl FnMut(&str, usize)) -> Value {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
    let found = value(node, pointer, place);
    pointer.truncate(length);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines() {
        let json = "{\n  \"a\": 1,\n  \"b/c\": [\n    {\"d\": \"x\"}\n  ]\n}\n";
        let found = documents(json).unwrap();
        assert_eq!(found[0].value, serde_json::json!({"a": 1, "b/c": [{"d": "x"}]}));
        assert_eq!(found[0].lines.get("/a"), Some(&2));
        assert_eq!(found[0].lines.get("/b~1c/0/d"), Some(&4));
    }

    #[test]
    fn a_stream_has_many_documents_with_the_lines_of_the_file() {
        let found = documents("---\nkind: A\n---\n# nothing\n---\nkind: B\nx:\n- y: 1\n").unwrap();
        let kinds: Vec<_> = found.iter().map(|it| it.value["kind"].clone()).collect();
        assert_eq!(kinds, ["A", "B"]);
        assert_eq!(found[1].lines.get("/x/0/y"), Some(&8));
    }

    #[test]
    fn tabs_in_json_are_fine() {
        let found = documents("{\n\t\"a\": \"1\",\n\t\"b\": true\n}\n").unwrap();
        assert_eq!(found[0].value, serde_json::json!({"a": "1", "b": true}));
    }

    #[test]
    fn what_is_neither_is_said_with_its_line() {
        assert!(documents("{\n  \"a\": \n").unwrap_err().starts_with("line "));
    }
}
