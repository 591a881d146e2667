//! Where the fields of a deployment stand in its file.

use std::ops::Range;

use crate::file::tree::{Content, Node};

/// The key's place of the field at `path`, dots between keys; the start of the file if it is not written. Keys with dots
/// of their own are looked up whole at the end of a path.
pub(super) fn key(root: &Node, path: &str) -> Range<usize> {
    find(root, path).map_or(0..0, |(key, _)| key)
}

/// The value's place of the field at `path`; a map's is its key's.
pub(super) fn value(root: &Node, path: &str) -> Range<usize> {
    match find(root, path) {
        Some((key, node)) => match node.value {
            Content::Map(_) | Content::List(_) => key,
            _ => node.span.clone(),
        },
        None => 0..0,
    }
}

/// Whether the field is written.
pub(super) fn is_written(root: &Node, path: &str) -> bool {
    find(root, path).is_some_and(|(_, node)| !matches!(node.value, Content::Null))
}

fn find<'n>(node: &'n Node, path: &str) -> Option<(Range<usize>, &'n Node)> {
    let Content::Map(entries) = &node.value else { return None };
    if let Some(entry) = entries.iter().find(|entry| entry.key == path) {
        return Some((entry.key_span.clone(), &entry.node));
    }
    let (first, rest) = path.split_once('.')?;
    let entry = entries.iter().find(|entry| entry.key == first)?;
    find(&entry.node, rest)
}
