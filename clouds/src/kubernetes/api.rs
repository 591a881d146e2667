//! Requests to the API server: with a header that is valid now, and again when the server asks for patience.

use std::time::Duration;

use bridge::port::{PortError, PortResult, Refused};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http::{HeaderValue, Method, Request};
use http_body_util::BodyExt;
use identity::Bearer;
use serde_json::Value;

use super::SERVICE;
use crate::error;

/// How often a request is made in all when the server is too busy.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The API server.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) client: kube::Client,
    /// Who speaks; `None` if the client's own configuration says it.
    pub(super) bearer: Option<Bearer>,
}

/// What a request carries.
pub(super) enum Body<'a> {
    Nothing,
    Json(&'a Value),
    /// An object to be applied.
    Apply(&'a Value),
    /// Passed through to a service, as JSON.
    Raw(Bytes),
}

/// What follows when an answer is lost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// The request is made again.
    IsRepeated,
    /// The request may have done what it does: its maker decides.
    IsFinal,
}

/// What came back.
pub(super) struct Reply {
    pub(super) status: u16,
    headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Api {
    /// Sends a request and reads the object that comes back. Everything but a `POST` may be sent again when its answer
    /// was lost: what we send says how things shall be, not what to do.
    pub(super) async fn json(&self, method: Method, path: &str, body: Body<'_>) -> PortResult<Value> {
        let loss = if method == Method::POST { Loss::IsFinal } else { Loss::IsRepeated };
        let reply = self.send_patiently(method, path, body, loss).await?;
        if !(200..300).contains(&reply.status) {
            return Err(reply.refusal());
        }
        serde_json::from_slice(&reply.body).map_err(|problem| {
            error::own(SERVICE, Refused::Invalid, format!("the answer is no object: {problem}"))
        })
    }

    /// Sends a request, whatever the answer.
    pub(super) async fn send(&self, method: Method, path: &str, body: Body<'_>) -> PortResult<Reply> {
        self.send_patiently(method, path, body, Loss::IsFinal).await
    }

    async fn send_patiently(
        &self,
        method: Method,
        path: &str,
        body: Body<'_>,
        loss: Loss,
    ) -> PortResult<Reply> {
        let content_type = body.content_type();
        let bytes = body.into_bytes();
        let mut renewed = false;
        let mut failures = 0;
        loop {
            let answered = self.once(&method, path, content_type, &bytes).await;
            let wait = match &answered {
                Ok(reply) if reply.status == 401 && !renewed => {
                    renewed = true;
                    if let Some(bearer) = &self.bearer {
                        bearer.renew().await;
                    }
                    continue;
                }
                // Only this status promises that nothing was done yet.
                Ok(reply) if reply.status == 429 => reply.retry_after(),
                Ok(reply) if reply.status == 503 && loss == Loss::IsRepeated => reply.retry_after(),
                Err(failed) if failed.is_transient() && loss == Loss::IsRepeated => None,
                _ => return answered,
            };
            failures += 1;
            match pause(failures, wait) {
                Some(length) => tokio::time::sleep(length).await,
                None => return answered,
            }
        }
    }

    async fn once(
        &self,
        method: &Method,
        path: &str,
        content_type: Option<&'static str>,
        body: &Bytes,
    ) -> PortResult<Reply> {
        let mut request = Request::builder()
            .method(method.clone())
            .uri(path)
            .body(kube::client::Body::from(body.to_vec()))
            .map_err(|problem| error::own(SERVICE, Refused::Invalid, format!("`{path}`: {problem}")))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(content_type) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(bearer) = &self.bearer {
            let header = bearer.header().await.map_err(|refused| error::no_token(&refused))?;
            headers.insert(AUTHORIZATION, header);
        }
        let response = self.client.send(request).await.map_err(|failed| error::kubernetes(&failed))?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|failed| error::kubernetes(&failed))?.to_bytes();
        Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}

impl Body<'_> {
    fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Json(_) | Self::Raw(_) => Some("application/json"),
            // JSON is YAML; this is the oldest name of the content type, which every server knows.
            Self::Apply(_) => Some("application/apply-patch+yaml"),
        }
    }

    fn into_bytes(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::Json(value) | Self::Apply(value) => value.to_string().into(),
            Self::Raw(bytes) => bytes,
        }
    }
}

impl Reply {
    /// The error that this answer is.
    fn refusal(&self) -> PortError {
        error::kubernetes_answer(self.status, &self.body, self.retry_after())
    }

    /// The error that this answer is, if the API server itself gave it.
    pub(super) fn refusal_of_the_server(&self) -> Option<PortError> {
        let failed = self.status >= 400;
        let body: Value = if failed { serde_json::from_slice(&self.body).ok()? } else { return None };
        (body.get("kind")? == "Status" && body.get("apiVersion")? == "v1").then(|| self.refusal())
    }

    fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

/// The pause before the next try, or `None` when it is time to give up.
fn pause(failures: u32, asked: Option<Duration>) -> Option<Duration> {
    let length = asked.unwrap_or_else(|| FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(6)));
    (failures < TRIES && length <= LONGEST_PAUSE).then_some(length)
}
