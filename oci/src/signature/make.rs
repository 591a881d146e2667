//! Signatures put beside images, as cosign's second version does and every version of it reads.
//!
//! <https://github.com/sigstore/cosign/blob/v2.6.1/specs/SIGNATURE_SPEC.md>: what is signed is the bytes of a small text that names
//! the image; text and signature become a layer of the manifest under the image's tag for signatures, beside those that are there.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{simple, tag};
use crate::digest::Digest;
use crate::progress::Progress;
use crate::registry::{Registry, RegistryError};

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";

/// A text that names an image, to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(Vec<u8>);

impl Payload {
    /// The text for an image: `name` is `HOST/REPOSITORY`, `notes` is what the signer adds.
    ///
    /// <https://github.com/containers/image/blob/main/docs/containers-signature.5.md>
    pub fn of(name: &str, image: &Digest, notes: &BTreeMap<String, String>) -> Self {
        let text = json!({
            "critical": {
                "identity": { "docker-reference": name },
                "image": { "docker-manifest-digest": image.as_str() },
                "type": "cosign container image signature",
            },
            "optional": notes,
        });
        Self(text.to_string().into_bytes())
    }

    /// The bytes that are signed.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Their SHA-256: what a signer who is elsewhere signs.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }
}

/// Puts a signature, in ASN.1, beside an image. One of the same text is replaced, others stay. Gives the digest of the manifest that
/// holds them.
pub async fn put(
    registry: &Registry,
    repository: &str,
    image: &Digest,
    (payload, signature): (&Payload, &[u8]),
    progress: &dyn Progress,
) -> Result<Digest, RegistryError> {
    let tag = tag(image);
    let bytes = Bytes::copy_from_slice(payload.bytes());
    let layer = json!({
        "mediaType": simple::MEDIA_TYPE,
        "digest": Digest::of(&bytes).as_str(),
        "size": bytes.len(),
        "annotations": { simple::SIGNATURE: STANDARD.encode(signature) },
    });
    let found = registry.manifest(repository, &tag).await?;
    let mut layers = match &found {
        Some(found) => layers(&found.bytes).ok_or_else(|| {
            registry.unexpected(&format!("give the signatures of {image}"), format!("`{tag}` is no image"))
        })?,
        None => Vec::new(),
    };
    layers.retain(|other| other.get("digest") != layer.get("digest"));
    layers.push(layer);
    let config = config(&layers).to_string();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": CONFIG_TYPE,
            "digest": Digest::of(config.as_bytes()).as_str(),
            "size": config.len(),
        },
        "layers": layers,
    });
    registry.put_blob(repository, "signed text", bytes, progress).await?;
    registry.put_blob(repository, "configuration of signatures", config.into(), progress).await?;
    registry.put_manifest(repository, &tag, MANIFEST_TYPE, manifest.to_string().into()).await
}

fn layers(manifest: &[u8]) -> Option<Vec<Value>> {
    let manifest: Value = serde_json::from_slice(manifest).ok()?;
    manifest.get("layers")?.as_array().cloned()
}

/// Signatures are kept as an image, and an image lists its layers.
fn config(layers: &[Value]) -> Value {
    let digests: Vec<&Value> = layers.iter().filter_map(|layer| layer.get("digest")).collect();
    json!({
        "architecture": "",
        "os": "",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": digests },
    })
}
