//! What a name stands for: one image, or an index of several, read whole before anything is sent.

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use oci_spec::image::{Descriptor, ImageIndex, ImageManifest};
use serde::Deserialize;

use super::foreign::is_foreign;
use super::{CopyError, Origin, Platform, Platforms};
use crate::digest::{Digest, MalformedDigest};
use crate::registry::Found;

/// An index in an index in an index is no image that anybody made on purpose.
const DEEPEST: usize = 3;
/// Manifests read at the same time.
const READ_AT_ONCE: usize = 8;

/// One manifest, and those below it.
pub(super) struct Node {
    pub(super) found: Found,
    /// Configuration and layers, without foreign ones.
    pub(super) blobs: Vec<Descriptor>,
    pub(super) children: Vec<Node>,
}

/// What is common to all manifests.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outline {
    schema_version: u32,
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
}

impl Node {
    /// The digests of all manifests, this one first.
    pub(super) fn digests(&self) -> Vec<Digest> {
        let mut all = vec![self.found.digest.clone()];
        all.extend(self.children.iter().flat_map(Node::digests));
        all
    }

    /// Every blob of every image, largest first, each once.
    pub(super) fn all_blobs(&self) -> Vec<&Descriptor> {
        let mut all: Vec<&Descriptor> = Vec::new();
        self.collect(&mut all);
        all.sort_by(|a, b| {
            b.size().cmp(&a.size()).then_with(|| a.digest().as_ref().cmp(b.digest().as_ref()))
        });
        all.dedup_by(|a, b| a.digest() == b.digest());
        all
    }

    fn collect<'a>(&'a self, into: &mut Vec<&'a Descriptor>) {
        into.extend(&self.blobs);
        self.children.iter().for_each(|child| child.collect(into));
    }
}

impl Found {
    /// The bytes of the blobs that an image's manifest names; none of an index.
    pub(super) fn blob_bytes(&self) -> u64 {
        let manifest = serde_json::from_slice::<ImageManifest>(&self.bytes);
        manifest.map_or(0, |manifest| blobs_of(&manifest).iter().map(Descriptor::size).sum())
    }
}

/// The manifest that is copied: what the name stands for, or the image for one platform in it.
pub(super) async fn root(origin: Origin<'_>, platforms: &Platforms) -> Result<Found, CopyError> {
    let found = manifest(origin, origin.version).await?;
    let Platforms::One(wanted) = platforms else { return Ok(found) };
    if !is_index(origin, &found)? {
        return Ok(found);
    }
    let index: ImageIndex = read_json(origin, &found.bytes)?;
    let Some(chosen) = index.manifests().iter().find(|it| wanted.matches(it)) else {
        let has: Vec<String> =
            index.manifests().iter().filter_map(Platform::of).map(|it| it.to_string()).collect();
        return Err(CopyError::NoPlatform {
            image: origin.name(),
            wanted: wanted.to_string(),
            has: if has.is_empty() { "none that is named".to_owned() } else { has.join(", ") },
        });
    };
    manifest(origin, digest_of(origin, chosen)?.as_str()).await
}

/// Reads everything below a manifest.
pub(super) async fn read(origin: Origin<'_>, root: Found) -> Result<Node, CopyError> {
    node(origin, root, 0).await
}

fn node(origin: Origin<'_>, found: Found, depth: usize) -> BoxFuture<'_, Result<Node, CopyError>> {
    async move {
        if !is_index(origin, &found)? {
            let manifest: ImageManifest = read_json(origin, &found.bytes)?;
            let blobs = blobs_of(&manifest);
            return Ok(Node { found, blobs, children: Vec::new() });
        }
        if depth == DEEPEST {
            return Err(malformed(origin, &"indexes lie in indexes too deep"));
        }
        let index: ImageIndex = read_json(origin, &found.bytes)?;
        let below: Vec<_> =
            index.manifests().iter().map(|child| below(origin, child, depth + 1).boxed()).collect();
        let children = stream::iter(below).buffered(READ_AT_ONCE).try_collect().await?;
        Ok(Node { found, blobs: Vec::new(), children })
    }
    .boxed()
}

async fn below(origin: Origin<'_>, child: &Descriptor, depth: usize) -> Result<Node, CopyError> {
    let digest = digest_of(origin, child)?;
    node(origin, manifest(origin, digest.as_str()).await?, depth).await
}

/// The manifest under a tag or digest of the origin's repository.
async fn manifest(origin: Origin<'_>, version: &str) -> Result<Found, CopyError> {
    let asked = Origin { version, ..origin };
    let found = origin.registry.manifest(origin.repository, version).await?;
    found.ok_or_else(|| CopyError::NotFound(asked.name()))
}

/// Whether a manifest is an index. Its own words count where the answer's header says nothing.
fn is_index(origin: Origin<'_>, found: &Found) -> Result<bool, CopyError> {
    let outline: Outline = read_json(origin, &found.bytes)?;
    if outline.schema_version == 1 {
        return Err(CopyError::SchemaOne(origin.name()));
    }
    let said = outline.media_type.as_deref().unwrap_or(&found.media_type);
    let is = said.contains("image.index") || said.contains("manifest.list");
    Ok(is || (!said.contains("manifest.v") && outline.manifests.is_some()))
}

fn blobs_of(manifest: &ImageManifest) -> Vec<Descriptor> {
    let layers = manifest.layers().iter().filter(|layer| !is_foreign(layer));
    layers.chain([manifest.config()]).cloned().collect()
}

pub(crate) fn digest_of(origin: Origin<'_>, descriptor: &Descriptor) -> Result<Digest, CopyError> {
    Digest::parse(descriptor.digest().as_ref()).map_err(|error: MalformedDigest| malformed(origin, &error))
}

pub(crate) fn read_json<T: serde::de::DeserializeOwned>(
    origin: Origin<'_>,
    bytes: &Bytes,
) -> Result<T, CopyError> {
    serde_json::from_slice(bytes).map_err(|error| malformed(origin, &error))
}

fn malformed(origin: Origin<'_>, problem: &impl ToString) -> CopyError {
    CopyError::Malformed { image: origin.name(), problem: problem.to_string() }
}
