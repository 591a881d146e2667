//! The sandbox's own door: faults, the clock, addresses, being alive. Plain http, loopback only, no log-in: whoever can
//! reach it could as well read the folder.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault::{Armed, NotArmed, strikeable};
use crate::load;
use crate::world::Shared;

pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/addresses", get(addresses))
        .route("/faults", get(armed).delete(clear))
        .route("/faults/{service}", post(arm).delete(clear_one))
        .route("/clock", get(clock).post(advance))
        .route("/world", post(load_world))
        .with_state(shared)
}

async fn addresses(State(shared): State<Shared>) -> Response {
    Json(shared.addresses()).into_response()
}

async fn armed(State(shared): State<Shared>) -> Response {
    Json(shared.faults.armed()).into_response()
}

async fn clear(State(shared): State<Shared>) -> StatusCode {
    shared.faults.clear(None);
    StatusCode::NO_CONTENT
}

async fn clear_one(State(shared): State<Shared>, Path(service): Path<String>) -> Response {
    if !strikeable().contains(&service.as_str()) {
        return refused(StatusCode::NOT_FOUND, &NotArmed::Service { service });
    }
    shared.faults.clear(Some(&service));
    StatusCode::NO_CONTENT.into_response()
}

async fn arm(State(shared): State<Shared>, Path(service): Path<String>, body: bytes::Bytes) -> Response {
    let armed = serde_json::from_slice::<Value>(&body)
        .map_err(|error| NotArmed::Shape(error.to_string()))
        .and_then(Armed::read)
        .and_then(|armed| shared.faults.arm_for(&service, armed));
    match armed {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error @ NotArmed::Service { .. }) => refused(StatusCode::NOT_FOUND, &error),
        Err(error) => refused(StatusCode::BAD_REQUEST, &error),
    }
}

async fn clock(State(shared): State<Shared>) -> Response {
    let ahead = shared.clock.ahead().as_secs();
    Json(json!({ "now": shared.clock.unskewed().to_string(), "ahead_seconds": ahead })).into_response()
}

/// What moves the clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u32,
}

async fn advance(State(shared): State<Shared>, body: bytes::Bytes) -> Response {
    match serde_json::from_slice::<Advance>(&body) {
        Ok(by) => {
            shared.clock.advance(Duration::from_secs(by.advance_seconds.into()));
            clock(State(shared)).await
        }
        Err(error) => refused(StatusCode::BAD_REQUEST, &error),
    }
}

async fn load_world(State(shared): State<Shared>, text: String) -> Response {
    match load::load(&shared, &text).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(problems) => (StatusCode::BAD_REQUEST, Json(json!({ "problems": problems }))).into_response(),
    }
}

fn refused(status: StatusCode, message: &impl ToString) -> Response {
    (status, Json(json!({ "error": message.to_string() }))).into_response()
}
