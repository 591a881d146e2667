//! The one way this product makes HTTP clients: with the bridge's own certificate authorities, time limits, and no
//! plain http beyond loopback.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use url::{Host, Url};

/// What we call ourselves.
pub const USER_AGENT: &str = concat!("gangplank/", env!("CARGO_PKG_VERSION"));

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Why there is no HTTP client, or no address to send to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpSetup {
    /// The CA bundle is no PEM.
    #[error(
        "the CA bundle holds no usable certificate: {0}; expected PEM blocks `-----BEGIN CERTIFICATE-----`"
    )]
    CaBundle(String),
    /// The TLS library or the resolver would not start.
    #[error("cannot make an HTTP client: {0}")]
    Client(String),
    /// Not a URL.
    #[error("`{url}` is no address: {problem}; expected `https://HOST`")]
    Address {
        /// As given.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Tokens would go over the wire readable.
    #[error("`{0}` would carry tokens unencrypted; use https (plain http is for loopback alone)")]
    Unencrypted(String),
}

/// Whose certificates are believed: those of the system's authorities and, besides, of a bundle's. They are read once, which
/// takes some milliseconds; every client made here shares them, and the sessions of TLS.
#[derive(Clone)]
pub struct Roots {
    config: ClientConfig,
}

impl Roots {
    /// The system's authorities and those in `ca_bundle` (PEM).
    pub fn new(ca_bundle: Option<&[u8]>) -> Result<Self, HttpSetup> {
        let extra = ca_bundle.map_or(Ok(Vec::new()), certificates)?;
        let client = |error: rustls::Error| HttpSetup::Client(error.to_string());
        // With a bundle, the verifier forgives a system without certificates: what it refuses is the bundle's.
        let refused = |error: rustls::Error| match ca_bundle {
            Some(_) => HttpSetup::CaBundle(error.to_string()),
            None => client(error),
        };
        let provider =
            CryptoProvider::get_default().map_or_else(|| Arc::new(aws_lc_rs::default_provider()), Arc::clone);
        let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(refused)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(client)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok(Self { config })
    }

    /// A builder with our user agent and time limits. Follows no redirect: none of the services we send tokens to uses one.
    pub fn builder(&self) -> reqwest::ClientBuilder {
        self.streaming().read_timeout(READ_TIMEOUT)
    }

    /// The same for whoever moves many bytes and looks himself whether they flow. There is no limit on reading: reqwest
    /// counts what it takes to send a body towards it, and an upload may take hours.
    pub fn streaming(&self) -> reqwest::ClientBuilder {
        self.speaking(&[b"h2", b"http/1.1"])
    }

    /// The same with HTTP/1.1 alone: each transfer has a connection of its own.
    pub fn bulk(&self) -> reqwest::ClientBuilder {
        self.speaking(&[b"http/1.1"]).http1_only()
    }

    /// A client made by [`Self::builder`].
    pub fn client(&self) -> Result<reqwest::Client, HttpSetup> {
        self.builder().build().map_err(|error| HttpSetup::Client(with_causes(&error)))
    }

    /// reqwest offers no protocol by itself where the set-up of TLS is given to it.
    fn speaking(&self, protocols: &[&[u8]]) -> reqwest::ClientBuilder {
        let mut config = self.config.clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        ours(reqwest::Client::builder().tls_backend_preconfigured(config))
    }
}

/// A builder for plain http alone: it trusts nobody's certificate, and so reads none.
pub(crate) fn plain() -> reqwest::ClientBuilder {
    ours(reqwest::Client::builder().tls_certs_only([])).read_timeout(READ_TIMEOUT)
}

fn ours(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    builder
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
}

/// A client with [`Roots`] of its own.
pub fn client(ca_bundle: Option<&[u8]>) -> Result<reqwest::Client, HttpSetup> {
    Roots::new(ca_bundle)?.client()
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, HttpSetup> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = certificates.map_err(|error| HttpSetup::CaBundle(error.to_string()))?;
    if certificates.is_empty() {
        return Err(HttpSetup::CaBundle("no certificate in it".to_owned()));
    }
    Ok(certificates)
}

/// Parses the address of a service that will be sent tokens.
pub fn service_address(url: &str) -> Result<Url, HttpSetup> {
    let address = |problem: &str| HttpSetup::Address { url: url.to_owned(), problem: problem.to_owned() };
    let parsed = Url::parse(url).map_err(|error| address(&error.to_string()))?;
    if parsed.host().is_none() {
        return Err(address("no host in it"));
    }
    match parsed.scheme() {
        "https" => Ok(parsed),
        "http" if is_loopback(&parsed) => Ok(parsed),
        "http" => Err(HttpSetup::Unencrypted(url.to_owned())),
        other => Err(address(&format!("`{other}` is neither https nor http"))),
    }
}

/// Parses the address of an endpoint that the machine itself offers. These speak plain http, so besides loopback the
/// link-local and private networks are let through: nothing leaves them.
pub(crate) fn machine_address(url: &str) -> Result<Url, HttpSetup> {
    match service_address(url) {
        Err(HttpSetup::Unencrypted(text)) => {
            let parsed = Url::parse(url).ok();
            parsed.filter(is_near).ok_or(HttpSetup::Unencrypted(text))
        }
        outcome => outcome,
    }
}

/// The name that Google's machines know their metadata server by; it resolves nowhere else.
const GOOGLE_METADATA: &str = "metadata.google.internal";

fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local() || address.is_private(),
        Some(Host::Ipv6(address)) => address.is_unicast_link_local() || address.is_unique_local(),
        Some(Host::Domain(name)) => name == GOOGLE_METADATA,
        None => false,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// What went wrong on the wire, and with whom: the host and port, but neither path nor query, which may hold a signature.
pub fn unreachable(error: reqwest::Error) -> String {
    let host = error.url().map(|url| url.origin().ascii_serialization());
    let text = with_causes(&error.without_url());
    match host {
        Some(host) => format!("{host}: {text}"),
        None => text,
    }
}

/// An error and everything below it, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clients_that_stream_read_without_a_limit() {
        let limited = |builder: reqwest::ClientBuilder| {
            format!("{:?}", builder.build().unwrap()).contains("read_timeout")
        };
        let roots = Roots::new(None).unwrap();
        assert!(limited(roots.builder()) && !limited(roots.streaming()) && !limited(roots.bulk()));
    }

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for good in
            ["https://sts.googleapis.com", "http://127.0.0.1:8080", "http://[::1]:1", "http://localhost:9"]
        {
            assert!(service_address(good).is_ok(), "{good}");
        }
        for open in [
            "http://sts.googleapis.com",
            "http://10.0.0.1",
            "http://localhost.example",
            "http://127.0.0.1.nip.io",
        ] {
            assert_eq!(service_address(open), Err(HttpSetup::Unencrypted(open.to_owned())));
        }
        for odd in ["", "sts.googleapis.com", "ftp://127.0.0.1", "file:///etc/passwd", "https://"] {
            assert!(matches!(service_address(odd), Err(HttpSetup::Address { .. })), "{odd}");
        }
    }

    #[test]
    fn plain_http_to_the_machines_own_endpoints_stays_near() {
        for near in [
            "http://169.254.169.254/metadata",
            "http://172.16.0.1:8081/msi/token",
            "http://localhost:42356/msi/token",
            "http://metadata.google.internal",
            "http://[fd00:ec2::254]/",
            "https://identity.example",
        ] {
            assert!(machine_address(near).is_ok(), "{near}");
        }
        for far in ["http://8.8.8.8/", "http://metadata.google.internal.example", "http://[2001:db8::1]/"] {
            assert_eq!(machine_address(far), Err(HttpSetup::Unencrypted(far.to_owned())));
        }
        assert!(matches!(machine_address("169.254.169.254"), Err(HttpSetup::Address { .. })));
    }

    #[test]
    fn a_bundle_without_certificates_is_an_error() {
        for pem in [&b""[..], b"not pem", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let refused = client(Some(pem)).unwrap_err();
            assert!(matches!(refused, HttpSetup::CaBundle(_)), "{refused}: {}", String::from_utf8_lossy(pem));
        }
        assert!(client(None).is_ok());
    }
}
