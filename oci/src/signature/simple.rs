//! Cosign's second version: a layer under the tag is a text that names the image, its signature an annotation of the layer.
//!
//! <https://github.com/sigstore/cosign/blob/v2.6.1/specs/SIGNATURE_SPEC.md>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_spec::image::Descriptor;
use serde::Deserialize;

use super::{Flaw, PublicKey};
use crate::digest::Digest;

/// What the text is.
pub(super) const MEDIA_TYPE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// Where its signature is.
pub(super) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

#[derive(Deserialize)]
struct Payload {
    critical: Critical,
}

#[derive(Deserialize)]
struct Critical {
    image: Image,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Image {
    docker_manifest_digest: String,
}

pub(super) fn is_signature(layer: &Descriptor) -> bool {
    layer.media_type().as_ref() == MEDIA_TYPE
}

/// The text is believed only once its signature is known to be right.
pub(super) fn check(layer: &Descriptor, payload: &[u8], image: &Digest, key: &PublicKey) -> Result<(), Flaw> {
    let text = layer.annotations().as_ref().and_then(|all| all.get(SIGNATURE));
    let text = text.ok_or_else(|| Flaw::Malformed(format!("it has no annotation `{SIGNATURE}`")))?;
    let signature = STANDARD.decode(text.trim());
    let signature = signature.map_err(|_| Flaw::Malformed(format!("`{SIGNATURE}` is no base64")))?;
    if !key.verifies(payload, &signature) {
        return Err(Flaw::OtherKey);
    }
    let payload: Payload =
        serde_json::from_slice(payload).map_err(|problem| Flaw::Malformed(problem.to_string()))?;
    let signed = payload.critical.image.docker_manifest_digest;
    if signed == image.as_str() { Ok(()) } else { Err(Flaw::OtherImage(signed)) }
}
