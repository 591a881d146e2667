//! Reads a JSON Web Token without verifying it: header and claims, so that both can be compared and shown.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

mod claims;
mod facts;

pub use claims::{Claims, TokenVersion};
pub use facts::{Standing, Validity};

/// Longest token that is looked at. Entra's and Google's stay far below.
pub const MAX_TOKEN_BYTES: usize = 64 * 1024;

/// What a token says, unverified. The token itself is not kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// How it says it was signed.
    pub header: Header,
    /// What it says about its bearer.
    pub claims: Claims,
}

/// The header of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Signature algorithm, as `RS256`.
    pub alg: String,
    /// Which key of the issuer signed it.
    pub kid: Option<String>,
    /// Media type, mostly `JWT`.
    pub typ: Option<String>,
}

/// Why a text is no readable token. Never holds any of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Nothing there.
    #[error("the token is empty, expected three parts separated by dots; was its file written?")]
    Empty,
    /// Longer than any token we know.
    #[error("the token has {length} bytes, expected at most {MAX_TOKEN_BYTES}; is it really a token?")]
    TooLong {
        /// Bytes found.
        length: usize,
    },
    /// The value of a header field, and not the token in it.
    #[error(
        "the token starts with the word `Bearer`, expected the bare token; drop the word and the space after it"
    )]
    BearerPrefix,
    /// White space, quotes and the like around it.
    #[error("the token holds {what}, expected only letters, digits, `-`, `_` and dots; pass the bare token")]
    StrayCharacter {
        /// The sort of character.
        what: &'static str,
    },
    /// Not `header.claims.signature`.
    #[error(
        "the token has {found} dot-separated parts, expected 3; an opaque token (Google's `ya29.…`) has no claims to read"
    )]
    Parts {
        /// Parts found.
        found: usize,
    },
    /// A part is not base64url.
    #[error(
        "the token's {part} is not base64url without padding; was it cut short or copied with an ellipsis?"
    )]
    Encoding {
        /// `header` or `claims`.
        part: &'static str,
    },
    /// A part is not a JSON object.
    #[error("the token's {part} is not a JSON object; was it cut short, or is it an encrypted token?")]
    Json {
        /// `header` or `claims`.
        part: &'static str,
    },
    /// The header names no algorithm.
    #[error("the token's header has no `alg`, expected a signature algorithm as `RS256`")]
    NoAlgorithm,
}

/// Reads `jwt` without verifying anything.
pub fn decode(jwt: &str) -> Result<Token, DecodeError> {
    refuse_obvious(jwt)?;
    let parts: Vec<&str> = jwt.split('.').collect();
    let [header, claims, _signature] = parts.as_slice() else {
        return Err(DecodeError::Parts { found: parts.len() });
    };
    let header = header_of(&object(header, "header")?)?;
    let claims = Claims::from_map(object(claims, "claims")?);
    Ok(Token { header, claims })
}

fn refuse_obvious(jwt: &str) -> Result<(), DecodeError> {
    if jwt.is_empty() {
        return Err(DecodeError::Empty);
    }
    if jwt.len() > MAX_TOKEN_BYTES {
        return Err(DecodeError::TooLong { length: jwt.len() });
    }
    if jwt.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("bearer ")) {
        return Err(DecodeError::BearerPrefix);
    }
    match jwt.chars().find_map(stray) {
        Some(what) => Err(DecodeError::StrayCharacter { what }),
        None => Ok(()),
    }
}

/// The sort of a character that no token holds.
fn stray(character: char) -> Option<&'static str> {
    match character {
        '\n' | '\r' => Some("a line break"),
        '"' | '\'' => Some("a quote"),
        other if other.is_whitespace() => Some("white space"),
        other if other.is_control() || !other.is_ascii() => Some("a character outside ASCII"),
        _ => None,
    }
}

fn object(part: &str, name: &'static str) -> Result<Map<String, Value>, DecodeError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| DecodeError::Encoding { part: name })?;
    serde_json::from_slice(&bytes).map_err(|_| DecodeError::Json { part: name })
}

fn header_of(map: &Map<String, Value>) -> Result<Header, DecodeError> {
    let text = |name: &str| map.get(name).and_then(Value::as_str).map(str::to_owned);
    let alg = text("alg").ok_or(DecodeError::NoAlgorithm)?;
    Ok(Header { alg, kid: text("kid"), typ: text("typ") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn jwt(header: &Value, claims: &Value) -> String {
        format!("{}.{}.c2ln", part(header), part(claims))
    }

    #[test]
    fn reads_header_and_claims() {
        let token =
            decode(&jwt(&json!({"alg": "RS256", "kid": "k1", "typ": "JWT"}), &json!({"sub": "s"}))).unwrap();
        assert_eq!(
            token.header,
            Header { alg: "RS256".into(), kid: Some("k1".into()), typ: Some("JWT".into()) }
        );
        assert_eq!(token.claims.subject(), Some("s"));
    }

    #[test]
    fn refuses_what_is_no_token() {
        let good = jwt(&json!({"alg": "RS256"}), &json!({}));
        let array = format!("{}.{}.x", part(&json!({"alg": "RS256"})), part(&json!([1])));
        let table = [
            (String::new(), DecodeError::Empty),
            ("ya29.opaque".into(), DecodeError::Parts { found: 2 }),
            ("one".into(), DecodeError::Parts { found: 1 }),
            ("a.b.c.d.e".into(), DecodeError::Parts { found: 5 }),
            (format!("Bearer {good}"), DecodeError::BearerPrefix),
            (format!("{good}\n"), DecodeError::StrayCharacter { what: "a line break" }),
            (format!("\"{good}\""), DecodeError::StrayCharacter { what: "a quote" }),
            (format!(" {good}"), DecodeError::StrayCharacter { what: "white space" }),
            ("é.b.c".into(), DecodeError::StrayCharacter { what: "a character outside ASCII" }),
            ("a*.b.c".into(), DecodeError::Encoding { part: "header" }),
            (format!("{}.a.c", part(&json!({"alg": "RS256"}))), DecodeError::Encoding { part: "claims" }),
            (array, DecodeError::Json { part: "claims" }),
            (jwt(&json!({}), &json!({})), DecodeError::NoAlgorithm),
            ("x".repeat(MAX_TOKEN_BYTES + 1), DecodeError::TooLong { length: MAX_TOKEN_BYTES + 1 }),
        ];
        for (text, expected) in table {
            assert_eq!(decode(&text), Err(expected), "{}", text.get(..20).unwrap_or(&text));
        }
    }

    #[test]
    fn errors_and_values_never_hold_the_token() {
        let secret = "c2VjcmV0c2VjcmV0";
        for text in [format!("Bearer {secret}"), format!("{secret}.x"), format!("{secret}.{secret}.{secret}")]
        {
            let shown = format!("{0} {0:?}", decode(&text).unwrap_err());
            assert!(!shown.contains(secret), "{shown}");
        }
        let good = format!("{}.{}.{secret}", part(&json!({"alg": "RS256"})), part(&json!({"sub": "s"})));
        assert!(!format!("{:?}", decode(&good).unwrap()).contains(secret));
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,200}") {
            let _ = decode(&text);
        }

        #[test]
        fn never_panics_on_token_shapes(a in "[A-Za-z0-9_=-]{0,60}", b in "[A-Za-z0-9_=-]{0,60}") {
            let _ = decode(&format!("{a}.{b}."));
        }

        #[test]
        fn never_panics_on_any_header_and_claims(header in ".{0,60}", claims in ".{0,120}") {
            let text = format!("{}.{}.x", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
            let _ = decode(&text);
        }
    }
}
