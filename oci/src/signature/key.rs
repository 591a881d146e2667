//! Public keys to hold signatures against: ECDSA on P-256 with SHA-256, which is what `cosign generate-key-pair` makes and what
//! Cloud KMS calls `EC_SIGN_P256_SHA256`.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::digest::Digest;

const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// What comes before the point in the DER of such a key: the algorithm (`id-ecPublicKey`, `secp256r1`) and the head of the bit string
/// (<https://www.rfc-editor.org/rfc/rfc5480#section-2>).
const HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// The point, not compressed: a mark and two coordinates.
const POINT: usize = 65;
const UNCOMPRESSED: u8 = 4;

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    point: Vec<u8>,
    fingerprint: Digest,
}

/// A text that is no key we can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedKey {
    /// It is the secret half.
    #[error(
        "it holds a private key: expected the public one, as `cosign public-key` prints it; keep the private one elsewhere"
    )]
    Private,
    /// It is no PEM.
    #[error(
        "it is no public key in PEM: expected `-----BEGIN PUBLIC KEY-----`, base64, and `-----END PUBLIC KEY-----`"
    )]
    NoPem,
    /// It is another kind of key.
    #[error("it is another kind of key: expected ECDSA on P-256, as `cosign generate-key-pair` makes it")]
    OtherKind,
}

impl PublicKey {
    /// Reads a key in PEM, `SubjectPublicKeyInfo` inside.
    pub fn parse(pem: &str) -> Result<Self, MalformedKey> {
        let Some((_, rest)) = pem.split_once(BEGIN) else {
            return Err(if pem.contains("PRIVATE KEY") {
                MalformedKey::Private
            } else {
                MalformedKey::NoPem
            });
        };
        let (body, _) = rest.split_once(END).ok_or(MalformedKey::NoPem)?;
        let text: String = body.split_whitespace().collect();
        let der = STANDARD.decode(text).map_err(|_| MalformedKey::NoPem)?;
        let point = der.strip_prefix(&HEAD).filter(|point| point.len() == POINT);
        let point =
            point.filter(|point| point.first() == Some(&UNCOMPRESSED)).ok_or(MalformedKey::OtherKind)?;
        Ok(Self { point: point.to_vec(), fingerprint: Digest::of(&der) })
    }

    /// What names the key for people: the SHA-256 of its DER.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.to_string()
    }

    /// Whether a signature, in ASN.1, is of these bytes and by this key.
    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.point).verify(bytes, signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_texts_are_told_apart() {
        let wrapped = |bytes: &[u8]| format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(bytes));
        let good = [&HEAD[..], &[UNCOMPRESSED], &[7; 64]].concat();
        assert!(PublicKey::parse(&wrapped(&good)).is_ok());
        let compressed = [&HEAD[..], &[2], &[7; 64]].concat();
        for (text, expected) in [
            (String::new(), MalformedKey::NoPem),
            (format!("{BEGIN}\n"), MalformedKey::NoPem),
            (format!("{BEGIN}\n*\n{END}"), MalformedKey::NoPem),
            ("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----".to_owned(), MalformedKey::Private),
            (wrapped(b"0"), MalformedKey::OtherKind),
            (wrapped(&good[..90]), MalformedKey::OtherKind),
            (wrapped(&compressed), MalformedKey::OtherKind),
        ] {
            assert_eq!(PublicKey::parse(&text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_point_that_is_none_verifies_nothing() {
        let der = [&HEAD[..], &[UNCOMPRESSED], &[7; 64]].concat();
        let key = PublicKey::parse(&format!("{BEGIN}{}{END}", STANDARD.encode(der))).unwrap();
        assert!(!key.verifies(b"", b""));
        assert_eq!(format!("{key:?}"), format!("PublicKey({})", key.fingerprint()));
    }
}
