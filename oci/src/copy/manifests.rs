//! A tree of manifests, from the inside out: never one before everything it names.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::blobs::Passage;
use super::there::There;
use super::tree::Node;
use super::{CopyError, Destination, Origin, Tally};
use crate::digest::Digest;
use crate::progress::Progress;
use crate::registry::RegistryError;

/// Copies blobs and manifests. `replaced` is what the destination's name stands for now.
pub(super) async fn copy(
    origin: Origin<'_>,
    destination: Destination<'_>,
    tree: &Node,
    replaced: Option<Digest>,
    window: usize,
    progress: &dyn Progress,
) -> Result<Tally, CopyError> {
    let blobs = tree.all_blobs();
    let there = There::look(destination, replaced.as_ref(), blobs.len()).await?;
    let (registry, repository) = (destination.registry, destination.repository);
    let passage = Passage { origin, registry, repository, there: &there, window, progress };
    let tally = passage.all(blobs).await?;
    match put(destination, tree, destination.tag).await {
        Err(error) if lacks_blobs(&error) => {}
        other => return other.map(|()| tally),
    }
    // Another manifest listed a blob that is gone: now each is asked for.
    let passage = Passage { there: &There::default(), ..passage };
    let tally = passage.all(tree.all_blobs()).await?;
    put(destination, tree, destination.tag).await?;
    Ok(tally)
}

/// Puts the manifests below a node by their digests, then the node itself under `version`.
fn put<'a>(
    destination: Destination<'a>,
    node: &'a Node,
    version: &'a str,
) -> BoxFuture<'a, Result<(), CopyError>> {
    async move {
        for child in &node.children {
            put(destination, child, child.found.digest.as_str()).await?;
        }
        let (media_type, bytes) = (&node.found.media_type, node.found.bytes.clone());
        destination.registry.put_manifest(destination.repository, version, media_type, bytes).await?;
        Ok(())
    }
    .boxed()
}

fn lacks_blobs(error: &CopyError) -> bool {
    let CopyError::Registry(RegistryError::Refused { answer, .. }) = error else { return false };
    matches!(answer.code.as_deref(), Some("MANIFEST_BLOB_UNKNOWN" | "BLOB_UNKNOWN"))
}
