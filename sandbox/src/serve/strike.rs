//! Faults striking: a layer in front of every service that throttles, cuts the answer, or ages the caller's token.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{StatusCode, header};
use hyper::body::{Body as HttpBody, Frame};
use serde_json::{Value, json};

use crate::world::{Fault, Shared};

/// Stands in a request's extensions when the caller's token must be taken for expired.
#[derive(Debug, Clone, Copy)]
pub struct Expired;

/// The service that a layer stands in front of.
#[derive(Clone)]
struct Target {
    shared: Shared,
    service: &'static str,
}

/// `router` with the fault layer of `service` in front of it.
pub(crate) fn in_front(service: &'static str, shared: Shared, router: Router) -> Router {
    router.layer(from_fn_with_state(Target { shared, service }, strike))
}

async fn strike(State(target): State<Target>, mut request: Request, next: Next) -> Response {
    match target.shared.faults.strike(target.service) {
        None => next.run(request).await,
        Some(Fault::Throttle { retry_after }) => throttled(target.service, retry_after),
        Some(Fault::Expired) => {
            request.extensions_mut().insert(Expired);
            next.run(request).await
        }
        Some(Fault::Cut { after }) => cut(&target, next.run(request).await, after),
    }
}

/// Cuts `response` after `after` bytes, or waits for a longer answer if this one is too short to be cut there.
fn cut(target: &Target, response: Response, after: u64) -> Response {
    let stated = response.headers().get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    let length: Option<u64> = stated.or_else(|| response.body().size_hint().exact());
    let too_short = response.body().is_end_stream() || length.is_some_and(|length| length <= after);
    if too_short {
        target.shared.faults.put_back(target.service, Fault::Cut { after });
        return response;
    }
    response.map(|body| Body::new(CutBody { inner: body, left: after, flushed: false }))
}

/// A body that ends in an error: the server then closes the connection in the middle of the answer.
struct CutBody {
    inner: Body,
    left: u64,
    flushed: bool,
}

impl HttpBody for CutBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.left == 0 && !self.flushed {
            // The server flushes while a body is pending: what was let through must arrive.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.left == 0 {
            return Poll::Ready(Some(Err(axum::Error::new(io::Error::from(
                io::ErrorKind::ConnectionAborted,
            )))));
        }
        let frame = std::task::ready!(Pin::new(&mut self.inner).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| match frame.into_data() {
                Ok(data) => Frame::data(self.let_through(data)),
                Err(other) => other,
            })
        }))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.inner.size_hint()
    }
}

impl CutBody {
    fn let_through(&mut self, mut data: Bytes) -> Bytes {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(data.len());
        data.truncate(length);
        self.left = self.left.saturating_sub(length as u64);
        data
    }
}

/// 429 in the words of the cloud whose service it is.
fn throttled(service: &str, retry_after: u32) -> Response {
    let mut response = match service {
        "blob" => blob_throttled(),
        _ => {
            (StatusCode::TOO_MANY_REQUESTS, axum::Json(throttled_body(service, retry_after))).into_response()
        }
    };
    response.headers_mut().insert(header::RETRY_AFTER, retry_after.into());
    response
}

fn blob_throttled() -> Response {
    let xml = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>ServerBusy</Code>\
               <Message>The server is busy.</Message></Error>";
    let headers = [("x-ms-error-code", "ServerBusy"), ("content-type", "application/xml")];
    (StatusCode::TOO_MANY_REQUESTS, headers, xml).into_response()
}

fn throttled_body(service: &str, retry_after: u32) -> Value {
    match service {
        "entra" => json!({
            "error": "temporarily_unavailable",
            "error_description": "AADSTS90055: There are too many incoming requests.",
            "error_codes": [90055],
        }),
        "instance_metadata" => json!({
            "error": "invalid_request",
            "error_description": "Temporarily throttled, too many requests",
        }),
        "graph" => json!({ "error": { "code": "TooManyRequests", "message": "Too many requests" } }),
        "resource_manager" => json!({ "error": {
            "code": "TooManyRequests",
            "message": format!("The request was throttled. Please retry after {retry_after} seconds."),
        } }),
        "registry" => json!({ "errors": [{ "code": "TOOMANYREQUESTS", "message": "Quota exceeded." }] }),
        "cluster" => json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "the server has received too many requests and has asked us to try again later",
            "reason": "TooManyRequests", "details": { "retryAfterSeconds": retry_after }, "code": 429,
        }),
        "sts" | "oauth2" => {
            json!({ "error": "rate_limit_exceeded", "error_description": "Rate limit exceeded." })
        }
        _ => json!({ "error": {
            "code": 429, "message": "Resource has been exhausted (e.g. check quota).",
            "status": "RESOURCE_EXHAUSTED",
        } }),
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_cut_body_lets_exactly_so_much_through_and_then_fails() {
        let body = Body::from(vec![7_u8; 100]);
        let mut body = CutBody { inner: body, left: 30, flushed: false };
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), 30);
        assert!(body.frame().await.unwrap().is_err());
    }

    #[test]
    fn throttling_names_the_wait() {
        for service in ["entra", "graph", "blob", "iam", "registry", "cluster"] {
            let response = throttled(service, 7);
            assert_eq!(response.status(), 429, "{service}");
            assert_eq!(response.headers()["retry-after"], "7", "{service}");
        }
    }
}
