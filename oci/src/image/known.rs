//! Layers that the repository's images have already, by the keys they were made from.

use std::collections::BTreeMap;

use oci_spec::image::ImageManifest;

use crate::digest::Digest;
use crate::layer::{DIFF_ID_ANNOTATION, KEY_ANNOTATION};
use crate::registry::{Registry, RegistryError};

/// So many of a repository's images are looked at.
const IMAGES: usize = 8;

/// A layer that was pushed before.
pub(super) struct KnownLayer {
    pub(super) digest: Digest,
    pub(super) diff_id: Digest,
    pub(super) size: u64,
}

/// Layers by key.
#[derive(Default)]
pub(super) struct Known(BTreeMap<String, KnownLayer>);

impl Known {
    /// Looks at the image under `tag` and at some others of the repository. What cannot be read is not known; only a
    /// registry that fails altogether is an error.
    pub(super) async fn read(
        registry: &Registry,
        repository: &str,
        tag: &str,
    ) -> Result<Self, RegistryError> {
        let mut known = Self::default();
        let mut tags = match registry.tags(repository, 1000).await {
            Ok(tags) => tags,
            Err(RegistryError::Refused { answer, .. }) if !answer.is_transient() => return Ok(known),
            Err(error) => return Err(error),
        };
        // The image that is being replaced first; of the others, the newest names tend to come last.
        tags.reverse();
        tags.sort_by_key(|other| other != tag);
        for tag in tags.iter().take(IMAGES) {
            if let Some(found) = registry.manifest(repository, tag).await? {
                known.add(&found.bytes);
            }
        }
        Ok(known)
    }

    pub(super) fn get(&self, key: &str) -> Option<&KnownLayer> {
        self.0.get(key)
    }

    fn add(&mut self, manifest: &[u8]) {
        let Ok(manifest) = serde_json::from_slice::<ImageManifest>(manifest) else { return };
        for layer in manifest.layers() {
            let annotation = |name| layer.annotations().as_ref().and_then(|all| all.get(name));
            let digest = Digest::parse(layer.digest().as_ref());
            let diff_id = annotation(DIFF_ID_ANNOTATION).map(|text| Digest::parse(text));
            if let (Some(key), Ok(digest), Some(Ok(diff_id))) = (annotation(KEY_ANNOTATION), digest, diff_id)
            {
                self.0.insert(key.clone(), KnownLayer { digest, diff_id, size: layer.size() });
            }
        }
    }
}
