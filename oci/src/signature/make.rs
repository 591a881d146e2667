//! Signatures put beside images, as cosign's second version does and every version of it reads.
//!
//! <https://github.com/sigstore/cosign/blob/v2.6.1/specs/SIGNATURE_SPEC.md>: what is signed is the bytes of a small text that names
//! the image; text and signature become a layer of the manifest under the image's tag for signatures, beside those that are there.
//! Statements about the image are signed in envelopes, which are the layers under its tag for attestations
//! (<https://github.com/sigstore/cosign/blob/v2.6.5/specs/ATTESTATION_SPEC.md>).

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{envelope, simple};
use crate::attest::Statement;
use crate::digest::Digest;
use crate::progress::Progress;
use crate::registry::{Registry, RegistryError, fallback_tag};

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
/// What kind of statement an envelope holds, as cosign notes it
/// (<https://github.com/sigstore/cosign/blob/v2.6.5/cmd/cosign/cli/attest/attest.go>).
const PREDICATE: &str = "predicateType";
/// Who signed it, and the digest of what, as we note it: the next signature of the same by the same replaces it.
const SIGNER: &str = "dev.gangplank.signer";
const STATEMENT: &str = "dev.gangplank.statement";

/// What is to be signed about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// That it is this image.
    Name(Vec<u8>),
    /// What a statement says of it.
    Statement {
        /// The statement.
        statement: Statement,
        /// Who signs it, as others are to read it.
        signer: String,
    },
}

/// Where signatures about an image are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shelf {
    /// Those of the image.
    Signatures,
    /// Those of statements about it.
    Attestations,
}

/// What a registry keeps on a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The shelf.
    pub shelf: Shelf,
    /// Digest of the manifest that lists it.
    pub digest: Digest,
}

impl Payload {
    /// The text for an image: `name` is `HOST/REPOSITORY`, `notes` is what the signer adds.
    ///
    /// <https://github.com/containers/image/blob/main/docs/containers-signature.5.md>
    pub fn name(name: &str, image: &Digest, notes: &BTreeMap<String, String>) -> Self {
        let text = json!({
            "critical": {
                "identity": { "docker-reference": name },
                "image": { "docker-manifest-digest": image.as_str() },
                "type": "cosign container image signature",
            },
            "optional": notes,
        });
        Self::Name(text.to_string().into_bytes())
    }

    /// The bytes that are signed.
    pub fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Name(text) => text.into(),
            Self::Statement { statement, .. } => {
                envelope::before_signing(envelope::STATEMENT, &statement.bytes).into()
            }
        }
    }

    /// Their SHA-256: what a signer who is elsewhere signs.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.bytes()).into()
    }

    fn shelf(&self) -> Shelf {
        match self {
            Self::Name(_) => Shelf::Signatures,
            Self::Statement { .. } => Shelf::Attestations,
        }
    }

    /// The blob that is kept of it, and what a manifest notes beside.
    fn signed(&self, signature: &[u8]) -> (Bytes, Value) {
        match self {
            Self::Name(text) => {
                (Bytes::copy_from_slice(text), json!({ simple::SIGNATURE: STANDARD.encode(signature) }))
            }
            Self::Statement { statement, signer } => {
                // Cosign takes no layer without the annotation of a signature; that of an envelope is inside.
                let notes = json!({
                    simple::SIGNATURE: "",
                    PREDICATE: statement.predicate,
                    SIGNER: signer,
                    STATEMENT: Digest::of(&statement.bytes).as_str(),
                });
                (envelope::seal(&statement.bytes, signature).into(), notes)
            }
        }
    }
}

impl Shelf {
    /// The tag of an image that is this shelf.
    ///
    /// <https://github.com/sigstore/cosign/blob/v2.6.1/specs/SIGNATURE_SPEC.md#tag-based-discovery>,
    /// <https://github.com/sigstore/cosign/blob/v2.6.5/pkg/oci/remote/options.go>
    pub fn tag(self, image: &Digest) -> String {
        let end = match self {
            Self::Signatures => "sig",
            Self::Attestations => "att",
        };
        format!("{}.{end}", fallback_tag(image))
    }

    /// What lies on it, a media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Signatures => simple::MEDIA_TYPE,
            Self::Attestations => envelope::MEDIA_TYPE,
        }
    }

    /// Whether one layer takes the place of another: the same text, or the same statement by the same signer.
    fn replaces(self, new: &Value, old: &Value) -> bool {
        let same = |place: &str| new.pointer(place) == old.pointer(place);
        match self {
            Self::Signatures => same("/digest"),
            Self::Attestations => {
                same(&format!("/annotations/{STATEMENT}")) && same(&format!("/annotations/{SIGNER}"))
            }
        }
    }
}

/// Puts signatures, in ASN.1, beside an image. Each replaces the one of the same by the same signer; others stay.
pub async fn put(
    registry: &Registry,
    repository: &str,
    image: &Digest,
    signed: &[(Payload, Vec<u8>)],
    progress: &dyn Progress,
) -> Result<Vec<Kept>, RegistryError> {
    let mut kept = Vec::new();
    for shelf in [Shelf::Signatures, Shelf::Attestations] {
        let new: Vec<_> = signed.iter().filter(|(payload, _)| payload.shelf() == shelf).collect();
        if !new.is_empty() {
            let digest = put_on(shelf, registry, repository, (image, &new), progress).await?;
            kept.push(Kept { shelf, digest });
        }
    }
    Ok(kept)
}

/// Gives the digest of the manifest that lists them.
async fn put_on(
    shelf: Shelf,
    registry: &Registry,
    repository: &str,
    (image, new): (&Digest, &[&(Payload, Vec<u8>)]),
    progress: &dyn Progress,
) -> Result<Digest, RegistryError> {
    let tag = shelf.tag(image);
    let mut layers = match registry.manifest(repository, &tag).await? {
        Some(found) => layers(&found.bytes).ok_or_else(|| {
            registry.unexpected(&format!("give the signatures of {image}"), format!("`{tag}` is no image"))
        })?,
        None => Vec::new(),
    };
    for (payload, signature) in new {
        let (bytes, notes) = payload.signed(signature);
        let layer = json!({
            "mediaType": shelf.media_type(),
            "digest": Digest::of(&bytes).as_str(),
            "size": bytes.len(),
            "annotations": notes,
        });
        layers.retain(|other| !shelf.replaces(&layer, other));
        layers.push(layer);
        registry.put_blob(repository, "signed text", bytes, progress).await?;
    }
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
