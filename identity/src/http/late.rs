//! Certificates that are read while the first connection is under way: the system's are some three hundred files, and reading
//! them takes 8 ms, as long as a line to a cloud takes to carry the first answer.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use rustls_platform_verifier::Verifier;

/// The platform's verifier, as soon as somebody needs it.
#[derive(Debug)]
pub(super) struct Late {
    provider: Arc<CryptoProvider>,
    extra: Vec<CertificateDer<'static>>,
    verifier: OnceLock<Result<Verifier, Error>>,
}

impl Late {
    /// Believes the system's authorities and `extra` ones. Begins to read on a thread; where there can be none, whoever needs the
    /// certificates first reads them.
    pub(super) fn new(provider: Arc<CryptoProvider>, extra: Vec<CertificateDer<'static>>) -> Arc<Self> {
        let late = Arc::new(Self { provider, extra, verifier: OnceLock::new() });
        let beside = Arc::clone(&late);
        let thread = std::thread::Builder::new().name("certificates".to_owned());
        if let Err(error) = thread.spawn(move || beside.verifier().is_ok()) {
            tracing::debug!(%error, "certificates are read when they are needed");
        }
        late
    }

    fn verifier(&self) -> Result<&Verifier, Error> {
        let read = || Verifier::new_with_extra_roots(self.extra.clone(), Arc::clone(&self.provider));
        self.verifier.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

impl ServerCertVerifier for Late {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier()?.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier()?.verify_tls13_signature(message, cert, dss)
    }

    /// Asked for the first message already, and no matter of certificates.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
