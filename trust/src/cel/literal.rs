//! Text and bytes as they are written: quotes, raw forms and escapes.
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values>

use std::str::Chars;

use super::value::Value;

/// A literal's value and its length in bytes.
pub(super) type Literal = (Value, usize);

/// The literal that `rest` starts with: `'…'`, `"""…"""`, `r'…'`, `b'…'`, `br'…'`. Nothing if it starts with none; the
/// fault if it is broken.
pub(super) fn read(rest: &str) -> Option<Result<Literal, &'static str>> {
    let after_b = rest.strip_prefix(['b', 'B']);
    let unprefixed = after_b.unwrap_or(rest);
    let after_r = unprefixed.strip_prefix(['r', 'R']);
    let quoted = after_r.unwrap_or(unprefixed);
    let quote = quoted.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let prefix = rest.len() - quoted.len();
    Some(read_quoted(quoted, quote, after_r.is_some()).and_then(|(inner, length)| {
        let raw = after_r.is_some();
        let value = if after_b.is_some() {
            Value::Bytes(bytes(inner, raw)?.into())
        } else {
            Value::text(text(inner, raw)?)
        };
        Ok((value, prefix + length))
    }))
}

/// What stands between the quotes, and the length with them.
fn read_quoted(quoted: &str, quote: char, raw: bool) -> Result<(&str, usize), &'static str> {
    let triple: String = [quote; 3].iter().collect();
    let long = quoted.starts_with(&triple);
    let closing = if long { triple.as_str() } else { triple.get(..1).unwrap_or_default() };
    let body = quoted.get(closing.len()..).unwrap_or_default();
    let mut escaped = false;
    for (place, character) in body.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        if body.get(place..).is_some_and(|ahead| ahead.starts_with(closing)) {
            let inner = body.get(..place).unwrap_or_default();
            return Ok((inner, place + 2 * closing.len()));
        }
        if !long && matches!(character, '\n' | '\r') {
            break;
        }
        escaped = character == '\\' && !raw;
    }
    Err("a text that is not closed")
}

fn text(inner: &str, raw: bool) -> Result<String, &'static str> {
    if raw {
        return Ok(inner.to_owned());
    }
    let mut out = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            let code = escape(&mut characters, true)?;
            out.push(char::from_u32(code).ok_or("an escape that is no character")?);
        } else {
            out.push(character);
        }
    }
    Ok(out)
}

fn bytes(inner: &str, raw: bool) -> Result<Vec<u8>, &'static str> {
    if raw {
        return Ok(inner.as_bytes().to_vec());
    }
    let mut out = Vec::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            let code = escape(&mut characters, false)?;
            out.push(u8::try_from(code).map_err(|_| "an escape that is no byte")?);
        } else {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Ok(out)
}

/// The number that the escape after a backslash stands for; code points only where `unicode` allows them.
fn escape(characters: &mut Chars<'_>, unicode: bool) -> Result<u32, &'static str> {
    const UNKNOWN: &str = "an unknown escape; `\\\\` is a backslash";
    let kind = characters.next().ok_or(UNKNOWN)?;
    let code = match kind {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => 0x0a,
        'r' => 0x0d,
        't' => 0x09,
        'v' => 0x0b,
        '\\' | '?' | '"' | '\'' | '`' => u32::from(kind),
        'x' | 'X' => digits(characters, 2, 16, 0).ok_or(UNKNOWN)?,
        'u' if unicode => digits(characters, 4, 16, 0).ok_or(UNKNOWN)?,
        'U' if unicode => digits(characters, 8, 16, 0).ok_or(UNKNOWN)?,
        '0'..='3' => digits(characters, 2, 8, kind.to_digit(8).unwrap_or_default()).ok_or(UNKNOWN)?,
        _ => return Err(UNKNOWN),
    };
    Ok(code)
}

fn digits(characters: &mut Chars<'_>, count: usize, radix: u32, start: u32) -> Option<u32> {
    let mut number = start;
    for _ in 0..count {
        number = number.checked_mul(radix)? + characters.next()?.to_digit(radix)?;
    }
    Some(number)
}
