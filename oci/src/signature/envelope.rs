//! Envelopes: a statement about an image, and signatures of it (DSSE).
//!
//! <https://github.com/secure-systems-lab/dsse/blob/master/envelope.md>; what of it is signed:
//! <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

use crate::attest::slsa;

/// What a layer of one envelope is, as cosign's second version keeps attestations
/// (<https://github.com/sigstore/cosign/blob/v2.6.5/specs/ATTESTATION_SPEC.md>).
pub(super) const MEDIA_TYPE: &str = "application/vnd.dsse.envelope.v1+json";
/// What is inside: an in-toto statement
/// (<https://github.com/in-toto/attestation/blob/main/spec/v1/envelope.md>), as it lies beside an image without one.
pub(super) const STATEMENT: &str = slsa::MEDIA_TYPE;

/// A payload and signatures of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope {
    /// In base64.
    pub(super) payload: String,
    /// A media type.
    pub(super) payload_type: String,
    #[serde(default)]
    pub(super) signatures: Vec<Signature>,
}

/// One signature of an envelope. What it hints at of the key is not read.
#[derive(Debug, Deserialize)]
pub(super) struct Signature {
    /// In base64.
    pub(super) sig: String,
}

/// The envelope of a statement with one signature of it. It hints at no key.
pub(super) fn seal(statement: &[u8], signature: &[u8]) -> Vec<u8> {
    let envelope = json!({
        "payloadType": STATEMENT,
        "payload": STANDARD.encode(statement),
        "signatures": [{ "keyid": "", "sig": STANDARD.encode(signature) }],
    });
    envelope.to_string().into_bytes()
}

/// What is signed of an envelope.
pub(super) fn before_signing(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_signed_as_its_specification_says() {
        // The example of <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md#test-vectors>.
        let signed = before_signing("http://example.com/HelloWorld", b"hello world");
        assert_eq!(signed, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }
}
