//! A small client for the parts of Google's REST APIs that the official crates lack.

use std::time::Duration;

use bridge::port::{PortError, PortResult, Refused};
use google_cloud_auth::credentials::{CacheableResource, Credentials};
use http::{Extensions, HeaderMap, Method};
use identity::TokenError;
use serde_json::Value;

use super::refusal::{answer, no_token, operation, own, unexpected, with_causes};
use crate::patience::retry_after;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Pools and providers are made in seconds; what takes longer is left to the next run.
const POLLS: u32 = 90;

/// One API, spoken to as one caller.
#[derive(Clone)]
pub(crate) struct Rest {
    pub(crate) service: &'static str,
    pub(crate) http: reqwest::Client,
    /// `https://iam.googleapis.com`, without a slash at the end.
    pub(crate) address: String,
    pub(crate) credentials: Credentials,
}

impl Rest {
    /// Reads `path`; `None` if there is no such thing.
    pub(crate) async fn find(&self, path: &str) -> PortResult<Option<Value>> {
        match self.call(Method::GET, path, &[], None).await {
            Ok(value) => Ok(Some(value)),
            Err(refusal) if refusal.kind == Refused::NotFound => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Every item of a list, over all its pages.
    pub(crate) async fn list(&self, path: &str, field: &str) -> PortResult<Vec<Value>> {
        let mut items = Vec::new();
        let mut token = String::new();
        loop {
            let page = self.call(Method::GET, path, &[("pageToken", &token)], None).await?;
            items.extend(page.get(field).and_then(Value::as_array).cloned().unwrap_or_default());
            match page.get("nextPageToken").and_then(Value::as_str) {
                Some(next) if !next.is_empty() && next != token => next.clone_into(&mut token),
                _ => return Ok(items),
            }
        }
    }

    /// Makes a call that starts an operation, and waits until it is done.
    pub(crate) async fn operate(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> PortResult<()> {
        let mut state = self.call(method, path, query, body).await?;
        let mut pause = FIRST_PAUSE;
        for _ in 0..POLLS {
            if state.get("done").and_then(Value::as_bool) == Some(true) {
                return finished(self.service, &state);
            }
            let Some(name) = state.get("name").and_then(Value::as_str).map(str::to_owned) else {
                return Err(unexpected(self.service, "the answer is no operation"));
            };
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            state = self.call(Method::GET, &name, &[], None).await?;
        }
        Err(own(
            self.service,
            Refused::Unavailable,
            format!("`{path}` is still being changed; try again later"),
        ))
    }

    /// One call. `path` is relative to `/v1/`.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> PortResult<Value> {
        self.call_version("v1", method, path, query, body).await
    }

    /// One call to a version of the API. `path` is relative to it.
    pub(crate) async fn call_version(
        &self,
        version: &str,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> PortResult<Value> {
        let mut request = self
            .http
            .request(method, format!("{}/{version}/{path}", self.address))
            .headers(self.headers().await?)
            .query(query);
        if let Some(body) = body {
            request = request.json(body);
        }
        let unreachable =
            |error: reqwest::Error| own(self.service, Refused::Unavailable, with_causes(&error));
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let bytes = response.bytes().await.map_err(unreachable)?;
        let body = serde_json::from_slice(&bytes);
        if !status.is_success() {
            return Err(answer(self.service, status.as_u16(), &body.unwrap_or_default(), retry_after));
        }
        body.map_err(|_| unexpected(self.service, format!("the answer about `{path}` is no JSON")))
    }

    async fn headers(&self) -> PortResult<HeaderMap> {
        match self.credentials.headers(Extensions::new()).await {
            Ok(CacheableResource::New { data, .. }) => Ok(data),
            Ok(CacheableResource::NotModified) => Err(unexpected(self.service, "the log-in gave no token")),
            Err(error) => Err(credentials_refusal(self.service, &error)),
        }
    }
}

fn credentials_refusal(service: &'static str, error: &(dyn std::error::Error + 'static)) -> PortError {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<TokenError>() {
            return no_token(found);
        }
        cause = error.source();
    }
    own(service, Refused::Unauthenticated, "the log-in gave no token")
}

fn finished(service: &'static str, state: &Value) -> PortResult<()> {
    let Some(error) = state.get("error") else { return Ok(()) };
    let code = error.get("code").and_then(Value::as_i64).unwrap_or_default();
    let message = error.get("message").and_then(Value::as_str).unwrap_or("the operation failed");
    Err(operation(service, code, message))
}
