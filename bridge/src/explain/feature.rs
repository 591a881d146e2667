//! Soft signs: values and words inside a text that speak for one cause and against another, whoever said them.

use std::sync::LazyLock;

use super::index::Index;
use super::recognise::Hit;
use super::table::weights;
use super::text::Text;
use super::value;

/// One sign.
#[derive(Debug)]
struct Feature {
    /// It counts only where one of these parts of the way was recognised; everywhere, if there is none.
    areas: Vec<&'static str>,
    /// Any of these runs of words.
    words: Vec<&'static str>,
    /// Or this kind of value, see [`value`].
    value: &'static str,
    /// What it speaks for, and against.
    shifts: Vec<(&'static str, i32)>,
    /// How it is told to people, after "the text".
    because: &'static str,
}

static FEATURES: LazyLock<Vec<Feature>> = LazyLock::new(|| read(include_str!("table/signs.txt")));

/// All words of all signs.
static WORDS: LazyLock<Index> =
    LazyLock::new(|| Index::of(FEATURES.iter().flat_map(|one| &one.words).map(|words| words.as_bytes())));

/// A sign that was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sign {
    pub(super) shifts: &'static [(&'static str, i32)],
    pub(super) because: &'static str,
}

/// The signs in a text of which `hits` were recognised.
pub(super) fn signs(text: &Text, hits: &[Hit]) -> Vec<Sign> {
    let places = WORDS.places(text.words.as_bytes(), whole_words);
    let stands = |words: &&str| {
        let number = WORDS.number(words.as_bytes());
        number.and_then(|number| places.get(number)).is_some_and(|places| !places.is_empty())
    };
    let seen = |feature: &Feature| {
        let here =
            feature.areas.is_empty() || hits.iter().any(|hit| feature.areas.contains(&hit.signature.area));
        here && (feature.words.iter().any(stands) || value::is_in(feature.value, text))
    };
    let seen = FEATURES.iter().filter(|feature| seen(feature));
    seen.map(|feature| Sign { shifts: &feature.shifts, because: feature.because }).collect()
}

/// A word is not a part of a longer one.
fn whole_words(piece: &[u8], [before, after]: [Option<u8>; 2]) -> bool {
    let of_a_word = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let joined = |neighbour, edge: Option<&u8>| of_a_word(neighbour) && of_a_word(edge.copied());
    !joined(before, piece.first()) && !joined(after, piece.last())
}

/// Reads `+ class weight, …`, `in area …`, `word …; …`, `value name` and `> because`, a sign to a `+`.
fn read(table: &'static str) -> Vec<Feature> {
    let mut features: Vec<Feature> = Vec::new();
    for line in table.lines().map(str::trim) {
        let (key, rest) = line.split_once(' ').unwrap_or((line, ""));
        if key == "+" {
            let shifts = weights(rest);
            let empty = Feature { areas: Vec::new(), words: Vec::new(), value: "", shifts, because: "" };
            features.push(empty);
        } else if let Some(last) = features.last_mut() {
            match key {
                "in" => last.areas.extend(rest.split_whitespace()),
                "word" => last.words.extend(rest.split(';').map(str::trim)),
                "value" => last.value = rest,
                ">" => last.because = rest,
                _ => {}
            }
        }
    }
    features
}

#[cfg(test)]
mod tests {
    use super::super::index::SHORTEST;
    use super::*;

    #[test]
    fn every_sign_is_complete() {
        for feature in FEATURES.iter() {
            assert!(!feature.shifts.is_empty() && !feature.because.is_empty(), "{feature:?}");
            assert!(!feature.words.is_empty() || !feature.value.is_empty(), "{feature:?}");
            let found = |words: &&str| **words == words.to_ascii_lowercase() && words.len() >= SHORTEST;
            assert!(feature.words.iter().all(found), "{feature:?}");
            let kind = value::KINDS.iter().any(|(name, _)| *name == feature.value);
            assert!(feature.value.is_empty() || kind, "{feature:?}");
            let known = |area: &&str| super::super::table::signatures().iter().any(|row| row.area == *area);
            assert!(feature.areas.iter().all(known), "{feature:?}");
        }
        for (number, line) in include_str!("table/signs.txt").lines().enumerate() {
            if let Some(list) = line.strip_prefix("+ ") {
                assert_eq!(weights(list).len(), list.split(',').count(), "signs.txt:{}", number + 1);
            }
        }
    }

    #[test]
    fn every_kind_of_value_is_used() {
        for (kind, _) in value::KINDS {
            assert!(FEATURES.iter().any(|feature| feature.value == *kind), "{kind}");
        }
    }
}
