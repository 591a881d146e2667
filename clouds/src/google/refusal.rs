//! Google's ways of saying no, as the one error of bridge's ports.

use std::error::Error as StdError;
use std::time::Duration;

use bridge::port::{PortError, Refused};
use google_cloud_gax::error::Error;
use google_cloud_gax::error::rpc::{Code, StatusDetails};
pub(crate) use identity::http::with_causes;
use identity::{Hop, TokenError};
use serde_json::Value;

/// What kind of "no" an HTTP status is.
pub(crate) fn kind(status: u16) -> Refused {
    match status {
        401 => Refused::Unauthenticated,
        403 => Refused::Denied,
        404 => Refused::NotFound,
        409 | 412 => Refused::Conflict,
        429 => Refused::Throttled,
        408 | 500.. => Refused::Unavailable,
        _ => Refused::Invalid,
    }
}

/// No token: the refusal of whichever hop of the identity chain gave none.
pub fn no_token(error: &TokenError) -> PortError {
    let kind = match error.status() {
        Some(429) => Refused::Throttled,
        _ if error.is_transient() => Refused::Unavailable,
        // Only impersonation is a matter of rights; every other hop is about the credential itself.
        Some(status @ (403 | 404)) if error.hop() == Hop::Impersonation => kind(status),
        _ => Refused::Unauthenticated,
    };
    PortError {
        service: error.service(),
        kind,
        status: error.status(),
        code: error.code().map(str::to_owned),
        message: error.words(),
        retry_after: error.retry_after(),
    }
}

/// The refusal in an error of Google's client libraries.
pub(crate) fn library(service: &'static str, error: &Error) -> PortError {
    if let Some(refused) = token_error(error) {
        return no_token(refused);
    }
    let status = error.http_status_code();
    let message = match error.status() {
        Some(rpc) if !rpc.message.is_empty() => rpc.message.clone(),
        _ => with_causes(error),
    };
    let code = error.status().map(|rpc| reason(&rpc.details).unwrap_or_else(|| rpc.code.name().to_owned()));
    PortError { service, kind: library_kind(error), status, code, message, retry_after: retry_after(error) }
}

fn library_kind(error: &Error) -> Refused {
    let by_code = error.status().and_then(|rpc| by_code(rpc.code));
    match (error.http_status_code(), by_code) {
        (_, Some(kind)) => kind,
        (Some(status), None) => kind(status),
        (None, None) if error.is_deserialization() || error.is_serialization() || error.is_binding() => {
            Refused::Invalid
        }
        (None, None) if error.is_authentication() => Refused::Unauthenticated,
        (None, None) => Refused::Unavailable,
    }
}

fn by_code(code: Code) -> Option<Refused> {
    match code {
        Code::NotFound => Some(Refused::NotFound),
        Code::PermissionDenied => Some(Refused::Denied),
        Code::Unauthenticated => Some(Refused::Unauthenticated),
        Code::AlreadyExists | Code::Aborted => Some(Refused::Conflict),
        Code::ResourceExhausted => Some(Refused::Throttled),
        Code::Unavailable | Code::Internal | Code::DeadlineExceeded => Some(Refused::Unavailable),
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange | Code::Unimplemented => {
            Some(Refused::Invalid)
        }
        _ => None,
    }
}

/// The reason that an error's details give, `IAM_PERMISSION_DENIED` for example, or the constraint that was violated,
/// `constraints/iam.disableServiceAccountCreation`.
fn reason(details: &[StatusDetails]) -> Option<String> {
    let constraint = details.iter().find_map(|detail| match detail {
        StatusDetails::PreconditionFailure(failure) => {
            failure.violations.iter().map(|violation| &violation.r#type).find(|it| is_constraint(it)).cloned()
        }
        _ => None,
    });
    let info = details.iter().find_map(|detail| match detail {
        StatusDetails::ErrorInfo(info) if !info.reason.is_empty() => Some(info.reason.clone()),
        _ => None,
    });
    constraint.or(info)
}

fn is_constraint(text: &str) -> bool {
    text.starts_with("constraints/")
}

fn retry_after(error: &Error) -> Option<Duration> {
    let header = error.http_headers()?.get(http::header::RETRY_AFTER)?;
    header.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// Our own error about a missing token, if that is what the library failed with.
fn token_error(error: &Error) -> Option<&TokenError> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<TokenError>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// The refusal in an answer of one of Google's REST APIs: `{"error": {"code", "message", "status", "details"}}`.
pub(crate) fn answer(
    service: &'static str,
    status: u16,
    body: &Value,
    retry_after: Option<Duration>,
) -> PortError {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let details =
        body.pointer("/error/details").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let reason = details.iter().find_map(|detail| detail.get("reason")?.as_str().map(str::to_owned));
    let violations = details.iter().filter_map(|detail| detail.get("violations")?.as_array()).flatten();
    let types = violations.filter_map(|violation| violation.get("type")?.as_str());
    let constraint = types.into_iter().find(|it| is_constraint(it)).map(str::to_owned);
    let reason = constraint.or(reason);
    PortError {
        service,
        kind: kind(status),
        status: Some(status),
        code: reason.or_else(|| text("/error/status")),
        message: text("/error/message")
            .unwrap_or_else(|| format!("HTTP status {status}, without an explanation")),
        retry_after,
    }
}

/// The refusal in a long-running operation that failed.
pub(crate) fn operation(service: &'static str, code: i64, message: &str) -> PortError {
    let code = i32::try_from(code).map_or(Code::Unknown, Code::from);
    PortError {
        service,
        kind: by_code(code).unwrap_or(Refused::Invalid),
        status: None,
        code: Some(code.name().to_owned()),
        message: message.to_owned(),
        retry_after: None,
    }
}

/// A refusal of our own: the service answered, but not what it documents.
pub(crate) fn unexpected(service: &'static str, message: impl Into<String>) -> PortError {
    own(service, Refused::Invalid, message)
}

/// A refusal in our own words.
pub(crate) fn own(service: &'static str, kind: Refused, message: impl Into<String>) -> PortError {
    PortError { service, kind, status: None, code: None, message: message.into(), retry_after: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn statuses_are_sorted_by_what_helps() {
        use Refused::{Conflict, Denied, Invalid, NotFound, Throttled, Unauthenticated, Unavailable};
        let table = [
            (400, Invalid),
            (401, Unauthenticated),
            (403, Denied),
            (404, NotFound),
            (408, Unavailable),
            (409, Conflict),
            (412, Conflict),
            (429, Throttled),
            (500, Unavailable),
            (503, Unavailable),
        ];
        for (status, wanted) in table {
            assert_eq!(kind(status), wanted, "{status}");
        }
    }

    #[test]
    fn the_reason_is_preferred_to_the_status_word() {
        let body = json!({"error": {"code": 403, "message": "Permission 'x' denied", "status": "PERMISSION_DENIED",
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "IAM_PERMISSION_DENIED"}]}});
        let refusal = answer("IAM", 403, &body, None);
        assert_eq!((refusal.kind, refusal.code.as_deref()), (Refused::Denied, Some("IAM_PERMISSION_DENIED")));
        let bare = answer("IAM", 502, &Value::Null, None);
        assert_eq!((bare.kind, bare.code), (Refused::Unavailable, None));
    }
}
