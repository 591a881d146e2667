//! One request: with a log-in, again when the log-in was refused, again when the registry is busy.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{HeaderValue, Method, StatusCode};
use reqwest::Response;
use url::Url;

use super::{Answer, Registry, RegistryError};
use crate::authorizer::{Challenge, Scope};

/// A refusal's body is read up to here.
const LONGEST_REFUSAL: usize = 64 << 10;

/// A request that can be made again.
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) scopes: Vec<Scope>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// What is asked, as a verb phrase.
    pub(super) act: String,
    /// Whether the bytes of a blob flow, one way or the other.
    pub(super) bulk: bool,
}

impl Call {
    pub(super) fn new(method: Method, url: Url, scopes: Vec<Scope>, act: String) -> Self {
        Self { method, url, scopes, headers: HeaderMap::new(), body: Bytes::new(), act, bulk: false }
    }

    /// The bytes of a blob flow.
    pub(super) fn bulk(mut self) -> Self {
        self.bulk = true;
        self
    }

    pub(super) fn header(mut self, name: http::HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}

impl Registry {
    /// Asks until there is an answer that more asking would not change, or patience ends.
    pub(super) async fn call(&self, call: &Call) -> Result<Response, RegistryError> {
        let mut failures = 0;
        loop {
            let failed = match self.call_logged_in(call).await {
                Ok(response) if is_busy(response.status()) => self.refusal(response, &call.act).await,
                Ok(response) => return Ok(response),
                Err(error) if error.is_transient() => error,
                Err(error) => return Err(error),
            };
            failures += 1;
            self.pause(failures, failed).await?;
        }
    }

    /// The answer, or the error that the registry's "no" makes.
    pub(super) async fn call_ok(&self, call: &Call) -> Result<Response, RegistryError> {
        let response = self.call(call).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(self.refusal(response, &call.act).await)
    }

    /// Asks for a small answer, and reads it: a cut while reading is a failed try like any other. `None`: there is no such
    /// thing.
    pub(super) async fn call_small(
        &self,
        call: &Call,
        limit: usize,
    ) -> Result<Option<(HeaderMap, Vec<u8>)>, RegistryError> {
        let mut failures = 0;
        loop {
            let response = self.call(call).await?;
            if response.status() == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            if !response.status().is_success() {
                return Err(self.refusal(response, &call.act).await);
            }
            let headers = response.headers().clone();
            match read_up_to(response, limit).await {
                Ok(body) => return Ok(Some((headers, body))),
                Err(cut) => {
                    failures += 1;
                    self.pause(failures, self.unreachable(&call.act, cut)).await?;
                }
            }
        }
    }

    /// Waits before the next try, or gives `failed` back when patience has ended.
    pub(super) async fn pause(&self, failures: u32, failed: RegistryError) -> Result<(), RegistryError> {
        let asked = failed.answer().and_then(|answer| answer.retry_after);
        let Some(length) = self.shared.patience.pause(failures, asked) else { return Err(failed) };
        tracing::debug!(%failed, failures, ?length, "trying again");
        tokio::time::sleep(length).await;
        Ok(())
    }

    /// Asks once; a log-in that is refused is renewed and the request made once more.
    async fn call_logged_in(&self, call: &Call) -> Result<Response, RegistryError> {
        let login = self.login(&call.scopes).await?;
        let first = self.send(call, call.body.clone().into(), login).await?;
        if first.status() != StatusCode::UNAUTHORIZED {
            return Ok(first);
        }
        let challenge = Challenge::from_headers(first.headers());
        match self.renew_login(&call.scopes, challenge.as_ref()).await? {
            Some(login) => self.send(call, call.body.clone().into(), Some(login)).await,
            None => Ok(first),
        }
    }

    /// Asks once, with a body that cannot be made again. The log-in is renewed if it is refused, but the request is
    /// not repeated.
    pub(super) async fn send_once(
        &self,
        call: &Call,
        body: reqwest::Body,
    ) -> Result<Response, RegistryError> {
        let login = self.login(&call.scopes).await?;
        let response = self.send(call, body, login).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let challenge = Challenge::from_headers(response.headers());
            self.renew_login(&call.scopes, challenge.as_ref()).await?;
        }
        Ok(response)
    }

    async fn send(
        &self,
        call: &Call,
        body: reqwest::Body,
        login: Option<HeaderValue>,
    ) -> Result<Response, RegistryError> {
        let client = if call.bulk { &self.shared.bulk } else { &self.shared.client };
        let mut request =
            client.request(call.method.clone(), call.url.clone()).headers(call.headers.clone()).body(body);
        // A registry may send us elsewhere for an upload; what proves who we are stays here.
        if let Some(login) = login.filter(|_| self.shared.endpoint.covers(&call.url)) {
            request = request.header(AUTHORIZATION, login);
        }
        request.send().await.map_err(|error| self.unreachable(&call.act, error))
    }

    /// Makes an error of a response that is a refusal.
    pub(super) async fn refusal(&self, response: Response, act: &str) -> RegistryError {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = read_up_to(response, LONGEST_REFUSAL).await.unwrap_or_default();
        RegistryError::Refused {
            host: self.host().to_owned(),
            act: act.to_owned(),
            answer: Answer::read(status, &headers, &body),
        }
    }

    pub(super) fn unreachable(&self, act: &str, error: reqwest::Error) -> RegistryError {
        // The URL may carry a signature: it never goes into a message.
        let source = error.without_url().into();
        RegistryError::Unreachable { host: self.host().to_owned(), act: act.to_owned(), source }
    }

    pub(super) fn unexpected(&self, act: &str, problem: impl Into<String>) -> RegistryError {
        RegistryError::Unexpected {
            host: self.host().to_owned(),
            act: act.to_owned(),
            problem: problem.into(),
        }
    }
}

fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// The first bytes of a body, at least `limit` of them if there are as many.
pub(super) async fn read_up_to(mut response: Response, limit: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() >= limit {
            break;
        }
    }
    Ok(body)
}
