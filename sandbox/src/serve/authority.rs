//! The sandbox's private certificate authority and the one certificate it signs, for loopback.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde::{Deserialize, Serialize};

use crate::transcript::OWN_AGENT;

/// The names that the leaf certificate is good for.
const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "::1"];

/// Certificates could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox's certificates cannot be made: {0}")]
pub struct CertificateError(String);

impl CertificateError {
    pub(crate) fn from_text(why: &str) -> Self {
        Self(why.to_owned())
    }
}

/// The sandbox's certificate authority. Its private key is forgotten once the leaf is signed.
pub struct Authority {
    /// The authority's certificate, PEM.
    pub certificate: String,
    server: Arc<ServerConfig>,
    saved: SavedAuthority,
}

/// What is kept of an authority between two runs: its certificate, and the leaf with its key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SavedAuthority {
    certificate: String,
    #[serde(with = "crate::data::bytes")]
    leaf: Vec<u8>,
    #[serde(with = "crate::data::bytes")]
    key: Vec<u8>,
}

impl Authority {
    /// Makes an authority and a leaf for loopback.
    pub fn generate() -> Result<Self, CertificateError> {
        let failed = |error: rcgen::Error| CertificateError(error.to_string());
        let issuer = CertifiedIssuer::self_signed(authority(), KeyPair::generate().map_err(failed)?)
            .map_err(failed)?;
        let key = KeyPair::generate().map_err(failed)?;
        let leaf = leaf().map_err(failed)?.signed_by(&key, &issuer).map_err(failed)?;
        Self::restored(SavedAuthority {
            certificate: issuer.pem(),
            leaf: leaf.der().to_vec(),
            key: key.serialize_der(),
        })
    }

    /// The authority that was kept.
    pub(crate) fn restored(saved: SavedAuthority) -> Result<Self, CertificateError> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(saved.key.clone()));
        let mut server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| CertificateError(error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(saved.leaf.clone())], key)
            .map_err(|error| CertificateError(error.to_string()))?;
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { certificate: saved.certificate.clone(), server: Arc::new(server), saved })
    }

    /// What is to be kept.
    pub(crate) fn saved(&self) -> SavedAuthority {
        self.saved.clone()
    }

    /// How the https services answer a handshake.
    pub(crate) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.server)
    }

    /// The sandbox's own client: trusts this authority and the system's, and goes to loopback directly, past any proxy.
    pub fn client(&self) -> Result<reqwest::Client, CertificateError> {
        let failed = |error: reqwest::Error| CertificateError(error.to_string());
        let root = reqwest::Certificate::from_pem(self.certificate.as_bytes()).map_err(failed)?;
        reqwest::Client::builder()
            .user_agent(OWN_AGENT)
            .tls_certs_merge([root])
            .no_proxy()
            .build()
            .map_err(failed)
    }
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name("Gangplank sandbox CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf() -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    params.distinguished_name = name("Gangplank sandbox");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}
