//! Patterns of model names: literal text, in which `*` stands for any run of characters.

use std::collections::{BTreeMap, VecDeque};

use crate::spec::Team;

impl Team {
    /// Whether the team may serve a model.
    pub fn may_serve(&self, model: &str) -> bool {
        self.models.iter().any(|pattern| matches(pattern, model))
    }
}

/// Whether a pattern matches a name.
pub fn matches(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    // reached[i]: the pattern so far matches the first i characters.
    let mut reached = vec![false; name.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for symbol in pattern.chars() {
        reached = if symbol == '*' {
            let mut any = false;
            reached
                .iter()
                .map(|&here| {
                    any |= here;
                    any
                })
                .collect()
        } else {
            let moved = reached.iter().zip(&name).map(|(&here, &character)| here && character == symbol);
            std::iter::once(false).chain(moved).collect()
        };
    }
    reached.last() == Some(&true)
}

/// A name that both patterns match, if there is one; decided by walking both automata at once. Capitals do not tell
/// names apart here: Azure's resource names ignore them.
pub fn common_name(one: &str, other: &str) -> Option<String> {
    let one: Vec<char> = one.to_lowercase().chars().collect();
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut names = BTreeMap::from([((0, 0), String::new())]);
    let mut waiting = VecDeque::from([(0, 0)]);
    while let Some((i, j)) = waiting.pop_front() {
        let name = names.get(&(i, j)).cloned().unwrap_or_default();
        if (i, j) == (one.len(), other.len()) {
            return Some(if name.is_empty() { "any-name".to_owned() } else { name });
        }
        for (step, character) in steps(one.get(i), other.get(j)) {
            let next = (i + step.0, j + step.1);
            if let std::collections::btree_map::Entry::Vacant(entry) = names.entry(next) {
                let mut name = name.clone();
                name.extend(character);
                entry.insert(name);
                waiting.push_back(next);
            }
        }
    }
    None
}

/// The moves that two automata can make together, with the character they read.
fn steps(one: Option<&char>, other: Option<&char>) -> Vec<((usize, usize), Option<char>)> {
    let mut steps = Vec::new();
    // A star may end without reading, or read whatever the other side reads.
    if one == Some(&'*') {
        steps.push(((1, 0), None));
        steps.extend(other.filter(|&&symbol| symbol != '*').map(|&symbol| ((0, 1), Some(symbol))));
    }
    if other == Some(&'*') {
        steps.push(((0, 1), None));
        steps.extend(one.filter(|&&symbol| symbol != '*').map(|&symbol| ((1, 0), Some(symbol))));
    }
    match (one, other) {
        (Some(one), Some(other)) if one == other && *one != '*' => steps.push(((1, 1), Some(*one))),
        _ => {}
    }
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn matching() {
        for (pattern, name, expected) in [
            ("fraud", "fraud", true),
            ("fraud", "fraud-2", false),
            ("fraud-*", "fraud-eu", true),
            ("fraud-*", "fraud", false),
            ("*", "anything", true),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("", "", true),
            ("", "a", false),
            ("Fraud*", "fraud", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn overlapping() {
        for (one, other, name) in [
            ("fraud-*", "*-eu", Some("fraud-eu")),
            ("fraud-*", "fraud-eu", Some("fraud-eu")),
            ("a*", "b*", None),
            ("*a", "*b", None),
            ("a*b", "a*c", None),
            ("a*b", "a*", Some("ab")),
            ("ab*ba", "aba", None),
            ("ab*ba", "abba", Some("abba")),
            ("*", "*", Some("any-name")),
            ("*x*", "*y*", Some("xy")),
            ("Fraud", "fraud", Some("fraud")),
            ("fraud", "fraud-2", None),
        ] {
            let found = common_name(one, other);
            assert_eq!(found.is_some(), name.is_some(), "{one} {other}: {found:?}");
            if let (Some(found), Some(name)) = (found, name) {
                assert_eq!(found.len(), name.len(), "{one} {other}: {found}");
            }
        }
    }

    /// Every name of up to four letters from {a, b}.
    fn all_names() -> Vec<String> {
        let mut names = vec![String::new()];
        for start in 0..15 {
            let base = names[start].clone();
            names.extend(["a", "b"].map(|letter| format!("{base}{letter}")));
        }
        names
    }

    proptest! {
        #[test]
        fn witness_is_matched_by_both(one in "[ab*]{0,8}", other in "[ab*]{0,8}") {
            if let Some(name) = common_name(&one, &other) {
                let name = if name == "any-name" { String::new() } else { name };
                prop_assert!(matches(&one, &name) && matches(&other, &name), "{}", name);
            }
        }

        #[test]
        fn none_missed(one in "[ab*]{0,6}", other in "[ab*]{0,6}") {
            let both = all_names().into_iter().find(|name| matches(&one, name) && matches(&other, name));
            if let Some(name) = both {
                prop_assert!(common_name(&one, &other).is_some(), "{}", name);
            }
        }
    }
}
