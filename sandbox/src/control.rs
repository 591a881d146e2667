//! The sandbox's own door: arming faults, asking for addresses, being alive. Plain http, loopback only, no log-in:
//! whoever can reach it could as well read the folder.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;

use crate::world::{Fault, SERVICES, Shared};

pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/addresses", get(addresses))
        .route("/faults/{service}", post(arm))
        .with_state(shared)
}

async fn addresses(State(shared): State<Shared>) -> Response {
    Json(shared.addresses()).into_response()
}

async fn arm(State(shared): State<Shared>, Path(service): Path<String>, body: bytes::Bytes) -> Response {
    if !SERVICES.contains(&service.as_str()) || service == "control" {
        return refused(
            StatusCode::NOT_FOUND,
            &format!("no service `{service}`, expected one of {SERVICES:?}"),
        );
    }
    match serde_json::from_slice::<Fault>(&body) {
        Ok(fault) => {
            shared.faults.arm(&service, fault);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refused(StatusCode::BAD_REQUEST, &format!("not a fault: {error}")),
    }
}

fn refused(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": message }))).into_response()
}
