//! Reading one blob: conditions, ranges, and a body made piece by piece.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::refusal::{Refusal, insert};
use crate::azure::models::{Blob, Content};
use crate::azure::wire::http_date;

/// The largest piece of a body held at once.
const PIECE: u64 = 64 * 1024;

/// Of more bytes no checksum is given.
const MOST_SUMMED: u64 = 4 << 20;

/// Answers GET and HEAD of a blob.
pub(super) fn read(blob: &Blob, method: &Method, headers: &HeaderMap) -> Result<Response, Refusal> {
    if !condition(headers, header::IF_MATCH, &blob.etag).unwrap_or(true) {
        return Err(Refusal::CONDITION);
    }
    if condition(headers, header::IF_NONE_MATCH, &blob.etag).unwrap_or(false) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let size = blob.content.size();
    let range = range(headers).filter(|_| *method == Method::GET);
    let (from, to) = match range {
        Some((from, to)) if from < size => (from, to.map_or(size, |to| size.min(to.saturating_add(1)))),
        Some(_) => return Err(Refusal::range(size)),
        None => (0, size),
    };
    let sum = sum(headers, range.map(|_| to - from))?.then(|| crc64(&blob.content, from, to));
    let body = if *method == Method::HEAD { Body::empty() } else { body(blob.content.clone(), from, to) };
    let mut response = Response::new(body);
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        insert(response.headers_mut(), "content-range", &format!("bytes {from}-{}/{size}", to - 1));
    }
    describe(response.headers_mut(), blob, to - from);
    if let Some(sum) = sum {
        insert(response.headers_mut(), "x-ms-content-crc64", &sum);
    }
    Ok(response)
}

/// Whether a checksum of the range is asked for: only of one, and of no long one
/// (<https://learn.microsoft.com/rest/api/storageservices/get-blob>, `x-ms-range-get-content-crc64`).
fn sum(headers: &HeaderMap, range: Option<u64>) -> Result<bool, Refusal> {
    match (headers.get("x-ms-range-get-content-crc64"), range) {
        (Some(asked), Some(length)) if asked == "true" && length <= MOST_SUMMED => Ok(true),
        (Some(asked), _) if asked == "true" => Err(Refusal::HEADER),
        _ => Ok(false),
    }
}

/// CRC-64/NVME, base64 of eight bytes, the least first.
fn crc64(content: &Content, from: u64, to: u64) -> String {
    let (mut digest, mut at) = (Digest::new(CrcAlgorithm::Crc64Nvme), from);
    while at < to {
        let piece = content.chunk(at, PIECE.min(to - at));
        if piece.is_empty() {
            break;
        }
        digest.update(&piece);
        at += piece.len() as u64;
    }
    STANDARD.encode(digest.finalize().to_le_bytes())
}

fn describe(headers: &mut HeaderMap, blob: &Blob, length: u64) {
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert("x-ms-blob-type", HeaderValue::from_static("BlockBlob"));
    headers.insert("x-ms-access-tier", HeaderValue::from_static("Hot"));
    headers.insert("x-ms-access-tier-inferred", HeaderValue::from_static("true"));
    headers.insert("x-ms-server-encrypted", HeaderValue::from_static("true"));
    headers.insert("x-ms-lease-state", HeaderValue::from_static("available"));
    headers.insert("x-ms-lease-status", HeaderValue::from_static("unlocked"));
    insert(headers, "etag", &format!("\"{}\"", blob.etag));
    let date = http_date(blob.modified);
    insert(headers, "last-modified", &date);
    insert(headers, "x-ms-creation-time", &date);
}

/// Whether a conditional header names `etag`, or `None` if the header is not there.
fn condition(headers: &HeaderMap, name: header::HeaderName, etag: &str) -> Option<bool> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.split(',').map(str::trim).any(|one| one == "*" || one.trim_matches('"') == etag))
}

/// First and last byte asked for. A header that is no byte range counts as none, as in Azure.
fn range(headers: &HeaderMap) -> Option<(u64, Option<u64>)> {
    let value = headers.get("x-ms-range").or_else(|| headers.get(header::RANGE))?.to_str().ok()?;
    let (from, to) = value.strip_prefix("bytes=")?.split_once('-')?;
    let to = if to.is_empty() { None } else { Some(to.parse().ok()?) };
    let from = from.parse().ok()?;
    to.is_none_or(|to| to >= from).then_some((from, to))
}

/// The bytes from `from` up to `to`, never more than a piece of them in memory.
fn body(content: Content, from: u64, to: u64) -> Body {
    Body::from_stream(stream::unfold((content, from), move |(content, at)| async move {
        let piece = content.chunk(at, PIECE.min(to.saturating_sub(at)));
        let next = at + piece.len() as u64;
        (!piece.is_empty()).then_some((Ok::<Bytes, std::io::Error>(piece), (content, next)))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_given_of_short_ranges() {
        let mut headers = HeaderMap::new();
        assert!(!sum(&headers, Some(1)).unwrap());
        headers.insert("x-ms-range-get-content-crc64", HeaderValue::from_static("true"));
        assert!(sum(&headers, Some(MOST_SUMMED)).unwrap());
        assert!(sum(&headers, Some(MOST_SUMMED + 1)).is_err());
        assert!(sum(&headers, None).is_err());
    }

    #[test]
    fn ranges() {
        for (text, expected) in [
            ("bytes=0-9", Some((0, Some(9)))),
            ("bytes=5-", Some((5, None))),
            ("bytes=9-5", None),
            ("bytes=-5", None),
            ("items=0-9", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static(text));
            assert_eq!(range(&headers), expected, "{text}");
        }
    }
}
