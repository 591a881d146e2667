//! Where a registry is and how an image in it is named.

use std::fmt;
use std::net::IpAddr;

use url::Url;

use crate::digest::Digest;

const TLS: &str = "https://";

/// One registry: its host as image names carry it, and the URL it answers at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    base: Url,
}

/// The full name of an image, `HOST/REPOSITORY:TAG` or `HOST/REPOSITORY@DIGEST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The registry's host, with its port if it has one; after `https://` if it is on loopback and speaks TLS.
    pub host: String,
    /// The repository, without the host.
    pub repository: String,
    /// What follows.
    pub version: Version,
}

/// What an image is called inside its repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Version {
    /// A name that can be moved.
    Tag(String),
    /// The content itself.
    Digest(Digest),
}

/// A name or address that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedReference {
    /// No image is called this.
    #[error("`{0}` is no image name: expected `HOST/REPOSITORY:TAG` or `HOST/REPOSITORY@sha256:…`")]
    Image(String),
    /// No registry is there.
    #[error("`{0}` is no registry: expected `HOST[:PORT]` or `https://HOST[:PORT]`")]
    Registry(String),
}

impl Endpoint {
    /// Reads `HOST[:PORT]` (https, but http on loopback) or an `https://` or `http://` URL without a path.
    pub fn parse(text: &str) -> Result<Self, MalformedReference> {
        let malformed = || MalformedReference::Registry(text.to_owned());
        let address = if text.contains("://") {
            text.to_owned()
        } else {
            format!("{}://{text}", if is_loopback(text) { "http" } else { "https" })
        };
        let base = Url::parse(&address).map_err(|_| malformed())?;
        let plain = base.query().is_none() && base.fragment().is_none() && base.username().is_empty();
        if !matches!(base.scheme(), "http" | "https") || base.path() != "/" || !plain {
            return Err(malformed());
        }
        let name = base.host_str().ok_or_else(malformed)?;
        let host = base.port().map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"));
        Ok(Self { host, base })
    }

    /// The host as image names carry it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The URL of something below `/v2/`.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/v2/{path}"));
        url
    }

    /// Whether a log-in for this registry may be sent to `url`.
    pub(crate) fn covers(&self, url: &Url) -> bool {
        url.scheme() == self.base.scheme()
            && url.host_str() == self.base.host_str()
            && url.port_or_known_default() == self.base.port_or_known_default()
    }
}

/// Whether `host`, with or without a port, names this machine.
pub fn is_loopback(host: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{host}")) else { return false };
    let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl Reference {
    /// Reads a full image name. A name without tag and digest means the tag `latest`. `https://` may stand before it: a registry
    /// on loopback speaks plain http without.
    pub fn parse(text: &str) -> Result<Self, MalformedReference> {
        let malformed = || MalformedReference::Image(text.to_owned());
        let bare = text.strip_prefix(TLS).unwrap_or(text);
        let (host, rest) = bare.split_once('/').ok_or_else(malformed)?;
        let (name, digest) = match rest.split_once('@') {
            Some((name, digest)) => (name, Some(Digest::parse(digest).map_err(|_| malformed())?)),
            None => (rest, None),
        };
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) => (repository, tag),
            None => (name, "latest"),
        };
        let is_host = host.contains(['.', ':']) || host == "localhost";
        if !is_host || !is_repository(repository) || !is_tag(tag) {
            return Err(malformed());
        }
        let version = digest.map_or_else(|| Version::Tag(tag.to_owned()), Version::Digest);
        let tls_is_said = bare.len() < text.len() && is_loopback(host);
        let host = if tls_is_said { format!("{TLS}{host}") } else { host.to_owned() };
        Ok(Self { host, repository: repository.to_owned(), version })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if matches!(self.version, Version::Tag(_)) { ':' } else { '@' };
        write!(f, "{}/{}{mark}{}", self.host, self.repository, self.version.as_str())
    }
}

impl Version {
    /// As it stands in URLs.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag,
            Self::Digest(digest) => digest.as_str(),
        }
    }

    /// Reads a tag or a digest.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains(':') {
            return Digest::parse(text).ok().map(Self::Digest);
        }
        is_tag(text).then(|| Self::Tag(text.to_owned()))
    }
}

/// Whether `name` is a repository path that every registry takes.
pub fn is_repository(name: &str) -> bool {
    let is_part = |part: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        edge(part.chars().next())
            && edge(part.chars().last())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-'))
    };
    name.len() <= 255 && name.split('/').all(is_part)
}

/// Whether `name` can be a tag.
pub fn is_tag(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    starts
        && name.len() <= 128
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        let digest = Digest::of(b"x");
        for name in [
            "europe-docker.pkg.dev/p/r/model:7".to_owned(),
            "127.0.0.1:5000/p/r/model:v1.2_3".to_owned(),
            format!("localhost/a@{digest}"),
        ] {
            assert_eq!(Reference::parse(&name).unwrap().to_string(), name);
        }
        assert_eq!(Reference::parse("ghcr.io/a/b").unwrap().version, Version::Tag("latest".to_owned()));
        let both = Reference::parse(&format!("ghcr.io/a/b:7@{digest}")).unwrap();
        assert_eq!(both.version, Version::Digest(digest));
    }

    #[test]
    fn tls_is_said_where_it_does_not_go_without_saying() {
        for (text, host, address) in [
            ("https://localhost:5000/a:1", "https://localhost:5000", "https://localhost:5000/"),
            ("localhost:5000/a:1", "localhost:5000", "http://localhost:5000/"),
            ("https://ghcr.io/a/b:1", "ghcr.io", "https://ghcr.io/"),
        ] {
            let reference = Reference::parse(text).unwrap();
            assert_eq!(reference.host, host);
            assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
            assert_eq!(Endpoint::parse(host).unwrap().base.as_str(), address);
        }
        assert!(Reference::parse("http://localhost:5000/a:1").is_err());
    }

    #[test]
    fn what_is_no_image_name_is_refused() {
        for bad in
            ["", "busybox", "library/busybox", "ghcr.io/", "ghcr.io/A/b", "ghcr.io/a//b:1", "ghcr.io/a:-"]
        {
            assert_eq!(Reference::parse(bad), Err(MalformedReference::Image(bad.to_owned())), "{bad}");
        }
    }

    #[test]
    fn plain_http_is_for_loopback_or_on_request() {
        for (text, base) in [
            ("ghcr.io", "https://ghcr.io/"),
            ("127.0.0.1:5000", "http://127.0.0.1:5000/"),
            ("127.8.0.1", "http://127.8.0.1/"),
            ("[::1]:5000", "http://[::1]:5000/"),
            ("localhost:1", "http://localhost:1/"),
            ("localhost.example", "https://localhost.example/"),
            ("http://registry.lan:80", "http://registry.lan/"),
            ("https://127.0.0.1:5000", "https://127.0.0.1:5000/"),
        ] {
            assert_eq!(Endpoint::parse(text).unwrap().base.as_str(), base);
        }
        for bad in ["", "ftp://a", "https://a/b", "https://user@a", "a b"] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_login_stays_with_its_registry() {
        let endpoint = Endpoint::parse("https://ghcr.io").unwrap();
        assert!(endpoint.covers(&endpoint.url("a/blobs/uploads/1?state=x")));
        for other in ["http://ghcr.io/v2/", "https://ghcr.io:444/v2/", "https://ghcr.io.example/v2/"] {
            assert!(!endpoint.covers(&Url::parse(other).unwrap()));
        }
    }
}
