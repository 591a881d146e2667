//! Names and times that the cluster makes up.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Letters of generated names: no vowels, so that no words come out.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// Five random letters, as `generateName` appends them.
pub(crate) fn suffix() -> String {
    letters(crate::random::uuid().as_bytes(), 5)
}

/// The hash of a pod template, as it stands in `pod-template-hash`; the order of fields does not matter.
pub(crate) fn template_hash(template: &Value) -> String {
    letters(sorted(template).to_string().as_bytes(), 10)
}

/// A short hash of any text, for names.
pub(crate) fn short_hash(text: &str) -> String {
    letters(text.as_bytes(), 5)
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<&String, Value> =
                map.iter().map(|(name, inner)| (name, sorted(inner))).collect();
            Value::Object(ordered.into_iter().map(|(name, inner)| (name.clone(), inner)).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        other => other.clone(),
    }
}

fn letters(of: &[u8], count: usize) -> String {
    let digest = Sha256::digest(of);
    let letter = |byte: &u8| ALPHABET.get(usize::from(*byte) % ALPHABET.len()).copied().unwrap_or(b'x');
    digest.iter().take(count).map(letter).map(char::from).collect()
}

/// A time as Kubernetes writes it.
pub(crate) fn timestamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How long ago a time of Kubernetes was, as kubectl shows it.
pub(crate) fn age(since: &str, now: Timestamp) -> String {
    let Ok(since) = since.parse::<Timestamp>() else { return "<unknown>".to_owned() };
    let seconds = now.duration_since(since).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_template_hash_ignores_the_order_of_fields() {
        let one = json!({ "a": 1, "b": { "c": 2, "d": 3 } });
        let other: Value = serde_json::from_str(r#"{"b":{"d":3,"c":2},"a":1}"#).unwrap();
        assert_eq!(template_hash(&one), template_hash(&other));
        assert_ne!(template_hash(&one), template_hash(&json!({ "a": 1 })));
        assert_eq!(template_hash(&one).len(), 10);
    }

    #[test]
    fn ages_are_short() {
        let now: Timestamp = "2026-01-03T00:00:00Z".parse().unwrap();
        for (since, expected) in
            [("2026-01-02T23:59:00Z", "60s"), ("2026-01-02T23:00:00Z", "60m"), ("2026-01-01T00:00:00Z", "2d")]
        {
            assert_eq!(age(since, now), expected);
        }
    }
}
