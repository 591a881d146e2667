//! What a name stands for: one image, or an index of several, read whole before anything is sent.

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use oci_spec::image::Descriptor;

use super::manifest::{MalformedManifest, Manifest};
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

/// The manifest that is copied: what the name stands for, or the image for one platform in it.
pub(super) async fn root(origin: Origin<'_>, platforms: &Platforms) -> Result<Found, CopyError> {
    let found = manifest(origin, origin.version).await?;
    let Platforms::One(wanted) = platforms else { return Ok(found) };
    let Manifest::Index(index) = parsed(origin, &found)? else { return Ok(found) };
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
        let manifest = parsed(origin, &found)?;
        if depth == DEEPEST && !manifest.children().is_empty() {
            return Err(malformed(origin, &"indexes lie in indexes too deep"));
        }
        let children = manifest.children().iter();
        let below: Vec<_> = children.map(|child| below(origin, child, depth + 1).boxed()).collect();
        let children = stream::iter(below).buffered(READ_AT_ONCE).try_collect().await?;
        Ok(Node { found, blobs: manifest.blobs(), children })
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

/// What a manifest says.
pub(super) fn parsed(origin: Origin<'_>, found: &Found) -> Result<Manifest, CopyError> {
    Manifest::read(&found.media_type, &found.bytes).map_err(|problem| match problem {
        MalformedManifest::SchemaOne => CopyError::SchemaOne(origin.name()),
        MalformedManifest::Json(problem) => malformed(origin, &problem),
    })
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
