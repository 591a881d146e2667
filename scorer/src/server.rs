//! The paths an Azure ML online endpoint has, over one model.

use std::future::{Future, IntoFuture};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{DefaultBodyLimit, FromRequest, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, TryAcquireError};

use crate::answer::Answer;
use crate::model::{Model, RunError};
use crate::request::{self, RequestError};
use crate::swagger;

/// Largest body. Azure ML's own endpoints take 2 MB; images and batches may want more.
pub const MAX_BODY_BYTES: usize = 8 << 20;
/// Requests that may be in the house at once, waiting ones included; bounds memory.
const MAX_REQUESTS: usize = 128;
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(30);
/// How long requests are still taken after a stop is asked for, each answer closing its connection: whoever keeps a
/// connection open learns it from an answer, not from a reset in the middle of a request.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long connections may take to end once a stop is asked for; below the 30 s that Kubernetes gives by default.
const GRACE: Duration = Duration::from_secs(25);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// What every request shares.
struct House {
    model: Model,
    /// One a core: inference is work, not waiting.
    cores: Semaphore,
    requests: Semaphore,
}

/// Why a request gets no prediction.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("the body is larger than {MAX_BODY_BYTES} bytes; send fewer rows at once")]
    TooLarge,
    #[error("the body did not arrive within {} s", BODY_TIME.as_secs())]
    TooSlow,
    #[error("the body ended early")]
    CutOff,
    #[error("{MAX_REQUESTS} requests are waiting already; try again in a moment")]
    Busy,
    #[error("the model failed on this request")]
    Panicked,
    #[error("there is nothing at `{0}`, expected `/`, `/score` or `/swagger.json`")]
    NoSuchPath(String),
    #[error("`{method}` is not for `{path}`, expected `{expected}`")]
    WrongMethod { method: String, path: String, expected: &'static str },
}

impl Refusal {
    fn status(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Request(error) => (StatusCode::BAD_REQUEST, error.code()),
            Self::CutOff => (StatusCode::BAD_REQUEST, "BodyCutOff"),
            Self::NoSuchPath(_) => (StatusCode::NOT_FOUND, "NotFound"),
            Self::WrongMethod { .. } => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "RequestTimeout"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge"),
            Self::Busy => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
            Self::Run(_) | Self::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, "ScoringFailed"),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = self.status();
        let body = Json(json!({"error": {"code": code, "message": self.to_string()}}));
        match status {
            StatusCode::TOO_MANY_REQUESTS => (status, [(header::RETRY_AFTER, "1")], body).into_response(),
            _ => (status, body).into_response(),
        }
    }
}

/// The paths over `model`; `cores` requests are worked on at once.
pub fn router(model: Model, cores: usize) -> Router {
    let house = Arc::new(House {
        model,
        cores: Semaphore::new(cores.max(1)),
        requests: Semaphore::new(MAX_REQUESTS),
    });
    Router::new()
        .route("/", get(health))
        .route("/score", post(score))
        .route("/swagger.json", get(describe))
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn(identify))
        .with_state(house)
}

/// Serves until `stop`, then lets requests in flight finish, for a while.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let stopping = Arc::new(Notify::new());
    let leaving = Arc::new(AtomicBool::new(false));
    let router = router.layer(middleware::from_fn_with_state(Arc::clone(&leaving), close_when_leaving));
    let told = Arc::clone(&stopping);
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move {
        stop.await;
        leaving.store(true, Ordering::Relaxed);
        tokio::time::sleep(FAREWELL).await;
        told.notify_one();
    });
    let grace = async {
        stopping.notified().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        outcome = serving.into_future() => outcome,
        () = grace => Ok(()),
    }
}

async fn close_when_leaving(
    State(leaving): State<Arc<AtomicBool>>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if leaving.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn health() -> &'static str {
    "Healthy"
}

async fn describe(State(house): State<Arc<House>>) -> Json<serde_json::Value> {
    Json(swagger::describe(&house.model.signature))
}

async fn score(State(house): State<Arc<House>>, request: Request) -> Result<Response, Refusal> {
    let _place = house.requests.try_acquire().map_err(|_: TryAcquireError| Refusal::Busy)?;
    let body = tokio::time::timeout(BODY_TIME, Bytes::from_request(request, &()));
    let body = body.await.map_err(|_| Refusal::TooSlow)?.map_err(|rejection| body_refusal(&rejection))?;
    // The semaphore is never closed; without a core the request would still be answered, only less fairly.
    let _core = house.cores.acquire().await.ok();
    let working = Arc::clone(&house);
    let answered = tokio::task::spawn_blocking(move || answer(&working.model, &body)).await;
    let json = answered.map_err(|_| Refusal::Panicked)??;
    Ok(([(header::CONTENT_TYPE, "application/json")], json).into_response())
}

fn body_refusal(rejection: &BytesRejection) -> Refusal {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => Refusal::TooLarge,
        _ => Refusal::CutOff,
    }
}

/// The work of one request: parse, run, write. On a thread of its own.
fn answer(model: &Model, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let inputs = request::read(body, &model.signature)?;
    let outputs = model.run(inputs)?;
    serde_json::to_vec(&Answer::new(&model.signature, &outputs))
        .map_err(|error| RunError::Engine(error.to_string()).into())
}

async fn no_such_path(request: Request) -> Refusal {
    Refusal::NoSuchPath(request.uri().path().to_owned())
}

async fn wrong_method(request: Request) -> Refusal {
    let path = request.uri().path().to_owned();
    let expected = if path == "/score" { "POST" } else { "GET" };
    Refusal::WrongMethod { method: request.method().to_string(), path, expected }
}

/// Every answer names its request: the caller's id if there is one, else a fresh one.
async fn identify(request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID).cloned();
    let client = request.headers().get(CLIENT_REQUEST_ID).cloned();
    let id = given.or_else(|| HeaderValue::from_str(&fresh_id()).ok());
    let mut response = next.run(request).await;
    for (name, value) in [(REQUEST_ID, id), (CLIENT_REQUEST_ID, client)] {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A fresh id in the form of a GUID. It only has to differ from the others.
fn fresh_id() -> String {
    let state = RandomState::new();
    let bits = (u128::from(state.hash_one(0)) << 64) | u128::from(state.hash_one(1));
    let text = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}
