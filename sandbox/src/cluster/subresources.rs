//! Parts of objects: status, scale, logs, the service proxy, tokens; and reviews, which are only answered.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::auth;
use super::body;
use super::handlers::{Call, written};
use super::json::{entries, number, set, text};
use super::kinds::{self, SELF_SUBJECT_ACCESS_REVIEW};
use super::objects::{Part, WriteOptions};
use super::status::Failure;
use super::{issuer, logs, patch, proxy};

/// Answers a request for a part of an object.
pub(crate) async fn answer(call: &Call<'_>) -> Result<Response, Failure> {
    let kind = call.target.kind;
    let part = call.target.subresource.as_deref().unwrap_or_default();
    match (part, call.method.as_str()) {
        ("status", "GET") if kind.status => Ok(axum::Json(&*call.stored()?).into_response()),
        ("status", "PATCH") if kind.status => call.patch(Part::Status),
        ("status", "PUT") if kind.status => {
            let object = body::object(&call.headers, &call.body)?;
            written(call.shared.cluster.replace(&call.key(), Part::Status, object, &call.options()))
        }
        ("scale", "GET") if kind.scales() => Ok(axum::Json(scale_of(&*call.stored()?)).into_response()),
        ("scale", "PUT" | "PATCH") if kind.scales() => rescale(call),
        ("log", "GET") if kind.is(&kinds::POD) => logs::answer(call),
        ("proxy", "GET" | "POST") if kind.is(&kinds::SERVICE) => proxy::answer(call).await,
        ("token", "POST") if kind.is(&kinds::SERVICE_ACCOUNT) => {
            let body =
                if call.body.is_empty() { json!({}) } else { body::object(&call.headers, &call.body)? };
            let token = issuer::request(call.shared, &call.key(), body)?;
            Ok((StatusCode::CREATED, axum::Json(token)).into_response())
        }
        ("status" | "scale" | "log" | "proxy" | "token", _) => Err(Failure::method_not_allowed()),
        _ => Err(Failure::no_such_path()),
    }
}

/// Answers `SelfSubjectAccessReview` and `SelfSubjectReview`.
pub(crate) fn review(call: &Call<'_>) -> Result<Response, Failure> {
    if call.method != http::Method::POST || call.target.name.is_some() {
        return Err(Failure::method_not_allowed());
    }
    let mut review = body::object(&call.headers, &call.body)?;
    (call.target.kind.typed)(&review).map_err(Failure::bad_request)?;
    let status = if call.target.kind.is(&SELF_SUBJECT_ACCESS_REVIEW) {
        let spec = review.get("spec").cloned().unwrap_or_default();
        json!({ "allowed": auth::may(call.shared, call.user, &auth::reviewed(call.user, &spec)) })
    } else {
        json!({ "userInfo": { "username": call.user.name, "groups": call.user.groups } })
    };
    set(&mut review, &["kind"], json!(call.target.kind.name));
    set(&mut review, &["apiVersion"], json!(call.target.kind.api_version()));
    set(&mut review, &["status"], status);
    Ok((StatusCode::CREATED, axum::Json(review)).into_response())
}

/// The `Scale` of a workload.
fn scale_of(object: &Value) -> Value {
    let labels: Vec<String> = entries(object, "/spec/selector/matchLabels")
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let metadata: serde_json::Map<String, Value> = entries(object, "/metadata")
        .filter(|(name, _)| {
            ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"].contains(name)
        })
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata,
        "spec": { "replicas": number(object, "/spec/replicas").unwrap_or_default() },
        "status": { "replicas": number(object, "/status/replicas").unwrap_or_default(), "selector": labels.join(",") },
    })
}

fn rescale(call: &Call<'_>) -> Result<Response, Failure> {
    let key = call.key();
    let given = if call.method == http::Method::PUT {
        body::object(&call.headers, &call.body)?
    } else {
        let mut scale = scale_of(&*call.stored()?);
        set(&mut scale, &["metadata", "resourceVersion"], Value::Null);
        patch::merge_patch(&mut scale, &body::json(&call.body)?);
        scale
    };
    let replicas = number(&given, "/spec/replicas").unwrap_or_default();
    let version = text(&given, "/metadata/resourceVersion").to_owned();
    let options = WriteOptions { subresource: "scale", ..call.options() };
    let written = call.shared.cluster.modify(&key, Part::Main, &options, |object| {
        set(object, &["spec", "replicas"], json!(replicas));
        if !version.is_empty() {
            set(object, &["metadata", "resourceVersion"], json!(version));
        }
        Ok(())
    })?;
    Ok(axum::Json(scale_of(&written.object)).into_response())
}
