//! What a destination has already, learnt from few answers: whatever a manifest of a repository lists lies in that
//! repository, so one manifest stands for many questions.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{CopyError, Destination};
use crate::digest::Digest;
use crate::registry::{RegistryError, is_about_another};

/// With fewer blobs than this, asking for each is cheaper than looking around.
const WORTH_LOOKING: usize = 8;
/// So many of the repository's images are read.
const IMAGES: usize = 3;
/// So many of its tags are listed.
const TAGS: usize = 1000;

/// Blobs that the destination's manifests list.
#[derive(Default)]
pub(super) struct There(BTreeSet<String>);

/// The part of a manifest that matters here.
#[derive(Deserialize)]
struct Listed {
    config: Option<Named>,
    #[serde(default)]
    layers: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    digest: String,
}

/// What the destination's name stands for now. The manifest itself is read: a digest alone would have to be believed. Who may not
/// read it is told so, unless it may be replaced anyway.
pub(super) async fn digest(destination: Destination<'_>, replace: bool) -> Result<Option<Digest>, CopyError> {
    let asked = destination.registry.manifest(destination.repository, destination.tag).await;
    match asked {
        // Whoever may push need not be able to read what is not there.
        Err(RegistryError::Refused { answer, .. }) if replace && !answer.is_transient() => Ok(None),
        other => Ok(other?.map(|found| found.digest)),
    }
}

impl There {
    /// Looks at the image that is being replaced and at some others of the repository.
    pub(super) async fn look(
        destination: Destination<'_>,
        replaced: Option<&Digest>,
        blobs: usize,
    ) -> Result<Self, CopyError> {
        let mut there = Self::default();
        if blobs < WORTH_LOOKING {
            return Ok(there);
        }
        let mut versions: Vec<String> = replaced.iter().map(ToString::to_string).collect();
        let mut tags = tags(destination).await?;
        tags.reverse();
        versions.extend(tags.into_iter().filter(|tag| tag != destination.tag && !is_about_another(tag)));
        for version in versions.iter().take(IMAGES) {
            if let Some(found) = destination.registry.manifest(destination.repository, version).await? {
                there.add(&found.bytes);
            }
        }
        Ok(there)
    }

    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.0.contains(digest.as_str())
    }

    fn add(&mut self, manifest: &[u8]) {
        let Ok(listed) = serde_json::from_slice::<Listed>(manifest) else { return };
        self.0.extend(listed.layers.into_iter().chain(listed.config).map(|named| named.digest));
    }
}

async fn tags(destination: Destination<'_>) -> Result<Vec<String>, CopyError> {
    match destination.registry.tags(destination.repository, TAGS).await {
        Err(RegistryError::Refused { answer, .. }) if !answer.is_transient() => Ok(Vec::new()),
        other => Ok(other?),
    }
}
