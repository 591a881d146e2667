//! Logging in to a registry: the question that is asked, and the challenge it answers.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use http::HeaderValue;
use http::header::{HeaderMap, WWW_AUTHENTICATE};
use url::Url;

use crate::BoxError;

/// Gives the `Authorization` header for requests to registries. Asked for every request, so that a token that runs
/// out in the middle of a transfer is replaced; it caches for itself.
#[async_trait]
pub trait Authorizer: Send + Sync {
    /// The header to send, marked sensitive, or `None` to go without.
    async fn authorize(&self, ask: &Ask<'_>) -> Result<Option<HeaderValue>, BoxError>;
}

/// What an [`Authorizer`] is asked.
#[derive(Debug)]
pub struct Ask<'a> {
    /// The registry's host, with its port if it has one.
    pub registry: &'a str,
    /// Where the header will be sent.
    pub purpose: Purpose<'a>,
    /// What the request needs.
    pub scopes: &'a [Scope],
    /// The challenge of the 401 that led here, if one did.
    pub challenge: Option<&'a Challenge>,
    /// Whether the header given last was just refused: a cached token must not be given again.
    pub refused: bool,
}

/// Where a header will be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// To the registry itself.
    Request,
    /// To the token service that the registry named, for a token of the registry's own.
    Exchange {
        /// The token service.
        realm: &'a Url,
    },
}

/// Access to one repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    /// The repository.
    pub repository: String,
    /// What is done there.
    pub access: Access,
}

/// What is done in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

/// A `Www-Authenticate` challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// `bearer`, `basic`, … in lower case.
    pub scheme: String,
    /// `realm`, `service`, `scope`, `error`, by lower-case name.
    pub parameters: BTreeMap<String, String>,
}

/// Logs in nowhere: for public images.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

#[async_trait]
impl Authorizer for Anonymous {
    async fn authorize(&self, _ask: &Ask<'_>) -> Result<Option<HeaderValue>, BoxError> {
        Ok(None)
    }
}

impl Scope {
    /// Reading from a repository.
    pub fn pull(repository: &str) -> Self {
        Self { repository: repository.to_owned(), access: Access::Pull }
    }

    /// Reading from and writing to a repository.
    pub fn push(repository: &str) -> Self {
        Self { repository: repository.to_owned(), access: Access::Push }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions = match self.access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        write!(f, "repository:{}:{actions}", self.repository)
    }
}

impl Challenge {
    /// The first `Bearer` challenge of an answer, else the first one.
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let all: Vec<Self> = headers
            .get_all(WWW_AUTHENTICATE)
            .iter()
            .filter_map(|value| Self::parse(value.to_str().ok()?))
            .collect();
        all.iter().find(|challenge| challenge.scheme == "bearer").or_else(|| all.first()).cloned()
    }

    /// Reads one challenge: a scheme, then `name="value"` pairs.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, mut rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let mut parameters = BTreeMap::new();
        while let Some((name, after)) = rest.split_once('=') {
            let (value, remainder) = parameter_value(after.trim_start());
            parameters.insert(name.trim().to_ascii_lowercase(), value);
            rest = remainder.trim_start().trim_start_matches(',');
        }
        (!scheme.is_empty()).then(|| Self { scheme: scheme.to_ascii_lowercase(), parameters })
    }

    /// The token service that a `Bearer` challenge names.
    pub fn realm(&self) -> Option<Url> {
        if self.scheme != "bearer" {
            return None;
        }
        Url::parse(self.parameters.get("realm")?).ok()
    }
}

/// Splits a quoted or bare value off the front of `text`.
fn parameter_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.trim().to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let text = r#"Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push",error=invalid_token"#;
        let challenge = Challenge::parse(text).unwrap();
        assert_eq!(challenge.realm().unwrap().as_str(), "https://auth.example/token");
        for (name, value) in [
            ("service", "registry.example"),
            ("scope", "repository:a/b:pull,push"),
            ("error", "invalid_token"),
        ] {
            assert_eq!(challenge.parameters.get(name).map(String::as_str), Some(value));
        }
    }

    #[test]
    fn odd_challenges_do_no_harm() {
        assert_eq!(Challenge::parse(""), None);
        let basic = Challenge::parse(r#"Basic realm="a \"quoted\" one", charset="UTF-8""#).unwrap();
        assert_eq!(basic.parameters.get("realm").map(String::as_str), Some(r#"a "quoted" one"#));
        assert_eq!(basic.parameters.get("charset").map(String::as_str), Some("UTF-8"));
        assert_eq!(basic.realm(), None);
        assert_eq!(Challenge::parse(r#"Bearer realm="unclosed"#).unwrap().realm(), None);
        assert!(Challenge::parse("Negotiate").unwrap().parameters.is_empty());
    }

    #[test]
    fn bearer_wins_over_basic() {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"x\""));
        headers.append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"https://a/t\""));
        assert_eq!(Challenge::from_headers(&headers).unwrap().scheme, "bearer");
    }
}
