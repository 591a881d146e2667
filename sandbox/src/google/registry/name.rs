//! Paths below `/v2/`: which image, and what of it.

use http::Method;

use super::error::RegistryError;
use crate::seed;

/// Artifact Registry's words for a path that is too short.
const TOO_SHORT: &str =
    "Missing image name. Pushes should be of the form docker push HOST-NAME/PROJECT-ID/REPOSITORY/IMAGE";

/// `PROJECT/REPOSITORY/IMAGE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageName {
    pub(crate) project: String,
    pub(crate) repository: String,
    pub(crate) image: String,
}

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
}

impl ImageName {
    pub(crate) fn parse(name: &str) -> Result<Self, RegistryError> {
        let mut parts = name.splitn(3, '/');
        let (Some(project), Some(repository), Some(image)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(RegistryError::invalid("NAME_INVALID", TOO_SHORT));
        };
        if !name.split('/').all(is_component) {
            return Err(RegistryError::invalid("NAME_INVALID", format!("Invalid image name \"{name}\"")));
        }
        Ok(Self { project: project.to_owned(), repository: repository.to_owned(), image: image.to_owned() })
    }

    /// The name as it stands in paths and token scopes.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}/{}", self.project, self.repository, self.image)
    }

    /// The repository's resource name. The sandbox's registry stands at one location.
    pub(crate) fn resource(&self) -> String {
        format!("projects/{}/locations/{}/repositories/{}", self.project, seed::LOCATION, self.repository)
    }
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
        _ => None,
    }
}

/// Whether a request by this method reads only.
pub(crate) fn reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

fn is_component(text: &str) -> bool {
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
        ];
        for (path, name, part) in cases {
            assert_eq!(parse(path), Some((name, part)), "{path}");
        }
        assert_eq!(parse("/v2/p/r/i/referrers/x"), None);
        assert!(ImageName::parse("p/r").is_err());
        assert!(ImageName::parse("p/r/../i").is_err());
        assert!(ImageName::parse("p/r/a//i").is_err());
        assert_eq!(ImageName::parse("p/r/a/b").unwrap().image, "a/b");
    }

    #[test]
    fn digests_and_tags() {
        assert!(is_digest(&format!("sha256:{}", "af".repeat(32))));
        assert!(!is_digest(&format!("sha256:{}", "AF".repeat(32))));
        assert!(is_tag("v1.0-rc_1") && !is_tag("-x") && !is_tag("") && !is_tag("a/b"));
    }
}
