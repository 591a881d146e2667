//! Reading `bridge.yaml`: text → tree with places → shape → meaning → [`Bridge`].
//!
//! 1. [`tree`] reads YAML and keeps the place of every key and value.
//! 2. [`shape`] compares the tree with the JSON Schema: known keys, each once, of the right kinds.
//! 3. [`format`] holds what is left as plain structs.
//! 4. [`check`] judges what the values mean and makes the domain types.
//!
//! All problems of one step are told at once.

mod check;
pub(crate) mod format;
pub(crate) mod nearest;
mod problem;
pub(crate) mod shape;
#[cfg(test)]
mod tests;
pub(crate) mod tree;

use serde::Deserialize;

pub(crate) use check::{is_pinned_image, is_reserved_label, is_team_name};
pub use problem::{Problem, Spot};

use crate::spec::Bridge;
use shape::Flaw;

/// Reads a bridge file. `name` is the file as the user named it, for messages.
pub fn parse(name: &str, text: &str) -> Result<Bridge, Vec<Problem>> {
    let root = tree::read(text).map_err(|unreadable| {
        vec![Problem {
            file: name.to_owned(),
            spot: unreadable.spot,
            message: unreadable.message,
            expected: unreadable.expected,
            help: None,
            related: Vec::new(),
        }]
    })?;
    judge(text, &root).map_err(|mut flaws| {
        flaws.sort_by_key(|flaw| flaw.span.start);
        flaws.into_iter().map(|flaw| flaw.into_problem(name, text)).collect()
    })
}

fn judge(text: &str, root: &tree::Node) -> Result<Bridge, Vec<Flaw>> {
    if matches!(root.value, tree::Content::Null) {
        return Err(vec![
            Flaw::new(0..0, "the file is empty".to_owned())
                .expected("a bridge: `apiVersion: gangplank.dev/v1alpha1`, `kind: Bridge`, …")
                .help(Some(
                    "docs/bridge-file.md has one to start from, `gangplank sandbox` writes one to try"
                        .to_owned(),
                )),
        ]);
    }
    let (json, mut flaws) = shape::check(text, root, &crate::schema::SCHEMA);
    let Some(json) = json else { return Err(flaws) };
    match format::BridgeFile::deserialize(json) {
        Ok(file) => {
            let bridge = check::bridge(text, root, &file, &mut flaws);
            if flaws.is_empty() { Ok(bridge) } else { Err(flaws) }
        }
        Err(error) => {
            // The schema is made from the same types, so this is our mistake; still the user hears what serde says.
            flaws.push(Flaw::new(0..0, error.to_string()));
            Err(flaws)
        }
    }
}
