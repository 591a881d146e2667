//! The file with a certificate and its key: PEM, the key unencrypted. What cannot be used is named, with the command that
//! makes it usable.

use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::super::SourceError;

/// The least that Entra takes.
const LEAST_BITS: usize = 2048;
/// PKCS#12 begins so, as every long DER sequence does.
const DER: u8 = 0x30;

/// A certificate with its key.
pub(super) struct Certificate {
    /// The certificate that goes with the key, then the others of the file.
    pub(super) chain: Vec<Vec<u8>>,
    /// The key.
    pub(super) key: RsaKeyPair,
}

impl Certificate {
    /// Reads and checks the file.
    pub(super) fn read(file: &str) -> Result<Self, SourceError> {
        let unusable = |problem: String| SourceError::Certificate { file: file.to_owned(), problem };
        let bytes =
            std::fs::read(file).map_err(|error| unusable(format!("which cannot be read: {error}")))?;
        Self::parse(file, &bytes).map_err(unusable)
    }

    /// The certificate that goes with the key, DER.
    pub(super) fn leaf(&self) -> &[u8] {
        self.chain.first().map(Vec::as_slice).unwrap_or_default()
    }

    fn parse(file: &str, bytes: &[u8]) -> Result<Self, String> {
        refuse_other_forms(file, bytes)?;
        let malformed = |error: rustls_pki_types::pem::Error| format!("which is damaged: {error}");
        let mut chain = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(bytes) {
            chain.push(certificate.map_err(malformed)?.to_vec());
        }
        if chain.is_empty() {
            return Err(
                "which holds no certificate; expected a block `-----BEGIN CERTIFICATE-----`".to_owned()
            );
        }
        let key = PrivateKeyDer::pem_slice_iter(bytes).next().ok_or_else(|| {
            "which holds no private key; put the key's block `-----BEGIN PRIVATE KEY-----` into the same file"
                .to_owned()
        })?;
        let key = rsa(&key.map_err(malformed)?)?;
        // A certificate holds its public key byte for byte.
        let public = key.public_key().as_ref();
        let holds = |der: &Vec<u8>| der.windows(public.len()).any(|part| part == public);
        let place = chain.iter().position(holds);
        let place = place.ok_or("whose private key belongs to none of its certificates")?;
        chain.swap(0, place);
        Ok(Self { chain, key })
    }
}

fn refuse_other_forms(file: &str, bytes: &[u8]) -> Result<(), String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("which is empty".to_owned());
    }
    if bytes.first() == Some(&DER) {
        return Err(format!(
            "which is no PEM; if it is a PFX (PKCS#12), convert it: `openssl pkcs12 -in {file} -nodes -out NEW.pem`"
        ));
    }
    let holds = |sign: &[u8]| bytes.windows(sign.len()).any(|part| part == sign);
    if holds(b"BEGIN ENCRYPTED PRIVATE KEY") || holds(b"Proc-Type: 4,ENCRYPTED") {
        return Err(format!(
            "whose private key is encrypted; a password here would be one more secret to keep. Decrypt the key into a \
             file that only you can read: `(umask 077; openssl x509 -in {file}; openssl pkey -in {file}) > NEW.pem`"
        ));
    }
    Ok(())
}

fn rsa(key: &PrivateKeyDer<'_>) -> Result<RsaKeyPair, String> {
    let parsed = match key {
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err("whose private key is no RSA key; Entra ID takes RSA alone".to_owned()),
    };
    let key = parsed.map_err(|error| {
        format!("whose private key is no RSA key that can be used ({error}); Entra ID takes RSA alone")
    })?;
    let bits = key.public_modulus_len() * 8;
    if bits < LEAST_BITS {
        return Err(format!("whose RSA key has {bits} bits; Entra ID takes {LEAST_BITS} or more"));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_forms_are_named_with_the_command_that_converts_them() {
        let table: [(&[u8], &str); 7] = [
            (b"", "empty"),
            (b"\n \n", "empty"),
            (b"\x30\x82\x0a\x11\x02\x01\x03", "openssl pkcs12"),
            (
                b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                "openssl pkey",
            ),
            (b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n", "openssl pkey"),
            (b"certificate to come", "no certificate"),
            (b"-----BEGIN CERTIFICATE-----\nMIIB\n", "damaged"),
        ];
        for (bytes, part) in table {
            let problem = Certificate::parse("c.pem", bytes).err().unwrap();
            assert!(problem.contains(part), "{problem}");
        }
    }
}
