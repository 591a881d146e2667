//! Values for people: as JSON would write them, cut where they are long.

use std::fmt::{self, Write as _};

use super::value::Value;

/// Characters of a value that are shown.
const SHOWN: usize = 200;

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        write(self, &mut text)?;
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => write!(formatter, "{}…", text.get(..end).unwrap_or_default()),
            None => formatter.write_str(&text),
        }
    }
}

/// Writes `value`, until enough is written.
fn write(value: &Value, text: &mut String) -> fmt::Result {
    match value {
        _ if text.len() > 4 * SHOWN => Ok(()),
        Value::Null => text.write_str("null"),
        Value::Bool(flag) => write!(text, "{flag}"),
        Value::Int(number) => write!(text, "{number}"),
        Value::Uint(number) => write!(text, "{number}"),
        Value::Double(number) => write!(text, "{number}"),
        Value::Text(inner) => {
            let end = inner.char_indices().nth(SHOWN).map_or(inner.len(), |(end, _)| end);
            write!(text, "{}", serde_json::Value::from(inner.get(..end).unwrap_or_default()))
        }
        Value::Bytes(bytes) => write!(text, "{} bytes", bytes.len()),
        Value::Timestamp(moment) => write!(text, "{moment}"),
        Value::Duration(length) => write!(text, "{length}"),
        Value::Type(name) => text.write_str(name),
        Value::List(elements) => {
            text.push('[');
            for (place, element) in elements.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { "," });
                write(element, text)?;
            }
            text.write_char(']')
        }
        Value::Map(entries) => {
            text.push('{');
            for (place, (key, value)) in entries.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { "," });
                write(&key.value(), text)?;
                text.push(':');
                write(value, text)?;
            }
            text.write_char('}')
        }
    }
}
