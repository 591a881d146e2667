//! Taking out of text what must not be kept and what differs from sandbox to sandbox.
//!
//! | word | stands for |
//! |---|---|
//! | `${address:entra}`, `${file:…}`, `${secret-of:…}`, … | what [`super::known`] knows by that name |
//! | `${secret:N}` | the Nth secret that was handed out on the way |
//! | `${jwt}` | a token of somebody else's |
//! | `${id:N}` | the Nth id that an answer made up: a UUID, or 32 bytes in base64 |
//! | `${time}`, `${epoch}` | a time near now, as text or in seconds |
//! | `${any}` | a value that is random and that nobody uses again |

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::super::seed;

/// Seconds in fifteen months: what is further from now than that is no time of this run.
const NEAR: i64 = 456 * 24 * 3600;
/// Fields whose values are random: keys of issuers and certificates, versions of the cluster's objects.
const RANDOM: [&str; 7] = ["n", "kid", "x5t", "x5c", "customKeyIdentifier", "resourceVersion", "containerID"];
/// The lengths of a UUID's groups.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
/// The length of 32 bytes in URL-safe base64.
const OPAQUE: usize = 43;
/// Ids that are the same in every sandbox.
const SEEDED: [&str; 14] = [
    seed::TENANT,
    seed::SUBSCRIPTION,
    seed::AZURE_ADMIN_OBJECT_ID,
    seed::ONCOLOGY_GROUP,
    seed::ONCOLOGY_CI.client_id,
    seed::ONCOLOGY_CI.application_object_id,
    seed::ONCOLOGY_CI.object_id,
    seed::CELLAR_CI.client_id,
    seed::CELLAR_CI.application_object_id,
    seed::CELLAR_CI.object_id,
    seed::STRANGER.client_id,
    seed::STRANGER.application_object_id,
    seed::STRANGER.object_id,
    "00000000-0000-0000-0000-000000000000",
];

/// Remembers which word stands for what.
#[derive(Default)]
pub(super) struct Scrubber {
    known: Vec<(String, String)>,
    minted: Vec<String>,
    now: i64,
    secrets: HashMap<String, usize>,
    /// UUIDs by the number of their word; those that a request brought have none and stay.
    ids: HashMap<String, Option<usize>>,
    numbered: usize,
}

impl Scrubber {
    /// Takes in what the sandbox knows by now.
    pub(super) fn learn(&mut self, mut known: Vec<(String, String)>, mut minted: Vec<String>, now: i64) {
        known.retain(|(_, value)| !value.is_empty());
        known.sort_by_key(|(_, value)| std::cmp::Reverse(value.len()));
        minted.retain(|secret| !secret.is_empty() && !known.iter().any(|(_, value)| value == secret));
        minted.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        (self.known, self.minted, self.now) = (known, minted, now);
    }

    /// A text of a request.
    pub(super) fn asked(&mut self, text: &str) -> String {
        let text = self.without_secrets(text);
        replaced(&text, id_at, |id| {
            self.ids.entry(id.to_ascii_lowercase()).or_insert(None);
            self.id(id)
        })
    }

    /// A header of a request; `Basic` log-ins are opened, so that `${…}` can stand in them.
    pub(super) fn asked_header(&mut self, text: &str) -> String {
        let basic = text.strip_prefix("Basic ").and_then(|code| STANDARD.decode(code.trim()).ok());
        match basic.and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(pair) => format!("Basic ({})", self.asked(&pair)),
            None => self.asked(text),
        }
    }

    /// A text of an answer.
    pub(super) fn answered(&mut self, text: &str) -> String {
        let text = self.without_secrets(text);
        let text = replaced(&text, id_at, |id| {
            if !SEEDED.contains(&id) && !self.ids.contains_key(&id.to_ascii_lowercase()) {
                self.numbered += 1;
                self.ids.insert(id.to_ascii_lowercase(), Some(self.numbered));
            }
            self.id(id)
        });
        replaced(&text, time_at, |_| "${time}".to_owned())
    }

    /// JSON of a request.
    pub(super) fn asked_value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.asked(text)),
            Value::Array(all) => all.iter().map(|value| self.asked_value(value)).collect(),
            Value::Object(all) => all
                .iter()
                .map(|(name, value)| (name.clone(), self.asked_value(value)))
                .collect::<Map<_, _>>()
                .into(),
            other => other.clone(),
        }
    }

    /// JSON of an answer.
    pub(super) fn answered_value(&mut self, value: &Value) -> Value {
        match value {
            Value::String(text) if self.is_near(text.parse().ok()) => Value::String("${epoch}".to_owned()),
            Value::Number(number) if self.is_near(number.as_i64()) => Value::String("${epoch}".to_owned()),
            Value::String(text) => Value::String(self.answered(text)),
            Value::Array(all) => all.iter().map(|value| self.answered_value(value)).collect(),
            Value::Object(all) => {
                let field = |(name, value): (&String, &Value)| {
                    let random = RANDOM.contains(&name.as_str()) && !value.is_object();
                    let value = if random { "${any}".into() } else { self.answered_value(value) };
                    (self.answered(name), value)
                };
                all.iter().map(field).collect::<Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }

    fn is_near(&self, seconds: Option<i64>) -> bool {
        seconds.is_some_and(|seconds| (seconds - self.now).abs() < NEAR)
    }

    fn id(&self, id: &str) -> String {
        match self.ids.get(&id.to_ascii_lowercase()) {
            Some(Some(number)) => format!("${{id:{number}}}"),
            _ => id.to_owned(),
        }
    }

    fn without_secrets(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.known {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), &format!("${{{name}}}"));
            }
        }
        for secret in &self.minted {
            if text.contains(secret.as_str()) {
                let next = self.secrets.len() + 1;
                let number = *self.secrets.entry(secret.clone()).or_insert(next);
                text = text.replace(secret.as_str(), &format!("${{secret:{number}}}"));
            }
        }
        replaced(&text, token_at, |_| "${jwt}".to_owned())
    }
}

/// `text` with everything that `length` finds the length of replaced.
fn replaced(text: &str, length: fn(&str) -> Option<usize>, mut word: impl FnMut(&str) -> String) -> String {
    let (mut result, mut rest) = (String::with_capacity(text.len()), text);
    let mut inside = false;
    while let Some(first) = rest.chars().next() {
        // Looked for at the beginnings of words alone, or a long word would be read once for each of its letters.
        let found = if inside { None } else { length(rest) };
        let found = found.and_then(|length| rest.split_at_checked(length));
        if let Some((found, after)) = found {
            result.push_str(&word(found));
            rest = after;
            inside = true;
        } else {
            result.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            inside = first.is_ascii_alphanumeric();
        }
    }
    result
}

/// The length of the id that `text` begins with: a UUID, or 32 bytes as Graph writes them.
fn id_at(text: &str) -> Option<usize> {
    uuid_at(text).or_else(|| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.bytes().take_while(|byte| plain(byte)).count() == OPAQUE).then_some(OPAQUE)
    })
}

/// The length of the UUID that `text` begins with.
fn uuid_at(text: &str) -> Option<usize> {
    let candidate = text.get(..36)?;
    let groups: Vec<&str> = candidate.split('-').collect();
    let fits = groups.iter().map(|group| group.len()).eq(GROUPS)
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
        && !text.get(36..).unwrap_or_default().starts_with(|next: char| next.is_ascii_alphanumeric());
    fits.then_some(36)
}

/// The length of the JSON web token that `text` begins with.
fn token_at(text: &str) -> Option<usize> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let end = text.find(|letter| !plain(letter)).unwrap_or(text.len());
    let candidate = text.get(..end)?;
    (candidate.starts_with("eyJ") && candidate.matches('.').count() >= 2).then_some(end)
}

/// The length of the time that `text` begins with: RFC 3339, Entra's with a space, or HTTP's.
fn time_at(text: &str) -> Option<usize> {
    shaped(text, "0000-00-00T00:00:00")
        .or_else(|| shaped(text, "0000-00-00 00:00:00"))
        .map(|length| length + rest_of_time(text.get(length..).unwrap_or_default()))
        .or_else(|| shaped(text, "Aaa, 00 Aaa 0000 00:00:00 GMT"))
}

/// Fractions of a second and the zone.
fn rest_of_time(text: &str) -> usize {
    let fraction = match text.strip_prefix('.') {
        Some(digits) => 1 + digits.bytes().take_while(u8::is_ascii_digit).count(),
        None => 0,
    };
    let zone = text.get(fraction..).unwrap_or_default();
    fraction + if zone.starts_with('Z') { 1 } else { shaped(zone, "+00:00").unwrap_or(0) }
}

/// The length of `shape` if `text` begins like it: `0` is any digit, a letter any letter.
fn shaped(text: &str, shape: &str) -> Option<usize> {
    let begin = text.as_bytes().get(..shape.len())?;
    let fits = begin.iter().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
        b'0' => byte.is_ascii_digit(),
        b'A' | b'a' => byte.is_ascii_alphabetic(),
        wanted => *byte == wanted || (wanted == b'+' && *byte == b'-'),
    });
    fits.then_some(shape.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "11111111-2222-4333-8444-555555555555";
    const OTHER: &str = "aaaaaaaa-2222-4333-8444-555555555555";

    fn scrubber() -> Scrubber {
        let mut scrubber = Scrubber::default();
        let known = vec![
            ("address:sts".to_owned(), "127.0.0.1:4000".to_owned()),
            ("file:a.token".to_owned(), "hush".to_owned()),
        ];
        scrubber.learn(known, vec!["hush".to_owned(), "hush-hush".to_owned()], 1_800_000_000);
        scrubber
    }

    #[test]
    fn secrets_and_addresses_become_words() {
        let mut scrubber = scrubber();
        for (text, expected) in [
            ("http://127.0.0.1:4000/x", "http://${address:sts}/x"),
            ("Bearer hush", "Bearer ${file:a.token}"),
            ("Bearer eyJa.eyJb.c-_d!", "Bearer ${jwt}!"),
            ("eyJust text", "eyJust text"),
        ] {
            assert_eq!(scrubber.asked_header(text), expected);
        }
        let basic = format!("Basic {}", STANDARD.encode("user:hush"));
        assert_eq!(scrubber.asked_header(&basic), "Basic (user:${file:a.token})");
    }

    #[test]
    fn ids_of_requests_stay_and_those_of_answers_are_numbered() {
        let mut scrubber = scrubber();
        assert_eq!(scrubber.asked(&format!("/x/{ID}")), format!("/x/{ID}"));
        assert_eq!(scrubber.answered(&format!("{ID} {OTHER}")), format!("{ID} ${{id:1}}"));
        assert_eq!(scrubber.asked(&format!("/x/{OTHER}/")), "/x/${id:1}/");
        assert_eq!(scrubber.answered(seed::TENANT), seed::TENANT);
    }

    #[test]
    fn times_are_times() {
        let mut scrubber = scrubber();
        for text in [
            "2026-11-22T10:00:00Z",
            "2026-11-22T10:00:00.123456+00:00",
            "2026-11-22 10:00:00Z",
            "Sun, 22 Nov 2026 10:00:00 GMT",
        ] {
            assert_eq!(scrubber.answered(&format!("at {text}!")), "at ${time}!", "{text}");
        }
        let value =
            json!({ "exp": 1_800_003_600, "on": "1800003600", "size": 17, "n": "key", "hush-hush": "2026" });
        let expected = json!({ "exp": "${epoch}", "on": "${epoch}", "size": 17, "n": "${any}", "${file:a.token}-${file:a.token}": "2026" });
        assert_eq!(scrubber.answered_value(&value), expected);
    }
}
