//! Refusals in the words of the cloud whose service it is: too many requests, and a server's own failures.

use axum::response::{Html, IntoResponse, Response};
use http::{StatusCode, header};
use serde_json::{Value, json};

/// What a service says beside the status.
struct Words {
    code: &'static str,
    message: String,
}

/// Too many requests: 429, and 503 where Azure Storage says so
/// (<https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes>, `ServerBusy`).
pub(super) fn throttled(service: &str, retry_after: u32) -> Response {
    let mut response = match service {
        "blob" => blob(StatusCode::SERVICE_UNAVAILABLE, "ServerBusy", "The server is busy."),
        _ => {
            (StatusCode::TOO_MANY_REQUESTS, axum::Json(throttled_body(service, retry_after))).into_response()
        }
    };
    response.headers_mut().insert(header::RETRY_AFTER, retry_after.into());
    response
}

fn throttled_body(service: &str, retry_after: u32) -> Value {
    match service {
        "entra" => json!({
            "error": "temporarily_unavailable",
            "error_description": "AADSTS90055: There are too many incoming requests.",
            "error_codes": [90055],
        }),
        "graph" => json!({ "error": { "code": "TooManyRequests", "message": "Too many requests" } }),
        "resource_manager" => json!({ "error": {
            "code": "TooManyRequests",
            "message": format!("The request was throttled. Please retry after {retry_after} seconds."),
        } }),
        "registry" => json!({ "errors": [{ "code": "TOOMANYREQUESTS", "message": "Quota exceeded." }] }),
        "acr" => json!({ "errors": [{
            "code": "TOOMANYREQUESTS", "message": "too many requests", "detail": Value::Null,
        }] }),
        "cluster" => json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "the server has received too many requests and has asked us to try again later",
            "reason": "TooManyRequests", "details": { "retryAfterSeconds": retry_after }, "code": 429,
        }),
        "sts" | "oauth2" => {
            json!({ "error": "rate_limit_exceeded", "error_description": "Rate limit exceeded." })
        }
        "instance_metadata" => json!({
            "error": "too_many_requests", "error_description": "Too many requests",
        }),
        _ => json!({ "error": {
            "code": 429, "message": "Resource has been exhausted (e.g. check quota).",
            "status": "RESOURCE_EXHAUSTED",
        } }),
    }
}

/// A failure of the server's own with this status.
pub(super) fn failed(service: &str, status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let unavailable = status == StatusCode::SERVICE_UNAVAILABLE;
    let answer = |body: Value| (status, axum::Json(body)).into_response();
    match service {
        "blob" if unavailable => blob(
            status,
            "ServerBusy",
            "The server is currently unable to receive requests. Please retry your request.",
        ),
        "blob" => blob(
            status,
            "InternalError",
            "The server encountered an internal error. Please retry the request.",
        ),
        "entra" => answer(json!({
            "error": if unavailable { "temporarily_unavailable" } else { "server_error" },
            "error_description":
                "AADSTS90033: A transient error has occurred. Please try again.",
            "error_codes": [90033],
        })),
        "graph" | "resource_manager" => {
            let Words { code, message } = azure(service, status);
            answer(json!({ "error": { "code": code, "message": message } }))
        }
        "registry" | "acr" => {
            let code = if unavailable { "UNAVAILABLE" } else { "UNKNOWN" };
            answer(json!({ "errors": [{ "code": code, "message": google(status).message }] }))
        }
        "cluster" => {
            let Words { code, message } = kubernetes(status);
            answer(json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "reason": code, "code": status.as_u16(),
            }))
        }
        "sts" | "oauth2" => {
            answer(json!({ "error": "internal_failure", "error_description": "Backend Error" }))
        }
        "instance_metadata" => answer(json!({
            "error": "unknown", "error_description": "Failed to retrieve token from the Active directory",
        })),
        "pipelines" => answer(json!({ "message": "The service is unavailable." })),
        // What Google's front end says when no server behind it answers.
        _ if status == StatusCode::BAD_GATEWAY => (status, Html(front_end(status))).into_response(),
        _ => {
            let Words { code, message } = google(status);
            answer(json!({ "error": { "code": status.as_u16(), "message": message, "status": code } }))
        }
    }
}

fn azure(service: &str, status: StatusCode) -> Words {
    let (code, message) = match (service, status) {
        ("graph", StatusCode::SERVICE_UNAVAILABLE) => {
            ("serviceNotAvailable", "The service is temporarily unavailable. Please try again later.")
        }
        ("graph", _) => ("InternalServerError", "An unexpected error occurred."),
        (_, StatusCode::SERVICE_UNAVAILABLE) => {
            ("ServiceUnavailable", "The service is unavailable. Please try again later.")
        }
        (_, StatusCode::GATEWAY_TIMEOUT) => (
            "GatewayTimeout",
            "The gateway did not receive a response from 'Microsoft.Authorization' within the specified time period.",
        ),
        (_, StatusCode::BAD_GATEWAY) => ("BadGateway", "The gateway received an invalid response."),
        _ => ("InternalServerError", "Encountered internal server error."),
    };
    Words { code, message: message.to_owned() }
}

fn google(status: StatusCode) -> Words {
    let (code, message) = match status {
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY => {
            ("UNAVAILABLE", "The service is currently unavailable.")
        }
        StatusCode::GATEWAY_TIMEOUT => {
            ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete.")
        }
        _ => ("INTERNAL", "Internal error encountered."),
    };
    Words { code, message: message.to_owned() }
}

fn kubernetes(status: StatusCode) -> Words {
    let (code, message) = match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            ("ServiceUnavailable", "the server is currently unable to handle the request")
        }
        StatusCode::GATEWAY_TIMEOUT => {
            ("Timeout", "the server was unable to return a response in the time allotted")
        }
        _ => ("InternalError", "Internal error occurred: etcdserver: request timed out"),
    };
    Words { code, message: message.to_owned() }
}

fn front_end(status: StatusCode) -> String {
    let number = status.as_u16();
    format!(
        "<!DOCTYPE html>\n<html lang=en>\n  <title>Error {number} (Server Error)!!1</title>\n  \
         <p><b>{number}.</b> <ins>That\u{2019}s an error.</ins>\n  \
         <p>The server encountered a temporary error and could not complete your request.<p>Please try again in 30 \
         seconds.  <ins>That\u{2019}s all we know.</ins>\n"
    )
}

fn blob(status: StatusCode, code: &'static str, message: &str) -> Response {
    let xml = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    let headers = [("x-ms-error-code", code), ("content-type", "application/xml")];
    (status, headers, xml).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;

    use super::*;

    #[test]
    fn throttling_names_the_wait() {
        for service in crate::fault::strikeable() {
            let response = throttled(service, 7);
            let status = if service == "blob" { 503 } else { 429 };
            assert_eq!(response.status(), status, "{service}");
            assert_eq!(response.headers()["retry-after"], "7", "{service}");
        }
    }

    #[tokio::test]
    async fn failures_have_the_shape_of_the_service() {
        for (service, status, expected) in [
            ("entra", 500, r#""error":"server_error""#),
            ("graph", 503, r#""code":"serviceNotAvailable""#),
            ("resource_manager", 504, r#""code":"GatewayTimeout""#),
            ("blob", 500, "<Code>InternalError</Code>"),
            ("iam", 500, r#""status":"INTERNAL""#),
            ("iam", 502, "<title>Error 502 (Server Error)!!1</title>"),
            ("iam", 504, r#""status":"DEADLINE_EXCEEDED""#),
            ("sts", 503, r#""error":"internal_failure""#),
            ("registry", 503, r#""code":"UNAVAILABLE""#),
            ("cluster", 503, r#""reason":"ServiceUnavailable""#),
        ] {
            let response = failed(service, status);
            assert_eq!(response.status(), status, "{service}");
            let body = to_bytes(response.into_body(), 4096).await.unwrap();
            let body = String::from_utf8_lossy(&body);
            assert!(body.contains(expected), "{service}: {body}");
        }
    }
}
