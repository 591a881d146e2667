//! A thin client for Azure's JSON APIs (Resource Manager and Microsoft Graph) over the official pipeline, which brings
//! log-in, retries and telemetry.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::policies::auth::BearerTokenAuthorizationPolicy;
use azure_core::http::{
    ClientOptions, Context, ExponentialRetryOptions, Method, Pipeline, PipelineSendOptions, RawResponse,
    Request, RetryOptions, Transport, Url,
};
use bridge::port::{PortError, PortResult, Refused};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error;

/// A page of a list holds at most some thousand items; a list of more pages than this does not end.
const MOST_PAGES: usize = 1000;

/// One API, spoken to as one caller.
#[derive(Clone)]
pub(super) struct Rest {
    service: &'static str,
    scope: &'static str,
    credential: Arc<dyn TokenCredential>,
    http: reqwest::Client,
    pipeline: Pipeline,
    address: Url,
}

/// What an API answered.
pub(super) struct Reply {
    status: u16,
    body: Vec<u8>,
    error: Option<PortError>,
}

/// Client options that every Azure client of ours uses.
pub(super) fn client_options(http: &reqwest::Client) -> ClientOptions {
    let retry = ExponentialRetryOptions { max_retries: 4, ..ExponentialRetryOptions::default() };
    ClientOptions {
        transport: Some(Transport::new(Arc::new(http.clone()))),
        retry: RetryOptions::exponential(retry),
        ..ClientOptions::default()
    }
}

fn pipeline(credential: Arc<dyn TokenCredential>, scope: &'static str, http: &reqwest::Client) -> Pipeline {
    let login = BearerTokenAuthorizationPolicy::new(credential, vec![scope]);
    let (name, version) = (Some("gangplank"), Some(env!("CARGO_PKG_VERSION")));
    Pipeline::new(name, version, client_options(http), Vec::new(), vec![Arc::new(login)], None)
}

impl Rest {
    /// Speaks to `service` at `address` with tokens for `scope`.
    pub(super) fn new(
        service: &'static str,
        address: &str,
        scope: &'static str,
        credential: Arc<dyn TokenCredential>,
        http: &reqwest::Client,
    ) -> PortResult<Self> {
        let address = identity::http::service_address(address)
            .map_err(|problem| error::own(service, Refused::Invalid, problem.to_string()))?;
        let pipeline = pipeline(credential.clone(), scope, http);
        Ok(Self { service, scope, credential, http: http.clone(), pipeline, address })
    }

    /// Speaks to a service without a log-in: the official policy sends none without TLS, which scripted services lack.
    #[cfg(test)]
    pub(super) fn scripted(
        service: &'static str,
        address: &str,
        credential: Arc<dyn TokenCredential>,
    ) -> Self {
        let http = reqwest::Client::new();
        let pipeline = Pipeline::new(None, None, client_options(&http), Vec::new(), Vec::new(), None);
        Self { service, scope: "none", credential, http, pipeline, address: Url::parse(address).unwrap() }
    }

    /// Reads something.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> PortResult<T> {
        self.read(self.send(Method::Get, self.url(path)?, None).await?)
    }

    /// Reads something that may not be there.
    pub(super) async fn find<T: DeserializeOwned>(&self, path: &str) -> PortResult<Option<T>> {
        let reply = self.send(Method::Get, self.url(path)?, None).await?;
        if reply.status == 404 { Ok(None) } else { self.read(reply).map(Some) }
    }

    /// Reads a list to its end.
    pub(super) async fn list<T: DeserializeOwned>(&self, path: &str) -> PortResult<Vec<T>> {
        let mut items = Vec::new();
        let mut next = Some(self.url(path)?);
        for _ in 0..MOST_PAGES {
            let Some(url) = next else { return Ok(items) };
            let mut page: Value = self.read(self.send(Method::Get, url, None).await?)?;
            let value = page.get_mut("value").map(Value::take).unwrap_or_default();
            items.extend(self.decode::<Vec<T>>(value)?);
            next = self.next_page(&page)?;
        }
        Err(error::own(self.service, Refused::Invalid, "the list has no end"))
    }

    /// Sends a body and reads the answer, `Null` if there is none.
    pub(super) async fn write(&self, method: Method, path: &str, body: &Value) -> PortResult<Value> {
        let reply = self.send(method, self.url(path)?, Some(body)).await?;
        if reply.error.is_none() && reply.body.is_empty() { Ok(Value::Null) } else { self.read(reply) }
    }

    /// Removes something; fine if it is gone already.
    pub(super) async fn delete(&self, path: &str) -> PortResult<()> {
        let reply = self.send(Method::Delete, self.url(path)?, None).await?;
        match reply.error {
            Some(error) if error.kind != Refused::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    pub(super) fn service(&self) -> &'static str {
        self.service
    }

    fn url(&self, path: &str) -> PortResult<Url> {
        self.address.join(path).map_err(|problem| {
            error::own(self.service, Refused::Invalid, format!("`{path}` is no path: {problem}"))
        })
    }

    /// The next page's URL comes from the service. It must be the same service: our token goes there.
    fn next_page(&self, page: &Value) -> PortResult<Option<Url>> {
        let link = page.get("nextLink").or_else(|| page.get("@odata.nextLink")).and_then(Value::as_str);
        let Some(link) = link.filter(|link| !link.is_empty()) else { return Ok(None) };
        let url = self.url(link)?;
        if url.origin() == self.address.origin() {
            return Ok(Some(url));
        }
        let problem =
            format!("the next page is at another service, `{}`", url.origin().ascii_serialization());
        Err(error::own(self.service, Refused::Invalid, problem))
    }

    /// Sends a request, and once more with a new log-in if the first was not accepted: the pipeline keeps tokens, and
    /// one may run out sooner than it says.
    async fn send(&self, method: Method, url: Url, body: Option<&Value>) -> PortResult<Reply> {
        let reply = self.send_by(&self.pipeline, method, url.clone(), body).await?;
        if reply.status != 401 {
            return Ok(reply);
        }
        let fresh = pipeline(self.credential.clone(), self.scope, &self.http);
        self.send_by(&fresh, method, url, body).await
    }

    async fn send_by(
        &self,
        pipeline: &Pipeline,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> PortResult<Reply> {
        let mut request = Request::new(url, method);
        request.insert_header("accept", "application/json");
        if let Some(body) = body {
            request.insert_header("content-type", "application/json");
            request.set_body(body.to_string().into_bytes());
        }
        let options = PipelineSendOptions { skip_checks: true, ..PipelineSendOptions::default() };
        let sent = pipeline.send(&Context::new(), &mut request, Some(options)).await;
        let response = sent.map_err(|failed| error::azure(self.service, &failed))?;
        Ok(self.reply(&response))
    }

    fn reply(&self, response: &RawResponse) -> Reply {
        let status = u16::from(response.status());
        let body = response.body().as_ref().to_vec();
        let error = (!response.status().is_success()).then(|| {
            let retry_after = response.headers().get_optional_str(&"retry-after".into());
            let retry_after = retry_after.and_then(|it| it.trim().parse().ok()).map(Duration::from_secs);
            error::azure_answer(self.service, status, &body, retry_after)
        });
        Reply { status, body, error }
    }

    fn read<T: DeserializeOwned>(&self, reply: Reply) -> PortResult<T> {
        match reply.error {
            Some(error) => Err(error),
            None => serde_json::from_slice(&reply.body).map_err(|problem| self.unexpected(&problem)),
        }
    }

    fn decode<T: DeserializeOwned>(&self, value: Value) -> PortResult<T> {
        serde_json::from_value(value).map_err(|problem| self.unexpected(&problem))
    }

    fn unexpected(&self, problem: &serde_json::Error) -> PortError {
        error::own(self.service, Refused::Invalid, format!("the answer is not what is documented: {problem}"))
    }
}

/// A text as one segment of a path, or as a value in a query.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_urls_keep_for_themselves_is_encoded() {
        assert_eq!(encoded("Fraud_Model-1.0~x"), "Fraud_Model-1.0~x");
        assert_eq!(encoded("a b/c?d'é"), "a%20b%2Fc%3Fd%27%C3%A9");
    }
}
