//! Paths below `/v2/`: which image, and what of it.

use http::Method;

/// What of an image a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// `blobs/uploads/`
    Uploads,
    /// `blobs/DIGEST`
    Blob(String),
    /// `manifests/TAG` or `manifests/DIGEST`
    Manifest(String),
    /// `tags/list`
    Tags,
    /// `referrers/DIGEST`
    Referrers(String),
}

/// Takes a path below `/v2/` apart; `None` if it is none of the protocol's.
pub(crate) fn parse(path: &str) -> Option<(&str, Part)> {
    let path = path.strip_prefix("/v2/")?;
    if let Some(name) = path.strip_suffix("/blobs/uploads/").or_else(|| path.strip_suffix("/blobs/uploads")) {
        return Some((name, Part::Uploads));
    }
    if let Some(name) = path.strip_suffix("/tags/list") {
        return Some((name, Part::Tags));
    }
    let (rest, reference) = path.rsplit_once('/')?;
    let (name, noun) = rest.rsplit_once('/')?;
    match noun {
        "blobs" => Some((name, Part::Blob(reference.to_owned()))),
        "manifests" => Some((name, Part::Manifest(reference.to_owned()))),
        "referrers" => Some((name, Part::Referrers(reference.to_owned()))),
        _ => None,
    }
}

/// Whether a request by this method reads only.
pub(crate) fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Whether `text` may stand between two slashes of an image name.
pub(crate) fn is_component(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().next().is_some_and(plain)
        && text.bytes().last().is_some_and(plain)
        && text.bytes().all(|byte| plain(byte) || b"._-".contains(&byte))
}

/// `sha256:` and 64 lower-case hex digits.
pub(crate) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

/// A tag as the protocol allows it.
pub(crate) fn is_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

/// `text` with its percent escapes resolved; a broken escape stays as it is.
pub(crate) fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        if let Some(byte) = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            bytes.push(byte);
            rest = after.get(2..).unwrap_or_default();
        } else {
            bytes.push(b'%');
            rest = after;
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let cases = [
            ("/v2/p/r/i/blobs/uploads/", "p/r/i", Part::Uploads),
            ("/v2/p/r/deep/er/tags/list", "p/r/deep/er", Part::Tags),
            ("/v2/p/r/i/manifests/v1", "p/r/i", Part::Manifest("v1".to_owned())),
            (&format!("/v2/p/r/i/blobs/{digest}"), "p/r/i", Part::Blob(digest.clone())),
            (&format!("/v2/p/r/i/referrers/{digest}"), "p/r/i", Part::Referrers(digest.clone())),
        ];
        for (path, name, part) in cases {
            assert_eq!(parse(path), Some((name, part)), "{path}");
        }
        assert_eq!(parse("/v2/p/r/i/signatures/x"), None);
    }

    #[test]
    fn digests_and_tags() {
        assert!(is_digest(&format!("sha256:{}", "af".repeat(32))));
        assert!(!is_digest(&format!("sha256:{}", "AF".repeat(32))));
        assert!(is_tag("v1.0-rc_1") && !is_tag("-x") && !is_tag("") && !is_tag("a/b"));
    }
}
