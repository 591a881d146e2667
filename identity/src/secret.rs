//! Secrets as types that cannot be shown.

use http::HeaderValue;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

/// A token or password. Its content leaves only as a header marked sensitive, or inside this crate.
#[derive(Clone)]
pub struct Secret(SecretString);

/// A secret that no header can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Nothing in it.
    #[error("the token is empty")]
    Empty,
    /// Line breaks, control characters, or not ASCII.
    #[error("the token holds characters that no token has")]
    Characters,
}

impl Secret {
    /// Takes a token. Refuses one that could not be sent in a header.
    pub fn token(text: String) -> Result<Self, Unusable> {
        if text.is_empty() {
            return Err(Unusable::Empty);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Unusable::Characters);
        }
        Ok(Self(SecretString::from(text)))
    }

    /// The content, for requests made by this crate.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `Bearer …`, marked sensitive.
    pub fn header(&self) -> HeaderValue {
        // The constructor admitted graphic ASCII alone, so the conversion cannot fail; an empty header would be
        // answered 401, never sent as somebody else.
        let mut header = HeaderValue::from_str(&format!("Bearer {}", self.expose()))
            .unwrap_or_else(|_| HeaderValue::from_static(""));
        header.set_sensitive(true);
        header
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}

/// An access token and the time it stops working.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The token.
    pub secret: Secret,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl AccessToken {
    /// `Bearer …`, marked sensitive.
    pub fn header(&self) -> HeaderValue {
        self.secret.header()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "ya29.c.b0Aaekm1K-very_secret";

    fn token() -> AccessToken {
        AccessToken { secret: Secret::token(TOKEN.to_owned()).unwrap(), expires_at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn no_format_shows_the_content() {
        let token = token();
        let shown =
            format!("{token:?} {token:#?} {:?} {:#?} {:?}", token.secret, token.secret, token.header());
        assert!(!shown.contains("ya29") && !shown.contains("very_secret"), "{shown}");
        assert!(shown.contains("Sensitive"), "{shown}");
    }

    #[test]
    fn the_header_carries_the_content() {
        let header = token().header();
        assert!(header.is_sensitive());
        assert_eq!(header.to_str().unwrap(), format!("Bearer {TOKEN}"));
    }

    #[test]
    fn what_no_header_can_carry_is_refused() {
        assert_eq!(Secret::token(String::new()).err(), Some(Unusable::Empty));
        for odd in ["a b", "a\nb", "a\r\nX-Evil: 1", "tök", "a\0"] {
            assert_eq!(Secret::token(odd.to_owned()).err(), Some(Unusable::Characters), "{odd:?}");
        }
    }
}
