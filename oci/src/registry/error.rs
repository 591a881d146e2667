//! Why a registry did not do what was asked.

use std::time::Duration;

use http::header::{HeaderMap, RETRY_AFTER};

use crate::BoxError;

/// Why a registry did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The registry said no.
    #[error("{host} did not {act}: {answer}")]
    Refused {
        /// The registry.
        host: String,
        /// What it was asked, as a verb phrase.
        act: String,
        /// What it said.
        answer: Answer,
    },
    /// There was no answer, or it was cut.
    #[error("the connection to {host} failed while trying to {act}")]
    Unreachable {
        /// The registry.
        host: String,
        /// What was tried, as a verb phrase.
        act: String,
        /// What happened.
        source: BoxError,
    },
    /// Content is not what its digest promises.
    #[error("{what} is not what was promised: expected {expected}, found {found}")]
    Digest {
        /// The content.
        what: String,
        /// The digest it should have.
        expected: String,
        /// The digest it has.
        found: String,
    },
    /// Content is longer or shorter than declared.
    #[error("{what} has the wrong size: expected {expected} bytes, found {found}")]
    Size {
        /// The content.
        what: String,
        /// The size it should have.
        expected: u64,
        /// The size it has.
        found: u64,
    },
    /// The bytes to send could not be had.
    #[error("the bytes of {what} could not be read")]
    Source {
        /// The content.
        what: String,
        /// Why.
        source: BoxError,
    },
    /// No log-in could be had.
    #[error("no log-in for {host}")]
    LogIn {
        /// The registry.
        host: String,
        /// Why.
        source: BoxError,
    },
    /// The registry's answer makes no sense, or must not be followed.
    #[error("{host} answered in an unexpected way when asked to {act}: {problem}")]
    Unexpected {
        /// The registry.
        host: String,
        /// What it was asked, as a verb phrase.
        act: String,
        /// What is wrong with the answer.
        problem: String,
    },
}

/// A registry's "no".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The registry's own code, `MANIFEST_UNKNOWN`, `DENIED`, …
    pub code: Option<String>,
    /// The registry's own words, or the status in words.
    pub message: String,
    /// How long it asked us to wait.
    pub retry_after: Option<Duration>,
}

impl RegistryError {
    /// The registry's "no", if it gave one.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Refused { answer, .. } => Some(answer),
            _ => None,
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused { answer, .. } => answer.is_transient(),
            Self::Unreachable { .. } => true,
            _ => false,
        }
    }
}

impl Answer {
    /// Reads an answer. Only the registry's error envelope is quoted: any other body may hold anything.
    pub(crate) fn read(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let first = first_error(body);
        let reason = http::StatusCode::from_u16(status).ok().and_then(|it| it.canonical_reason());
        let (code, message) = first.unwrap_or_default();
        let own_word = if is_tls(status, body) { Some(SPEAKS_TLS) } else { reason };
        Self {
            status,
            code,
            message: message.unwrap_or_else(|| own_word.unwrap_or("no reason given").to_owned()),
            retry_after: retry_after(headers),
        }
    }

    /// Whether waiting may help.
    pub fn is_transient(&self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 502 | 503 | 504)
    }

    /// Whether the registry has no such thing.
    pub fn is_not_found(&self) -> bool {
        self.status == 404
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.status, self.message)?;
        match &self.code {
            Some(code) => write!(f, " ({code})"),
            None => Ok(()),
        }
    }
}

const SPEAKS_TLS: &str = "it speaks TLS: put `https://` before the image's name";

/// What servers in Go (`net/http`) and nginx say to plain http where they speak TLS.
const WORDS_FOR_PLAIN_HTTP: [&str; 2] =
    ["Client sent an HTTP request to an HTTPS server", "The plain HTTP request was sent to HTTPS port"];

fn is_tls(status: u16, body: &[u8]) -> bool {
    let says = |words: &&str| String::from_utf8_lossy(body).contains(*words);
    status == 400 && WORDS_FOR_PLAIN_HTTP.iter().any(says)
}

type CodeAndMessage = (Option<String>, Option<String>);

fn first_error(body: &[u8]) -> Option<CodeAndMessage> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let first = body.get("errors")?.get(0)?;
    let text = |name: &str| {
        let text = first.get(name)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    Some((text("code"), text("message")))
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_registrys_own_words_are_kept() {
        let body = br#"{"errors":[{"code":"DENIED","message":"Permission \"x\" denied","detail":null}]}"#;
        let answer = Answer::read(403, &HeaderMap::new(), body);
        assert_eq!(answer.to_string(), "403 Permission \"x\" denied (DENIED)");
        assert!(!answer.is_transient());
    }

    #[test]
    fn plain_http_where_tls_is_spoken_is_said() {
        let answer =
            Answer::read(400, &HeaderMap::new(), b"Client sent an HTTP request to an HTTPS server.\n");
        assert_eq!(answer.to_string(), format!("400 {SPEAKS_TLS}"));
    }

    #[test]
    fn other_bodies_are_not_quoted() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        let answer = Answer::read(429, &headers, b"<html>secret</html>");
        assert_eq!(answer.to_string(), "429 Too Many Requests");
        assert_eq!(answer.retry_after, Some(Duration::from_secs(7)));
        assert!(answer.is_transient());
    }
}
