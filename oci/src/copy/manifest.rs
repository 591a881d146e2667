//! What a manifest says: an image and its blobs, or an index of other manifests. Anybody may have written it.

use oci_spec::image::{Descriptor, ImageIndex, ImageManifest};
use serde::Deserialize;

use super::foreign::is_foreign;

/// A manifest that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    /// One image, or what is made like one: a signature, an SBOM.
    Image(Box<ImageManifest>),
    /// A list of manifests.
    Index(Box<ImageIndex>),
}

/// Bytes that are no manifest of a kind we know.
#[derive(Debug, thiserror::Error)]
pub enum MalformedManifest {
    /// One of Docker's first kind.
    #[error("it is of Docker's schema version 1")]
    SchemaOne,
    /// No JSON, or without what a manifest must have.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

/// What is common to all manifests.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    schema_version: u32,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
}

impl Manifest {
    /// Reads a manifest. Its own words say what it is; `media_type`, the answer's header, counts where they do not.
    pub fn read(media_type: &str, bytes: &[u8]) -> Result<Self, MalformedManifest> {
        let outline: Outline = serde_json::from_slice(bytes)?;
        if outline.schema_version == 1 {
            return Err(MalformedManifest::SchemaOne);
        }
        let said = outline.media_type.as_deref().unwrap_or(media_type);
        let named_index = said.contains("image.index") || said.contains("manifest.list");
        if named_index || (!said.contains("manifest.v") && outline.manifests.is_some()) {
            return Ok(Self::Index(serde_json::from_slice(bytes)?));
        }
        Ok(Self::Image(serde_json::from_slice(bytes)?))
    }

    /// The manifests that an index lists.
    pub fn children(&self) -> &[Descriptor] {
        match self {
            Self::Image(_) => &[],
            Self::Index(index) => index.manifests(),
        }
    }

    /// Configuration and layers of an image, without those that lie elsewhere.
    pub fn blobs(&self) -> Vec<Descriptor> {
        let Self::Image(image) = self else { return Vec::new() };
        let layers = image.layers().iter().filter(|layer| !is_foreign(layer));
        layers.chain([image.config()]).cloned().collect()
    }

    /// The bytes of its blobs, as far as it tells the truth.
    pub fn blob_bytes(&self) -> u64 {
        self.blobs().iter().map(Descriptor::size).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn its_own_words_count_before_the_header() {
        let image = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"a/b","size":1,"digest":"{DIGEST}"}},"layers":[],"manifests":[]}}"#
        );
        let index =
            r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
        let manifest = "application/vnd.oci.image.manifest.v1+json";
        assert!(matches!(Manifest::read(manifest, image.as_bytes()), Ok(Manifest::Image(_))));
        assert!(matches!(Manifest::read("text/plain", image.as_bytes()), Ok(Manifest::Index(_))));
        assert!(matches!(Manifest::read(manifest, index.as_bytes()), Ok(Manifest::Index(_))));
        let one = Manifest::read("", br#"{"schemaVersion":1}"#);
        assert!(matches!(one, Err(MalformedManifest::SchemaOne)));
        assert!(Manifest::read(manifest, b"{}").is_err());
    }

    #[test]
    fn sizes_that_run_over_are_no_panic() {
        let blob = format!(r#"{{"mediaType":"a/b","size":{},"digest":"{DIGEST}"}}"#, u64::MAX);
        let image = format!(r#"{{"schemaVersion":2,"config":{blob},"layers":[{blob},{blob}]}}"#);
        let read = Manifest::read("application/vnd.oci.image.manifest.v1+json", image.as_bytes()).unwrap();
        assert_eq!((read.blobs().len(), read.blob_bytes()), (3, u64::MAX));
    }
}
