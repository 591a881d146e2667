//! The words of an expression.

use std::ops::Range;
use std::rc::Rc;

use super::literal;
use super::value::Value;

/// One word.
#[derive(Debug, Clone)]
pub(super) enum Token {
    Identifier(Rc<str>),
    /// A field in backticks.
    Quoted(Rc<str>),
    /// The digits of a whole number, without its sign.
    Int(u64),
    /// Any other literal.
    Literal(Value),
    /// An operator or bracket, or `in`.
    Symbol(&'static str),
    End,
}

/// A word that cannot be read: where, and what is wrong with it.
pub(super) type Fault = (usize, &'static str);

/// Longest first, so that `<=` is not `<`.
const SYMBOLS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",", "(", ")",
    "[", "]", "{", "}", "@",
];

/// Words that stand for no variable: <https://github.com/google/cel-spec/blob/master/doc/langdef.md#syntax>.
pub(super) const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Takes `source` apart; the last token is [`Token::End`].
pub(super) fn tokens(source: &str) -> Result<Vec<(Token, Range<usize>)>, Fault> {
    let mut tokens = Vec::new();
    let mut place = 0;
    loop {
        place += blank(source.get(place..).unwrap_or_default());
        let rest = source.get(place..).unwrap_or_default();
        if rest.is_empty() {
            tokens.push((Token::End, place..place));
            return Ok(tokens);
        }
        let (token, length) = token(rest).map_err(|what| (place, what))?;
        tokens.push((token, place..place + length));
        place += length;
    }
}

/// Bytes of white space and comments at the start.
fn blank(rest: &str) -> usize {
    let mut ahead = rest;
    loop {
        let bare = ahead.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
        let after = match bare.strip_prefix("//") {
            Some(comment) => comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or_default(),
            None => bare,
        };
        if after.len() == ahead.len() {
            return rest.len() - ahead.len();
        }
        ahead = after;
    }
}

fn token(rest: &str) -> Result<(Token, usize), &'static str> {
    if let Some(literal) = literal::read(rest) {
        return literal.map(|(value, length)| (Token::Literal(value), length));
    }
    let mut characters = rest.chars();
    let (first, second) = (characters.next().unwrap_or_default(), characters.next().unwrap_or_default());
    if first.is_ascii_digit() || (first == '.' && second.is_ascii_digit()) {
        return number(rest);
    }
    if first == '_' || first.is_ascii_alphabetic() {
        let length =
            rest.find(|other: char| other != '_' && !other.is_ascii_alphanumeric()).unwrap_or(rest.len());
        return Ok((word(rest.get(..length).unwrap_or_default()), length));
    }
    if first == '`' {
        return quoted(rest);
    }
    let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
    symbol.map(|symbol| (Token::Symbol(symbol), symbol.len())).ok_or("a character that no expression holds")
}

fn word(word: &str) -> Token {
    match word {
        "true" => Token::Literal(Value::Bool(true)),
        "false" => Token::Literal(Value::Bool(false)),
        "null" => Token::Literal(Value::Null),
        "in" => Token::Symbol("in"),
        other => Token::Identifier(other.into()),
    }
}

fn quoted(rest: &str) -> Result<(Token, usize), &'static str> {
    let body = rest.get(1..).unwrap_or_default();
    let end = body.find('`').ok_or("a field in backticks that is not closed")?;
    let name = body.get(..end).unwrap_or_default();
    let fits = |character: char| character.is_ascii_alphanumeric() || "_.-/ ".contains(character);
    if name.is_empty() || !name.chars().all(fits) {
        return Err("a field in backticks may hold letters, digits, `_`, `.`, `-`, `/` and spaces");
    }
    Ok((Token::Quoted(name.into()), end + 2))
}

fn number(rest: &str) -> Result<(Token, usize), &'static str> {
    const TOO_LARGE: &str = "a number that is too large";
    let hexadecimal = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"));
    let (digits, radix, prefix) = match hexadecimal {
        Some(digits) => (digits, 16, 2),
        None => (rest, 10, 0),
    };
    let count = digits.find(|other: char| !other.is_digit(radix)).unwrap_or(digits.len());
    if radix == 10
        && let Some(length) = fraction(rest, count)
    {
        let number: f64 = rest.get(..length).and_then(|text| text.parse().ok()).ok_or("no number")?;
        return if number.is_finite() {
            Ok((Token::Literal(Value::Double(number)), length))
        } else {
            Err(TOO_LARGE)
        };
    }
    let whole = u64::from_str_radix(digits.get(..count).unwrap_or_default(), radix).map_err(|error| {
        if *error.kind() == std::num::IntErrorKind::PosOverflow { TOO_LARGE } else { "digits are missing" }
    })?;
    let length = prefix + count;
    if rest.get(length..).is_some_and(|after| after.starts_with(['u', 'U'])) {
        return Ok((Token::Literal(Value::Uint(whole)), length + 1));
    }
    Ok((Token::Int(whole), length))
}

/// The length of a number with a fraction or an exponent, after `count` whole digits.
fn fraction(rest: &str, count: usize) -> Option<usize> {
    let digits = |from: usize| {
        let tail = rest.get(from..).unwrap_or_default();
        tail.find(|other: char| !other.is_ascii_digit()).unwrap_or(tail.len())
    };
    let starts = |from: usize, with: &[char]| rest.get(from..).is_some_and(|tail| tail.starts_with(with));
    let mut length = count;
    if starts(length, &['.']) && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
    }
    if starts(length, &['e', 'E']) {
        let sign = usize::from(starts(length + 1, &['+', '-']));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    (length > count).then_some(length)
}
