//! Google STS: an external token in, a federated Google token out (RFC 8693).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use crate::CLOUD_PLATFORM;
use crate::answer::{Answer, ask, expiry, words};
use crate::secret::{AccessToken, Secret};

/// Without `expires_in` (the RFC makes it optional) we trust a token this many seconds.
const UNSTATED_LIFE: u64 = 300;

/// Why there is no federated token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeError {
    /// STS said no.
    #[error("Google STS refused the exchange: {error}: {description}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// `invalid_grant`, `unauthorized_client`, …
        error: String,
        /// STS's own words.
        description: String,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// The answer is not what the service documents.
    #[error("Google STS gave an answer we cannot use (HTTP status {status}): {problem}")]
    Malformed {
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        problem: String,
    },
    /// No answer.
    #[error("cannot reach Google STS: {problem}")]
    Unreachable {
        /// The network's words.
        problem: String,
    },
}

impl ExchangeError {
    /// The HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Malformed { status, .. } => Some(*status),
            Self::Unreachable { .. } => None,
        }
    }
}

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct Sts {
    /// Its client.
    pub(crate) http: reqwest::Client,
    /// `https://sts.googleapis.com`.
    pub(crate) address: Url,
}

impl Sts {
    /// Exchanges `subject` (a JWT) for a federated token. `provider` is the full resource name of the workload identity
    /// provider, with its leading `//`.
    pub(crate) async fn exchange(
        &self,
        provider: &str,
        subject: &Secret,
        now: Timestamp,
    ) -> Result<AccessToken, ExchangeError> {
        let url = format!("{}/v1/token", self.address.as_str().trim_end_matches('/'));
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("audience", provider),
            ("scope", CLOUD_PLATFORM),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
            ("subject_token", subject.expose()),
        ];
        // No authorization header: the service may refuse a call that has one.
        let answer = ask(|| self.http.post(&url).form(&form))
            .await
            .map_err(|problem| ExchangeError::Unreachable { problem })?;
        if answer.is_success() { token(&answer, now) } else { Err(refusal(answer)) }
    }
}

fn token(answer: &Answer, now: Timestamp) -> Result<AccessToken, ExchangeError> {
    let malformed = |problem: String| ExchangeError::Malformed { status: answer.status, problem };
    let body = answer.body.as_ref().map_err(|problem| malformed((*problem).to_owned()))?;
    let kind = body.get("token_type").and_then(Value::as_str).unwrap_or_default();
    if !kind.eq_ignore_ascii_case("Bearer") {
        return Err(malformed("`token_type` is not `Bearer`".to_owned()));
    }
    let secret = body.get("access_token").and_then(Value::as_str).unwrap_or_default();
    let secret =
        Secret::token(secret.to_owned()).map_err(|error| malformed(format!("`access_token`: {error}")))?;
    let life = body.get("expires_in").cloned().unwrap_or_else(|| UNSTATED_LIFE.into());
    let expires_at = expiry(now, &life).map_err(|problem| malformed(format!("`expires_in`: {problem}")))?;
    Ok(AccessToken { secret, expires_at })
}

/// The OAuth form `{error, error_description}`; some failures come in Google's own form `{error: {status, message}}`.
fn refusal(answer: Answer) -> ExchangeError {
    let (status, retry_after) = (answer.status, answer.retry_after);
    let body = match answer.body {
        Ok(body) => body,
        Err(problem) => return ExchangeError::Malformed { status, problem: problem.to_owned() },
    };
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(words);
    let Some(error) = text("/error").or_else(|| text("/error/status")) else {
        return ExchangeError::Malformed { status, problem: "no `error` in it".to_owned() };
    };
    let description = text("/error_description").or_else(|| text("/error/message")).unwrap_or_default();
    ExchangeError::Refused { status, error, description, retry_after }
}
