//! One request: with a log-in, again when the log-in was refused, again when the registry is busy.

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderMap};
use http::{HeaderValue, Method, StatusCode};
use reqwest::Response;
use url::Url;

use super::{Answer, Registry, RegistryError};
use crate::authorizer::{Challenge, Scope};
use crate::stall::Stalled;

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
    /// How many times the stall limit an answer may take.
    pub(super) times: u32,
}

/// How many times the stall limit a registry may take over a whole blob: some read it again before they answer.
pub(super) const WHOLE_BLOB: u32 = 10;

impl Call {
    pub(super) fn new(method: Method, url: Url, scopes: Vec<Scope>, act: String) -> Self {
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        Self { method, url, scopes, headers, body, act, bulk: false, times: 1 }
    }

    /// The registry has a whole blob to look at before it answers.
    pub(super) fn about_a_blob(mut self) -> Self {
        self.times = WHOLE_BLOB;
        self
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
            match self.read_up_to(response, limit, &call.act).await {
                Ok(body) => return Ok(Some((headers, body))),
                Err(cut) => {
                    failures += 1;
                    self.pause(failures, cut).await?;
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
        let first = self.answered(call, login).await?;
        if !self.refuses_login(&first) {
            return Ok(first);
        }
        let challenge = Challenge::from_headers(first.headers());
        match self.renew_login(&call.scopes, challenge.as_ref()).await? {
            Some(login) => self.answered(call, Some(login)).await,
            None => Ok(first),
        }
    }

    /// Asks once, with a body that cannot be made again. The log-in is renewed if it is refused, but the request is
    /// not repeated. Takes as long as the body does: whoever sends it watches over it.
    pub(super) async fn send_once(
        &self,
        call: &Call,
        body: reqwest::Body,
    ) -> Result<Response, RegistryError> {
        let login = self.login(&call.scopes).await?;
        let response = self.answer(&call.act, self.request(call, body, login)).await?;
        self.note(call, &response);
        if self.refuses_login(&response) {
            let challenge = Challenge::from_headers(response.headers());
            self.renew_login(&call.scopes, challenge.as_ref()).await?;
        }
        Ok(response)
    }

    /// Whether the registry itself refuses our log-in. Where it has sent us, nobody's challenge is answered: a log-in would go to
    /// whomever it names.
    fn refuses_login(&self, response: &Response) -> bool {
        response.status() == StatusCode::UNAUTHORIZED && self.shared.endpoint.covers(response.url())
    }

    async fn answered(&self, call: &Call, login: Option<HeaderValue>) -> Result<Response, RegistryError> {
        let request = self.request(call, call.body.clone().into(), login);
        let response = self.in_time(&call.act, call.times, self.answer(&call.act, request)).await?;
        self.note(call, &response);
        Ok(response)
    }

    /// For who wants to see every request. What was asked in words, not its URL: that may hold a signature.
    fn note(&self, call: &Call, response: &Response) {
        let (method, status) = (&call.method, response.status().as_u16());
        tracing::debug!(registry = self.host(), %method, status, "asked to {}", call.act);
    }

    pub(super) async fn answer(
        &self,
        act: &str,
        request: reqwest::RequestBuilder,
    ) -> Result<Response, RegistryError> {
        request.send().await.map_err(|error| self.unreachable(act, error))
    }

    fn request(
        &self,
        call: &Call,
        body: reqwest::Body,
        login: Option<HeaderValue>,
    ) -> reqwest::RequestBuilder {
        let client = if call.bulk { &self.shared.bulk } else { &self.shared.client };
        let request =
            client.request(call.method.clone(), call.url.clone()).headers(call.headers.clone()).body(body);
        // A registry may send us elsewhere for an upload; what proves who we are stays here.
        match login.filter(|_| self.shared.endpoint.covers(&call.url)) {
            Some(login) => request.header(AUTHORIZATION, login),
            None => request,
        }
    }

    /// Makes an error of a response that is a refusal.
    pub(super) async fn refusal(&self, response: Response, act: &str) -> RegistryError {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = self.read_up_to(response, LONGEST_REFUSAL, act).await.unwrap_or_default();
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

    /// A line that stood still is as good as cut.
    pub(super) fn stalled(&self, act: &str, stalled: Stalled) -> RegistryError {
        let (host, act) = (self.host().to_owned(), act.to_owned());
        RegistryError::Unreachable { host, act, source: stalled.into() }
    }

    /// The first bytes of a body, at least `limit` of them if there are as many.
    pub(super) async fn read_up_to(
        &self,
        mut response: Response,
        limit: usize,
        act: &str,
    ) -> Result<Vec<u8>, RegistryError> {
        let (mut body, mut flow) = (Vec::new(), self.flow());
        while body.len() < limit {
            let chunk = flow.wait(response.chunk()).await.map_err(|stalled| self.stalled(act, stalled))?;
            let Some(chunk) = chunk.map_err(|cut| self.unreachable(act, cut))? else { break };
            flow.flowed(chunk.len() as u64);
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    pub(crate) fn unexpected(&self, act: &str, problem: impl Into<String>) -> RegistryError {
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
