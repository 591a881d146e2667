//! Faults striking: a layer in front of every service that refuses, delays, alters, cuts or loses an answer, ages the
//! caller's token, or gives the service a clock and a view of the world of its own.

mod body;
mod refusal;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use hyper::body::Body as HttpBody;

use self::body::{AlteredBody, CutBody, Ending};
use crate::clock;
use crate::fault::{Armed, Fault};
use crate::propagation;
use crate::world::Shared;

/// Stands in a request's extensions when the caller's token must be taken for expired.
#[derive(Debug, Clone, Copy)]
pub struct Expired;

/// Stands in a response's extensions when the connection is to be closed in the place of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lost;

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

async fn strike(State(target): State<Target>, request: Request, next: Next) -> Response {
    let Target { shared, service } = &target;
    let skew = shared.faults.skew(service);
    let view = shared.lagging.view(shared, service);
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let struck = shared.faults.strike(service, request.method(), request.uri().path());
    let answer = meet(&target, struck, request, next);
    let mut response = Box::pin(clock::skewed(skew, propagation::seeing(view, answer))).await;
    if changes {
        shared.lagging.changed(shared, service);
        shared.changed.notify_one();
    }
    if skew != 0 {
        date(&target, skew, response.headers_mut()).await;
    }
    response
}

async fn meet(target: &Target, struck: Option<Armed>, mut request: Request, next: Next) -> Response {
    let Some(armed) = struck else { return next.run(request).await };
    match armed.fault {
        Fault::Throttle { retry_after } => refusal::throttled(target.service, retry_after),
        Fault::Error { status } => refusal::failed(target.service, status),
        Fault::Late { milliseconds } => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            next.run(request).await
        }
        Fault::Stall { after, milliseconds } => {
            let ending = Ending::Stall(Duration::from_millis(milliseconds));
            interrupt(target, armed, next.run(request).await, (after, ending))
        }
        Fault::Cut { after } => interrupt(target, armed, next.run(request).await, (after, Ending::Cut)),
        Fault::Reset => lost(),
        Fault::LostAnswer => {
            drop(next.run(request).await);
            lost()
        }
        Fault::WrongDigest => alter(target, armed, request, next).await,
        Fault::Expired => {
            request.extensions_mut().insert(Expired);
            next.run(request).await
        }
        Fault::Skew { .. } | Fault::Propagation { .. } | Fault::Stale { .. } => next.run(request).await,
    }
}

/// A service tells its own time.
async fn date(target: &Target, skew: i64, headers: &mut HeaderMap) {
    let now = clock::skewed(skew, async { target.shared.clock.now() }).await;
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(header::DATE, value);
    }
}

/// An answer that never arrives.
fn lost() -> Response {
    let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
    response.extensions_mut().insert(Lost);
    response
}

/// Interrupts `response` after so many bytes, or waits for a longer answer if this one is too short.
fn interrupt(target: &Target, armed: Armed, response: Response, (after, ending): (u64, Ending)) -> Response {
    let stated = response.headers().get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    let length: Option<u64> = stated.or_else(|| response.body().size_hint().exact());
    let too_short = response.body().is_end_stream() || length.is_some_and(|length| length <= after);
    if too_short {
        target.shared.faults.put_back(target.service, armed);
        return response;
    }
    response.map(|body| Body::new(CutBody::new(body, after, ending)))
}

/// Alters a byte of the file that is sent, or else of the file that is received.
async fn alter(target: &Target, armed: Armed, request: Request, next: Next) -> Response {
    if carries_a_file(request.headers()) && !request.body().is_end_stream() {
        return next.run(request.map(|body| Body::new(AlteredBody::new(body)))).await;
    }
    let response = next.run(request).await;
    if response.status().is_success()
        && carries_a_file(response.headers())
        && !response.body().is_end_stream()
    {
        return response.map(|body| Body::new(AlteredBody::new(body)));
    }
    target.shared.faults.put_back(target.service, armed);
    response
}

/// Whether the body is a file's bytes, or an image's manifest: what a digest is known of.
fn carries_a_file(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind == "application/octet-stream"
        || kind.starts_with("application/vnd.oci.image.")
        || kind.starts_with("application/vnd.docker.")
}
