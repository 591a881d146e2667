//! Blobs from one registry to another: found there, mounted, or sent, several at a time.

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use oci_spec::image::Descriptor;

use super::there::There;
use super::tree::digest_of;
use super::{CopyError, Origin, Tally};
use crate::digest::Digest;
use crate::progress::{Event, Progress, Skip};
use crate::registry::{Mounted, Open, Registry, RegistryError, Size, Upload};
use crate::{BoxError, ByteStream};

/// Where blobs go, and how.
pub(super) struct Passage<'a> {
    pub(super) origin: Origin<'a>,
    pub(super) registry: &'a Registry,
    pub(super) repository: &'a str,
    pub(super) there: &'a There,
    pub(super) window: usize,
    pub(super) progress: &'a dyn Progress,
}

/// Makes sure that a repository has blobs of another one.
pub async fn blobs(
    origin: Origin<'_>,
    descriptors: &[Descriptor],
    registry: &Registry,
    repository: &str,
    progress: &dyn Progress,
) -> Result<Tally, CopyError> {
    let there = There::default();
    let passage = Passage { origin, registry, repository, there: &there, window: super::WINDOW, progress };
    passage.all(descriptors.iter().collect()).await
}

impl Passage<'_> {
    /// Brings all of them over, at most a window of them at a time.
    pub(super) async fn all(&self, descriptors: Vec<&Descriptor>) -> Result<Tally, CopyError> {
        let transfers: Vec<_> =
            descriptors.into_iter().map(|descriptor| self.one(descriptor).boxed()).collect();
        let add = |mut total: Tally, one: Tally| {
            total += one;
            async move { Ok(total) }
        };
        stream::iter(transfers).buffer_unordered(self.window.max(1)).try_fold(Tally::default(), add).await
    }

    async fn one(&self, descriptor: &Descriptor) -> Result<Tally, CopyError> {
        let (digest, size) = (digest_of(self.origin, descriptor)?, descriptor.size());
        let what = digest.as_str();
        if self.there.has(&digest) || self.registry.has_blob(self.repository, &digest, size).await? {
            self.progress.event(Event::Skipped { what, size, why: Skip::Present });
            return Ok(Tally { present: size, ..Tally::default() });
        }
        let session = match self.mount(&digest).await? {
            Some(Mounted::Yes) => {
                self.progress.event(Event::Skipped { what, size, why: Skip::Mounted });
                return Ok(Tally { mounted: size, ..Tally::default() });
            }
            Some(Mounted::No { session }) => Some(session),
            None => None,
        };
        let bytes = Blob { origin: self.origin, digest: &digest, size };
        let (repository, known, progress) = (self.repository, Some(digest.clone()), self.progress);
        let upload = Upload {
            repository,
            what,
            size: Size::Exactly(size),
            digest: known,
            bytes: &bytes,
            session,
            progress,
        };
        self.registry.upload(upload).await?;
        Ok(Tally { sent: size, ..Tally::default() })
    }

    /// Mounting works inside one registry. A registry that refuses it is sent the blob instead.
    async fn mount(&self, digest: &Digest) -> Result<Option<Mounted>, RegistryError> {
        if self.origin.registry.host() != self.registry.host() || self.origin.repository == self.repository {
            return Ok(None);
        }
        match self.registry.mount(self.repository, digest, self.origin.repository).await {
            Ok(mounted) => Ok(Some(mounted)),
            Err(RegistryError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A blob of the origin, checked while it is read.
struct Blob<'a> {
    origin: Origin<'a>,
    digest: &'a Digest,
    size: u64,
}

impl Open for Blob<'_> {
    fn open(&self) -> ByteStream<'_> {
        let blob = self.origin.registry.blob(self.origin.repository, self.digest, self.size);
        blob.map_err(BoxError::from).boxed()
    }

    fn is_verified(&self) -> bool {
        true
    }
}
