//! How a transcript shows a body: JSON and forms by value, other text as it is or, where it is long, compressed, the rest in
//! base64 or by digest.

use std::io::{self, Read as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzEncoder;
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::tee::Seen;

/// The longest body that is no text and is shown whole.
const LARGEST: usize = 16 * 1024;
/// The longest text that is shown as it is.
const LONGEST: usize = 64 * 1024;

/// `None` for an empty body. `scrub` takes the secrets out of a value.
pub(super) fn shown(
    seen: &Seen,
    headers: &HeaderMap,
    scrub: &mut dyn FnMut(&Value) -> Value,
) -> Option<Value> {
    if seen.size == 0 {
        return None;
    }
    let by_digest = || json!({ "size": seen.size, "sha256": seen.digest() });
    if !seen.is_whole() {
        return Some(by_digest());
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    Some(match (kind, std::str::from_utf8(&seen.bytes)) {
        ("application/x-www-form-urlencoded", Ok(_)) => {
            let pairs = url::form_urlencoded::parse(&seen.bytes);
            let pairs: Vec<Value> = pairs.map(|(name, value)| json!([name, value])).collect();
            json!({ "form": scrub(&json!(pairs)) })
        }
        // A digest is taken of the text of a manifest: only what is called plain JSON may be written anew.
        ("application/json" | "application/jwk-set+json", Ok(text)) => match serde_json::from_str(text) {
            Ok(value) => json!({ "json": scrub(&value) }),
            Err(_) => json!({ "text": scrub(&json!(text)) }),
        },
        (_, Ok(text)) => match scrub(&json!(text)) {
            // What holds a secret or an id is shown at whatever length, since a word stands there.
            scrubbed if text.len() <= LONGEST || scrubbed != *text => json!({ "text": scrubbed }),
            _ => {
                compressed(text).map_or_else(|_| by_digest(), |gzip| json!({ "gzip": STANDARD.encode(gzip) }))
            }
        },
        (_, Err(_)) if seen.bytes.len() <= LARGEST => json!({ "base64": STANDARD.encode(&seen.bytes) }),
        (_, Err(_)) => by_digest(),
    })
}

fn compressed(text: &str) -> io::Result<Vec<u8>> {
    let mut gzip = Vec::new();
    GzEncoder::new(text.as_bytes(), Compression::best()).read_to_end(&mut gzip)?;
    Ok(gzip)
}
