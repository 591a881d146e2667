//! The words of a transcript (`${…}`): what they are worth in this sandbox, and what they may match in its answers.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::quay::sandbox::{Sandbox, transcript};

/// What is known by name here.
pub(super) struct Words(HashMap<String, String>);

impl Words {
    pub(super) fn of(sandbox: &Sandbox) -> Self {
        Self(transcript::known(&sandbox.world).into_iter().collect())
    }

    /// A text of a request, to be sent.
    pub(super) fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        for part in parts(text) {
            filled.push_str(match part {
                Part::Text(text) => text,
                Part::Word(word) => {
                    self.0.get(word).unwrap_or_else(|| panic!("no answer gave `{word}` yet, in {text}"))
                }
            });
        }
        filled
    }

    /// The text with its words replaced, or as it is if one of them is not known yet.
    pub(super) fn filled_if_known(&self, text: &str) -> String {
        let known = |part: &Part<'_>| matches!(part, Part::Word(word) if !self.0.contains_key(*word));
        if parts(text).iter().any(known) { text.to_owned() } else { self.filled(text) }
    }

    /// A header, to be sent.
    pub(super) fn header(&self, text: &str) -> String {
        match text.strip_prefix("Basic (").and_then(|pair| pair.strip_suffix(')')) {
            Some(pair) => format!("Basic {}", STANDARD.encode(self.filled(pair))),
            None => self.filled(text),
        }
    }

    /// A pair of a form or query, to be sent.
    pub(super) fn pair(&self, pair: &Value) -> (String, String) {
        (pair[0].as_str().unwrap().to_owned(), self.filled(pair[1].as_str().unwrap()))
    }

    /// JSON, to be sent.
    pub(super) fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.filled(text)),
            Value::Array(all) => all.iter().map(|value| self.value(value)).collect(),
            Value::Object(all) => {
                Value::Object(all.iter().map(|(name, value)| (name.clone(), self.value(value))).collect())
            }
            other => other.clone(),
        }
    }

    /// Whether `now` is what `recorded` stands for. A word met for the first time is worth what stands in its place.
    pub(super) fn matches(&mut self, recorded: &str, now: &str) -> bool {
        let mut met = HashMap::new();
        let matched = self.matched(&parts(recorded), now, &mut met);
        if matched {
            self.0.extend(met);
        }
        matched
    }

    fn matched(&self, recorded: &[Part<'_>], now: &str, met: &mut HashMap<String, String>) -> bool {
        let Some((first, rest)) = recorded.split_first() else { return now.is_empty() };
        match first {
            Part::Text(text) => now.strip_prefix(text).is_some_and(|now| self.matched(rest, now, met)),
            Part::Word(word) => {
                if let Some(known) = met.get(*word).or_else(|| self.0.get(*word)).cloned() {
                    return now.strip_prefix(known.as_str()).is_some_and(|now| self.matched(rest, now, met));
                }
                let end = match rest.first() {
                    Some(Part::Text(next)) => now.find(next),
                    Some(Part::Word(_)) => None,
                    None => Some(now.len()),
                };
                let Some((value, after)) = end.and_then(|end| now.split_at_checked(end)) else {
                    return false;
                };
                if !is_worth(word, value) {
                    return false;
                }
                if word.starts_with("id:") || word.starts_with("secret:") {
                    met.insert((*word).to_owned(), value.to_owned());
                }
                self.matched(rest, after, met)
            }
        }
    }
}

/// Whether a word can stand for `value`.
fn is_worth(word: &str, value: &str) -> bool {
    match word {
        "time" => {
            value.parse::<jiff::Timestamp>().is_ok()
                || value.parse::<jiff::civil::DateTime>().is_ok()
                || jiff::fmt::rfc2822::parse(value).is_ok()
        }
        "epoch" => value.parse::<i64>().is_ok_and(|seconds| seconds > 1_000_000_000),
        "any" | "jwt" => !value.is_empty(),
        word if word.starts_with("id:") => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            matches!(value.len(), 36 | 43) && value.bytes().all(plain)
        }
        word if word.starts_with("secret:") => value.len() > 20,
        _ => false,
    }
}

enum Part<'a> {
    Text(&'a str),
    Word(&'a str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let (word, after) = after.split_once('}').unwrap();
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        parts.push(Part::Word(word));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// SHA-256 in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_learnt_and_then_hold() {
        let mut words = Words(HashMap::from([("address:sts".to_owned(), "127.0.0.1:1".to_owned())]));
        let (one, other) = ("0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002");
        assert!(words.matches("http://${address:sts}/${id:1}?x", &format!("http://127.0.0.1:1/{one}?x")));
        assert!(!words.matches("${id:1}", other));
        assert_eq!(words.filled("/${id:1}"), format!("/{one}"));
        assert!(words.matches("at ${time}.", "at 2026-11-22T10:00:00Z."));
        assert!(!words.matches("at ${time}.", "at noon."));
        assert!(!words.matches("abc", "abcd"));
    }
}
