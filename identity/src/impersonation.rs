//! IAM credentials: a federated token in, a service account's token out.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};
use url::Url;

use crate::answer::{Answer, ask, expiry_at, words};
use crate::secret::{AccessToken, Secret};
use crate::{CLOUD_PLATFORM, USERINFO_EMAIL};

/// Why there is no service-account token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImpersonationError {
    /// IAM credentials said no.
    #[error("IAM credentials refused a token for `{account}`: {message}")]
    Refused {
        /// The service account.
        account: String,
        /// HTTP status.
        status: u16,
        /// `IAM_PERMISSION_DENIED`, …, or the status word if no reason is given.
        reason: Option<String>,
        /// The permission that is missing, `iam.serviceAccounts.getAccessToken`.
        permission: Option<String>,
        /// The service's own words.
        message: String,
        /// How long it asked us to wait.
        retry_after: Option<Duration>,
    },
    /// The answer is not what the service documents.
    #[error(
        "IAM credentials gave an answer for `{account}` that we cannot use (HTTP status {status}): {problem}"
    )]
    Malformed {
        /// The service account.
        account: String,
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        problem: String,
    },
    /// No answer.
    #[error("cannot reach IAM credentials: {problem}")]
    Unreachable {
        /// The network's words.
        problem: String,
    },
    /// Not the e-mail address of a service account.
    #[error("`{0}` is no service account; expected `NAME@PROJECT.iam.gserviceaccount.com`")]
    NoAccount(String),
}

impl ImpersonationError {
    /// The HTTP status of the answer, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } | Self::Malformed { status, .. } => Some(*status),
            Self::Unreachable { .. } | Self::NoAccount(_) => None,
        }
    }
}

/// The service.
#[derive(Debug, Clone)]
pub(crate) struct IamCredentials {
    /// Its client.
    pub(crate) http: reqwest::Client,
    /// `https://iamcredentials.googleapis.com`.
    pub(crate) address: Url,
}

impl IamCredentials {
    /// A token for `account` that lives for `lifetime`, asked for with `caller`'s token.
    pub(crate) async fn generate_access_token(
        &self,
        account: &str,
        caller: &Secret,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<AccessToken, ImpersonationError> {
        if !is_account(account) {
            return Err(ImpersonationError::NoAccount(account.to_owned()));
        }
        let base = self.address.as_str().trim_end_matches('/');
        let url = format!("{base}/v1/projects/-/serviceAccounts/{account}:generateAccessToken");
        let lifetime = format!("{}s", lifetime.as_secs());
        let body = json!({ "scope": [CLOUD_PLATFORM, USERINFO_EMAIL], "lifetime": lifetime });
        let answer = ask(|| self.http.post(&url).header(AUTHORIZATION, caller.header()).json(&body))
            .await
            .map_err(|problem| ImpersonationError::Unreachable { problem })?;
        if answer.is_success() { token(account, &answer, now) } else { Err(refusal(account, answer)) }
    }
}

/// Whether `text` is an e-mail address that can stand in a path as it is.
fn is_account(text: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    text.split_once('@').is_some_and(|(name, domain)| plain(name) && plain(domain))
}

fn token(account: &str, answer: &Answer, now: Timestamp) -> Result<AccessToken, ImpersonationError> {
    let malformed = |problem: String| ImpersonationError::Malformed {
        account: account.to_owned(),
        status: answer.status,
        problem,
    };
    let body = answer.body.as_ref().map_err(|problem| malformed((*problem).to_owned()))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let secret = Secret::token(text("accessToken").to_owned())
        .map_err(|error| malformed(format!("`accessToken`: {error}")))?;
    let expires_at = expiry_at(now, text("expireTime"))
        .map_err(|problem| malformed(format!("`expireTime`: {problem}")))?;
    Ok(AccessToken { secret, expires_at })
}

fn refusal(account: &str, answer: Answer) -> ImpersonationError {
    let (account, status, retry_after) = (account.to_owned(), answer.status, answer.retry_after);
    let body = match answer.body {
        Ok(body) => body,
        Err(problem) => {
            return ImpersonationError::Malformed { account, status, problem: problem.to_owned() };
        }
    };
    let Some(message) = body.pointer("/error/message").and_then(Value::as_str).map(words) else {
        return ImpersonationError::Malformed {
            account,
            status,
            problem: "no `error.message` in it".to_owned(),
        };
    };
    let info = error_info(&body);
    let detail =
        |pointer: &str| info.and_then(|info| info.pointer(pointer)).and_then(Value::as_str).map(words);
    let status_word = || body.pointer("/error/status").and_then(Value::as_str).map(words);
    ImpersonationError::Refused {
        account,
        status,
        reason: detail("/reason").or_else(status_word),
        permission: detail("/metadata/permission"),
        message,
        retry_after,
    }
}

/// The `google.rpc.ErrorInfo` among the details of an error.
fn error_info(body: &Value) -> Option<&Value> {
    body.pointer("/error/details")?.as_array()?.iter().find(|detail| {
        detail.get("@type").and_then(Value::as_str) == Some("type.googleapis.com/google.rpc.ErrorInfo")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_can_stand_in_a_path_are_asked_for() {
        assert!(is_account("gp-oncology@harbour-sandbox.iam.gserviceaccount.com"));
        for odd in ["", "@", "a@", "@b", "gp-a", "a@b/../c", "a/b@c", "a@b?x=y", "a@b#c", "a@b@c", "ä@b.com"]
        {
            assert!(!is_account(odd), "{odd}");
        }
    }
}
