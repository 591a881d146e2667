//! Cosign's third version: a bundle refers to the image, and holds an envelope with a statement whose subject the image is.
//!
//! - The bundle: <https://github.com/sigstore/cosign/blob/v3.0.2/specs/BUNDLE_SPEC.md>,
//!   <https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto>
//! - The envelope: [`super::envelope`]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_spec::image::Descriptor;
use serde::Deserialize;

use super::envelope::{Envelope, STATEMENT, Signature, before_signing};
use super::{Flaw, PublicKey};
use crate::digest::Digest;

/// Media types of bundles begin so; a version follows.
const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle";
const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// The statement that the image is signed
/// (<https://github.com/sigstore/cosign/blob/v2.6.1/pkg/types/predicate.go>): others say something about it.
const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    dsse_envelope: Option<Envelope>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(default)]
    subject: Vec<Subject>,
    predicate_type: String,
}

#[derive(Deserialize)]
struct Subject {
    digest: Digests,
}

#[derive(Deserialize)]
struct Digests {
    sha256: Option<String>,
}

/// Whether what refers to an image may be a bundle. Where the registry keeps no list, cosign's own says no more of a bundle than that
/// its configuration is empty (`witness/cosign/store.json`).
pub(super) fn may_be(descriptor: &Descriptor) -> bool {
    let kind = descriptor.artifact_type().as_ref();
    kind.is_none_or(|kind| kind.as_ref() == EMPTY || kind.as_ref().starts_with(MEDIA_TYPE))
}

pub(super) fn is_bundle(layer: &Descriptor) -> bool {
    layer.media_type().as_ref().starts_with(MEDIA_TYPE)
}

/// The statement is believed only once its signature is known to be right.
pub(super) fn check(bytes: &[u8], image: &Digest, key: &PublicKey) -> Result<(), Flaw> {
    let malformed = |problem: &str| Flaw::Malformed(problem.to_owned());
    let bundle: Bundle = serde_json::from_slice(bytes).map_err(|problem| malformed(&problem.to_string()))?;
    let envelope = bundle.dsse_envelope.ok_or_else(|| malformed("it has no envelope with a statement"))?;
    if envelope.payload_type != STATEMENT {
        return Err(malformed(&format!(
            "its envelope holds `{}`, expected `{STATEMENT}`",
            envelope.payload_type
        )));
    }
    let payload = STANDARD.decode(&envelope.payload).map_err(|_| malformed("its payload is no base64"))?;
    let signed = before_signing(&envelope.payload_type, &payload);
    let by_key = |signature: &Signature| {
        STANDARD.decode(&signature.sig).is_ok_and(|signature| key.verifies(&signed, &signature))
    };
    if !envelope.signatures.iter().any(by_key) {
        return Err(Flaw::OtherKey);
    }
    let statement: Statement =
        serde_json::from_slice(&payload).map_err(|problem| malformed(&problem.to_string()))?;
    if statement.predicate_type != SIGN {
        return Err(Flaw::OtherStatement(statement.predicate_type));
    }
    let subjects: Vec<String> = statement
        .subject
        .into_iter()
        .filter_map(|subject| subject.digest.sha256)
        .map(|digits| format!("sha256:{digits}"))
        .collect();
    if subjects.iter().any(|subject| subject == image.as_str()) {
        return Ok(());
    }
    Err(Flaw::OtherImage(subjects.join(", ")))
}
