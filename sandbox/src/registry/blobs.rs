//! Reading blobs, whole or by range.

use std::path::Path;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::error::RegistryError;
use super::path::is_digest;
use super::{CONTENT_DIGEST, Words, storage};

/// Answers `GET` and `HEAD …/blobs/DIGEST`. `known` is the size of the blob if the image has it; `folder` is where the
/// registry keeps its blobs.
pub(crate) async fn read(
    (folder, words): (&Path, Words),
    known: Option<u64>,
    digest: &str,
    (method, headers): (&Method, &HeaderMap),
) -> Result<Response, RegistryError> {
    if !is_digest(digest) {
        return Err(RegistryError::invalid("DIGEST_INVALID", format!("invalid digest \"{digest}\"")));
    }
    let unknown = || RegistryError::blob_unknown(words, digest);
    let size = known.ok_or_else(unknown)?;
    let range = headers.get(header::RANGE).and_then(|range| parse_range(range, size));
    let (status, offset, length) = match range {
        None => (StatusCode::OK, 0, size),
        Some(Some((offset, length))) => (StatusCode::PARTIAL_CONTENT, offset, length),
        Some(None) => return Ok(unsatisfiable(size)),
    };
    let body = if *method == Method::HEAD {
        Body::empty()
    } else {
        storage::send(folder, digest, offset, length).await.map_err(|_| unknown())?
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(digest) = HeaderValue::try_from(digest) {
        headers.insert(CONTENT_DIGEST, digest);
    }
    if status == StatusCode::PARTIAL_CONTENT {
        insert_range(headers, &format!("bytes {offset}-{}/{size}", offset + length - 1));
    }
    Ok(response)
}

/// The first byte and length of a `bytes=` range: `None` to be ignored, `Some(None)` if it lies outside.
#[expect(clippy::option_option, reason = "ignored, outside and inside are three answers")]
fn parse_range(range: &HeaderValue, size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = range.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(size.saturating_sub(1))),
        (Ok(first), Err(_)) if last.is_empty() => (first, size.saturating_sub(1)),
        (Err(_), Ok(length)) if first.is_empty() && length > 0 => {
            (size.saturating_sub(length), size.saturating_sub(1))
        }
        _ => return None,
    };
    Some((first < size).then(|| (first, last - first + 1)))
}

fn unsatisfiable(size: u64) -> Response {
    let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
    insert_range(response.headers_mut(), &format!("bytes */{size}"));
    response
}

fn insert_range(headers: &mut HeaderMap, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(header::CONTENT_RANGE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let cases = [
            ("bytes=0-9", Some(Some((0, 10)))),
            ("bytes=90-", Some(Some((90, 10)))),
            ("bytes=-5", Some(Some((95, 5)))),
            ("bytes=-500", Some(Some((0, 100)))),
            ("bytes=50-500", Some(Some((50, 50)))),
            ("bytes=100-", Some(None)),
            ("bytes=9-0", None),
            ("bytes=0-1,5-6", None),
            ("lines=0-1", None),
        ];
        for (range, expected) in cases {
            assert_eq!(parse_range(&HeaderValue::from_static(range), 100), expected, "{range}");
        }
    }
}
