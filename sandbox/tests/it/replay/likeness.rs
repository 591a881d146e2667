//! Whether JSON is still what it was: every recorded field is there with its value, every recorded element still listed, in
//! that order. More may have come: clients skip what they do not know.

use serde_json::Value;

use super::words::Words;

/// Fields that count down; seconds of difference that do not matter.
const REMAINING: [&str; 4] = ["expires_in", "ext_expires_in", "expiresIn", "refresh_in"];
const SLACK: f64 = 120.0;

/// What is different, in words.
pub(super) fn differences(recorded: &Value, now: &Value, words: &mut Words) -> Vec<String> {
    let mut found = Vec::new();
    compare("", recorded, now, words, &mut found);
    found
}

fn compare(place: &str, recorded: &Value, now: &Value, words: &mut Words, found: &mut Vec<String>) {
    match (recorded, now) {
        (Value::Object(recorded), Value::Object(all)) => {
            for (name, value) in recorded {
                let place = format!("{place}.{name}");
                let now = all.get(name).or_else(|| all.get(&words.filled_if_known(name)));
                match now {
                    None => found.push(format!("{place} is gone")),
                    Some(now) if REMAINING.contains(&name.as_str()) && is_close(value, now) => {}
                    Some(now) => compare(&place, value, now, words, found),
                }
            }
        }
        (Value::Array(recorded), Value::Array(all)) => {
            let mut left = all.iter();
            for (at, value) in recorded.iter().enumerate() {
                let last = all.len() == recorded.len();
                if last {
                    // The usual case gives the better message.
                    compare(&format!("{place}[{at}]"), value, &all[at], words, found);
                } else if !left.any(|now| differences(value, now, words).is_empty()) {
                    found.push(format!("{place}[{at}] is gone: {value}"));
                }
            }
        }
        (Value::String(text), now) if !now.is_object() && !now.is_array() && !now.is_null() => {
            let shown = now.as_str().map_or_else(|| now.to_string(), str::to_owned);
            let same_kind = now.is_string() || text.starts_with("${");
            let ages = is_age(text) && is_age(&shown);
            if !ages && (!same_kind || !words.matches(text, &shown)) {
                found.push(format!("{place}: {recorded} became {now}"));
            }
        }
        _ if recorded == now => {}
        _ => found.push(format!("{place}: {recorded} became {now}")),
    }
}

/// `5s`, `2m`: the age of an object in a table.
fn is_age(text: &str) -> bool {
    let number = text.strip_suffix(['s', 'm', 'h', 'd']);
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_close(one: &Value, other: &Value) -> bool {
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    one.is_string() == other.is_string()
        && matches!((number(one), number(other)), (Some(one), Some(other)) if (one - other).abs() < SLACK)
}
