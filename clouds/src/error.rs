//! Every service's "no" as the one error of bridge's ports: whose it is, what kind, whether waiting helps. Tokens never
//! get into a message; answers are quoted only from where the service documents its own words.

use std::error::Error as StdError;
use std::time::Duration;

use azure_core::error::ErrorKind;
use bridge::port::{PortError, Refused};
use identity::TokenError;
use identity::source::source_error;
use oci::copy::CopyError;
use oci::image::ImageError;
use oci::layer::LayerError;
use oci::registry::RegistryError;
use serde_json::Value;

use crate::kubernetes::SERVICE as KUBERNETES;

pub(crate) use crate::google::refusal::{kind, no_token, own, with_causes};

/// An answer of Resource Manager or Graph: `{"error": {"code", "message"}}`.
pub(crate) fn azure_answer(
    service: &'static str,
    status: u16,
    body: &[u8],
    retry_after: Option<Duration>,
) -> PortError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    PortError {
        service,
        kind: kind(status),
        status: Some(status),
        code: text("/error/code"),
        message: text("/error/message")
            .unwrap_or_else(|| format!("HTTP status {status}, without an explanation")),
        retry_after,
    }
}

/// An error of Azure's client libraries.
pub(crate) fn azure(service: &'static str, error: &azure_core::Error) -> PortError {
    if let Some(source) = source_error(error) {
        return no_token(&TokenError::Source(source.clone()));
    }
    match error.kind() {
        ErrorKind::HttpResponse { status, error_code, raw_response } => {
            let status = u16::from(*status);
            let body = raw_response.as_ref().map(|it| it.body().as_ref()).unwrap_or_default();
            let words = xml_message(body).unwrap_or_else(|| format!("HTTP status {status}"));
            let retry_after = raw_response.as_ref().and_then(|it| {
                it.headers()
                    .get_optional_str(&"retry-after".into())?
                    .trim()
                    .parse()
                    .ok()
                    .map(Duration::from_secs)
            });
            let code = error_code.clone();
            PortError { service, kind: kind(status), status: Some(status), code, message: words, retry_after }
        }
        ErrorKind::Connection | ErrorKind::Io => {
            own(service, Refused::Unavailable, unsigned(&with_causes(error)))
        }
        ErrorKind::Credential => own(service, Refused::Unauthenticated, unsigned(&with_causes(error))),
        _ => own(service, Refused::Invalid, unsigned(&with_causes(error))),
    }
}

/// A text without the queries of the URLs in it: a query may hold a signature, which is as good as a password.
fn unsigned(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('?') {
        let (before, from) = rest.split_at(at);
        let end = from.find([' ', ')', '"', '\'', '`']).unwrap_or(from.len());
        let (query, after) = from.split_at(end);
        kept.push_str(before);
        kept.push_str(if query.contains('=') { "?…" } else { query });
        rest = after;
    }
    kept + rest
}

/// The words in an answer of the blob service: `<Error><Code>…</Code><Message>…</Message></Error>`. What follows the
/// first line are numbers for Microsoft's support.
fn xml_message(body: &[u8]) -> Option<String> {
    let body = std::str::from_utf8(body).ok()?;
    let (_, rest) = body.split_once("<Message>")?;
    let (message, _) = rest.split_once("</Message>")?;
    let first = message.lines().next()?.trim();
    (!first.is_empty()).then(|| first.to_owned())
}

/// An answer of the API server: a `Status` object.
pub(crate) fn kubernetes_answer(status: u16, body: &[u8], retry_after: Option<Duration>) -> PortError {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let text =
        |name: &str| body.get(name).and_then(Value::as_str).filter(|it| !it.is_empty()).map(str::to_owned);
    let details = body.pointer("/details/retryAfterSeconds").and_then(Value::as_u64).map(Duration::from_secs);
    PortError {
        service: KUBERNETES,
        kind: kind(status),
        status: Some(status),
        code: text("reason"),
        message: text("message").unwrap_or_else(|| format!("HTTP status {status}, without an explanation")),
        retry_after: retry_after.or(details),
    }
}

/// An error of the cluster's client, which got no answer.
pub(crate) fn kubernetes(error: &kube::Error) -> PortError {
    match error {
        kube::Error::Service(_) | kube::Error::HyperError(_) => {
            own(KUBERNETES, Refused::Unavailable, format!("the cluster cannot be reached: {}", causes(error)))
        }
        kube::Error::Auth(_) => own(KUBERNETES, Refused::Unauthenticated, causes(error)),
        _ => own(KUBERNETES, Refused::Invalid, causes(error)),
    }
}

/// The causes alone: the library's own first line repeats them.
fn causes(error: &dyn StdError) -> String {
    error.source().map_or_else(|| error.to_string(), with_causes)
}

/// An error of a registry's client.
pub(crate) fn registry(service: &'static str, error: &RegistryError) -> PortError {
    if let Some(cause) = port_error_below(error) {
        return cause;
    }
    match error {
        RegistryError::Refused { answer, .. } => PortError {
            service,
            kind: kind(answer.status),
            status: Some(answer.status),
            code: answer.code.clone(),
            message: error.to_string(),
            retry_after: answer.retry_after,
        },
        RegistryError::LogIn { .. } => own(service, Refused::Unauthenticated, with_causes(error)),
        // What was read is not what the model store listed: it changed on the way.
        RegistryError::Source { source, .. } if has_changed(source.as_ref()) => {
            own(service, Refused::Conflict, with_causes(error))
        }
        RegistryError::Source { .. } | RegistryError::Unreachable { .. } => {
            own(service, Refused::Unavailable, with_causes(error))
        }
        RegistryError::Digest { .. } | RegistryError::Size { .. } | RegistryError::Unexpected { .. } => {
            own(service, Refused::Invalid, with_causes(error))
        }
    }
}

fn has_changed(error: &(dyn StdError + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(LayerError::Size { .. } | LayerError::Changed { .. }))
}

/// An image that could not be assembled.
pub(crate) fn image(service: &'static str, error: &ImageError) -> PortError {
    match error {
        ImageError::Registry(error) | ImageError::Base(CopyError::Registry(error)) => {
            registry(service, error)
        }
        ImageError::Base(CopyError::NotFound(_)) => own(service, Refused::NotFound, error.to_string()),
        ImageError::Base(_)
        | ImageError::Layer(_)
        | ImageError::Config(_)
        | ImageError::TooManyLayers { .. } => own(service, Refused::Invalid, error.to_string()),
    }
}

/// Our own error, or one of the identity chain, if that is what lies below.
fn port_error_below(error: &(dyn StdError + 'static)) -> Option<PortError> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<PortError>() {
            return Some(found.clone());
        }
        if let Some(found) = error.downcast_ref::<TokenError>() {
            return Some(no_token(found));
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn azures_own_words_are_kept() {
        let body = br#"{"error":{"code":"AuthorizationFailed","message":"The client 'x' does not"}}"#;
        let error = azure_answer("Azure", 403, body, None);
        assert_eq!((error.kind, error.code.as_deref()), (Refused::Denied, Some("AuthorizationFailed")));
        assert_eq!(error.to_string(), "Azure: The client 'x' does not");
        let mute = azure_answer("Azure", 503, b"<html>", Some(Duration::from_secs(3)));
        assert!(mute.is_transient());
        assert_eq!(mute.message, "HTTP status 503, without an explanation");
    }

    #[test]
    fn queries_are_not_repeated() {
        for (text, expected) in [
            (
                "error for url (https://b/c?sv=1&sig=abc%3D): refused",
                "error for url (https://b/c?…): refused",
            ),
            ("why? because", "why? because"),
            ("a ?x=1", "a ?…"),
            ("none", "none"),
        ] {
            assert_eq!(unsigned(text), expected);
        }
    }

    #[test]
    fn blob_messages_lose_their_trailer() {
        let body = "\u{feff}<?xml version=\"1.0\"?><Error><Code>BlobNotFound</Code><Message>The specified blob does not \
                    exist.\nRequestId:1\nTime:2</Message></Error>";
        assert_eq!(xml_message(body.as_bytes()).as_deref(), Some("The specified blob does not exist."));
        assert_eq!(xml_message(b""), None);
    }

    #[test]
    fn the_source_of_a_failed_push_is_named_and_not_the_registry() {
        let inner = own("Azure Blob Storage", Refused::Denied, "no data role");
        let layer = LayerError::Unreadable { path: "m.onnx".to_owned(), source: inner.clone().into() };
        let outer = RegistryError::Source { what: "m.onnx".to_owned(), source: layer.into() };
        assert_eq!(registry("Artifact Registry", &outer), inner);
    }

    #[test]
    fn a_file_that_changed_size_is_a_conflict() {
        let layer = LayerError::Size { path: "m.onnx".to_owned(), expected: 2, found: 1 };
        let outer = RegistryError::Source { what: "m.onnx".to_owned(), source: layer.into() };
        assert_eq!(registry("Artifact Registry", &outer).kind, Refused::Conflict);
    }
}
