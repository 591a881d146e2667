//! `services/NAME:PORT/proxy/…`: a request passed on to a ready pod of a service, and its answer passed back.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::handlers::Call;
use super::json::{list, number, text};
use super::kinds;
use super::network;
use super::status::Failure;
use super::store::Key;

/// Headers that go with the request.
const PASSED_ON: [HeaderName; 3] = [header::ACCEPT, header::CONTENT_TYPE, header::USER_AGENT];

/// The service in `NAME`, `NAME:PORT` or `SCHEME:NAME:PORT`.
pub(crate) fn service_name(text: &str) -> &str {
    split(text).0
}

fn split(text: &str) -> (&str, &str) {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [name, port] | ["http" | "https" | "", name, port] => (name, port),
        _ => (text, ""),
    }
}

/// Passes the request on.
pub(crate) async fn answer(call: &Call<'_>) -> Result<Response, Failure> {
    let (name, port) = split(call.target.name.as_deref().unwrap_or_default());
    let namespace = call.target.namespace.as_deref().unwrap_or_default();
    let state = &call.shared.cluster;
    let key = Key::new(&kinds::SERVICE, namespace, name);
    let service = state.store.get(&key).ok_or_else(|| Failure::not_found(key.kind, name))?;
    let port_name = list(&service, "/spec/ports")
        .iter()
        .find(|one| {
            port.is_empty()
                || text(one, "/name") == port
                || number(one, "/port").is_some_and(|it| it.to_string() == port)
        })
        .map(|one| text(one, "/name"))
        .ok_or_else(|| {
            Failure::unavailable(format!("no service port \"{port}\" found for service \"{name}\""))
        })?;
    let backends = network::backends(&state.store, namespace, name, port_name);
    let backend = state.network.next(&backends);
    let backend = backend.ok_or_else(|| {
        Failure::unavailable(format!(
            "no endpoints available for service \"{}\"",
            call.target.name.as_deref().unwrap_or_default()
        ))
    })?;
    let mut address = format!("http://{backend}/{}", call.target.rest);
    let query = call.query.encoded();
    if !query.is_empty() {
        address.push('?');
        address.push_str(&query);
    }
    let mut request = state.network.client.request(call.method.clone(), address).body(call.body.clone());
    for name in PASSED_ON {
        if let Some(value) = call.headers.get(&name) {
            request = request.header(name, value);
        }
    }
    let reply = request.send().await;
    reply
        .map(pass_back)
        .map_err(|error| Failure::unavailable(format!("error trying to reach service: {}", cause(&error))))
}

/// The innermost cause, as `dial tcp …: connection refused` would be.
fn cause(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

fn pass_back(reply: reqwest::Response) -> Response {
    let status = StatusCode::from_u16(reply.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers: Vec<(HeaderName, HeaderValue)> = reply
        .headers()
        .iter()
        .filter(|(name, _)| {
            !matches!(**name, header::CONNECTION | header::TRANSFER_ENCODING | header::CONTENT_LENGTH)
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut response = (status, Body::from_stream(reply.bytes_stream())).into_response();
    response.headers_mut().clear();
    response.headers_mut().extend(headers);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (text, expected) in [
            ("a", ("a", "")),
            ("a:http", ("a", "http")),
            ("http:a:8080", ("a", "8080")),
            (":a:8080", ("a", "8080")),
        ] {
            assert_eq!(split(text), expected);
        }
    }
}
