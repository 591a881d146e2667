//! Image references, and which registry of ours they mean.

use std::net::SocketAddr;

use crate::seed;

/// A parsed image reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) host: String,
    pub(super) repository: String,
    pub(super) tag: String,
    pub(super) digest: Option<String>,
}

impl Reference {
    /// Parses as container runtimes do: without a host it is Docker Hub's.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.to_owned())),
            None => (text, None),
        };
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            _ => (rest, "latest"),
        };
        let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
        let (host, repository) = match path.split_once('/') {
            Some((first, rest)) if is_host(first) => (first.to_owned(), rest.to_owned()),
            Some(_) => ("docker.io".to_owned(), path.to_owned()),
            None => ("docker.io".to_owned(), format!("library/{path}")),
        };
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_./".contains(&byte);
        let sound = !repository.is_empty()
            && repository.bytes().all(allowed)
            && repository.split('/').all(|part| !part.is_empty() && part != ".." && part != ".")
            && !tag.is_empty()
            && digest.as_deref().is_none_or(is_digest);
        sound.then(|| Self { host, repository, tag: tag.to_owned(), digest })
    }

    /// The digest if there is one, else the tag.
    pub(super) fn version(&self) -> &str {
        self.digest.as_deref().unwrap_or(&self.tag)
    }

    /// Whether the sandbox's registry is meant: by its address, or by Artifact Registry's name for our region.
    pub(super) fn is_ours(&self, registry: SocketAddr) -> bool {
        let local = [registry.to_string(), format!("localhost:{}", registry.port())];
        local.contains(&self.host) || self.host == format!("{}-docker.pkg.dev", seed::LOCATION)
    }
}

/// Whether this is a sha256 digest.
pub(super) fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let cases = [
            ("nginx".to_owned(), Some(("docker.io", "library/nginx", "latest"))),
            ("a/b:1".to_owned(), Some(("docker.io", "a/b", "1"))),
            ("127.0.0.1:5000/p/r/i:1".to_owned(), Some(("127.0.0.1:5000", "p/r/i", "1"))),
            (format!("h.example/p/i@{digest}"), Some(("h.example", "p/i", digest.as_str()))),
            (format!("h.example/p/i:1@{digest}"), Some(("h.example", "p/i", digest.as_str()))),
            ("h.example/../i".to_owned(), None),
            ("h.example/I".to_owned(), None),
            ("h.example/i@sha256:12".to_owned(), None),
        ];
        for (text, expected) in cases {
            let parsed = Reference::parse(&text);
            let shown = parsed.as_ref().map(|it| (it.host.as_str(), it.repository.as_str(), it.version()));
            assert_eq!(shown, expected, "{text}");
        }
    }

    #[test]
    fn ours_are_known_by_address_and_by_name() {
        let registry: SocketAddr = "127.0.0.1:5000".parse().unwrap();
        for (text, expected) in [
            ("127.0.0.1:5000/a", true),
            ("localhost:5000/a", true),
            ("europe-west4-docker.pkg.dev/p/r/i", true),
            ("us-docker.pkg.dev/p/r/i", false),
            ("127.0.0.1:5001/a", false),
            ("nginx", false),
        ] {
            assert_eq!(Reference::parse(text).unwrap().is_ours(registry), expected, "{text}");
        }
    }
}
