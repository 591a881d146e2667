//! An image name with everything pushed to it.

use std::collections::BTreeMap;

use axum::body::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An image name with everything pushed to it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Image {
    /// Digest → bytes.
    pub(crate) blobs: BTreeMap<String, u64>,
    /// Digest → manifest or index.
    pub(crate) manifests: BTreeMap<String, Manifest>,
    /// Tag → digest.
    pub(crate) tags: BTreeMap<String, String>,
}

/// A pushed manifest or index, byte for byte.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    #[serde(with = "crate::data::bytes")]
    pub(crate) bytes: Bytes,
    /// Of everything that it refers to, and itself.
    pub(crate) size: u64,
    pub(crate) uploaded: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Image {
    /// Points `tag` at `digest`.
    pub(crate) fn tag(&mut self, tag: &str, digest: &str, now: Timestamp) {
        let before = self.tags.insert(tag.to_owned(), digest.to_owned());
        if before.as_deref() != Some(digest)
            && let Some(manifest) = self.manifests.get_mut(digest)
        {
            manifest.updated = now;
        }
    }
}
