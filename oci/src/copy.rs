//! An image from one registry to another, blob by blob, without a local copy.

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use oci_spec::image::{Arch, Descriptor, ImageIndex, ImageManifest, Os};

use crate::digest::{Digest, MalformedDigest};
use crate::progress::{Event, Progress, Skip};
use crate::registry::{Found, Mounted, Open, Registry, RegistryError, Upload};
use crate::{BoxError, ByteStream};

/// Blobs under way at the same time.
pub(crate) const AT_ONCE: usize = 3;

/// Where an image comes from.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// Its registry.
    pub registry: &'a Registry,
    /// Its repository.
    pub repository: &'a str,
    /// Its tag or digest.
    pub version: &'a str,
}

/// Where an image goes.
#[derive(Clone, Copy)]
pub struct Destination<'a> {
    /// The registry.
    pub registry: &'a Registry,
    /// The repository.
    pub repository: &'a str,
    /// The tag.
    pub tag: &'a str,
}

/// One image for one platform.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The manifest, read.
    pub manifest: ImageManifest,
    /// The manifest as the registry has it.
    pub found: Found,
}

/// What a transfer came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Bytes of blobs.
    pub tally: Tally,
}

/// Bytes of blobs, by what happened to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// They went over the wire.
    pub sent: u64,
    /// The registry had them already.
    pub present: u64,
}

/// Why an image could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A registry failed us.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// There is no such image.
    #[error("there is no image `{0}`")]
    NotFound(String),
    /// There is one, but not for our platform.
    #[error("`{0}` has no image for linux/amd64")]
    NoPlatform(String),
    /// The manifest cannot be read.
    #[error("the manifest of `{image}` cannot be used: {problem}")]
    Malformed {
        /// The image.
        image: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.present += other.present;
    }
}

impl Origin<'_> {
    fn name(&self) -> String {
        let mark = if self.version.contains(':') { '@' } else { ':' };
        format!("{}/{}{mark}{}", self.registry.host(), self.repository, self.version)
    }
}

/// Copies an image: its blobs, then its manifest, byte for byte. Of an index, the image for linux/amd64.
pub async fn image(
    origin: Origin<'_>,
    destination: Destination<'_>,
    progress: &dyn Progress,
) -> Result<Copied, CopyError> {
    let resolved = resolve(origin).await?;
    let mut all = resolved.manifest.layers().clone();
    all.push(resolved.manifest.config().clone());
    let tally = blobs(origin, &all, destination.registry, destination.repository, progress).await?;
    let Found { media_type, bytes, .. } = resolved.found;
    let digest = destination
        .registry
        .put_manifest(destination.repository, destination.tag, &media_type, bytes)
        .await?;
    Ok(Copied { digest, tally })
}

/// Finds the image for linux/amd64 that a name stands for.
pub async fn resolve(origin: Origin<'_>) -> Result<Resolved, CopyError> {
    let not_found = || CopyError::NotFound(origin.name());
    let found = origin.registry.manifest(origin.repository, origin.version).await?.ok_or_else(not_found)?;
    if !is_index(&found) {
        return read_manifest(origin, found);
    }
    let index: ImageIndex = read_json(origin, &found.bytes)?;
    let ours = index.manifests().iter().find(|it| is_ours(it));
    let ours = ours.ok_or_else(|| CopyError::NoPlatform(origin.name()))?;
    let version = ours.digest().to_string();
    let found = origin.registry.manifest(origin.repository, &version).await?.ok_or_else(not_found)?;
    read_manifest(origin, found)
}

/// Makes sure that a repository has blobs of another one: found there, mounted, or sent.
pub async fn blobs(
    origin: Origin<'_>,
    descriptors: &[Descriptor],
    registry: &Registry,
    repository: &str,
    progress: &dyn Progress,
) -> Result<Tally, CopyError> {
    let transfers: Vec<_> = descriptors
        .iter()
        .map(|descriptor| blob(origin, descriptor, registry, repository, progress).boxed())
        .collect();
    let tallies: Vec<Tally> = stream::iter(transfers).buffered(AT_ONCE).try_collect().await?;
    let mut total = Tally::default();
    for tally in tallies {
        total += tally;
    }
    Ok(total)
}

async fn blob(
    origin: Origin<'_>,
    descriptor: &Descriptor,
    registry: &Registry,
    repository: &str,
    progress: &dyn Progress,
) -> Result<Tally, CopyError> {
    let (digest, size) = (digest_of(origin, descriptor)?, descriptor.size());
    let what = digest.as_str();
    let skipped = |why| {
        progress.event(Event::Skipped { what, size, why });
        Ok(Tally { sent: 0, present: size })
    };
    if registry.has_blob(repository, &digest, size).await? {
        return skipped(Skip::Present);
    }
    let session = match mount(origin, registry, repository, &digest).await? {
        Some(Mounted::Yes) => return skipped(Skip::Mounted),
        Some(Mounted::No { session }) => Some(session),
        None => None,
    };
    let bytes = Blob { origin, digest: &digest, size };
    let known = Some(digest.clone());
    let upload = Upload { repository, what, size, digest: known, bytes: &bytes, session, progress };
    registry.upload(upload).await?;
    Ok(Tally { sent: size, present: 0 })
}

/// Mounting works inside one registry. A registry that refuses it is sent the blob instead.
async fn mount(
    origin: Origin<'_>,
    registry: &Registry,
    repository: &str,
    digest: &Digest,
) -> Result<Option<Mounted>, RegistryError> {
    if origin.registry.host() != registry.host() || origin.repository == repository {
        return Ok(None);
    }
    match registry.mount(repository, digest, origin.repository).await {
        Ok(mounted) => Ok(Some(mounted)),
        Err(RegistryError::Refused { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

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

fn read_manifest(origin: Origin<'_>, found: Found) -> Result<Resolved, CopyError> {
    let manifest = read_json(origin, &found.bytes)?;
    Ok(Resolved { manifest, found })
}

fn is_index(found: &Found) -> bool {
    let is = |media_type: &str| media_type.contains("image.index") || media_type.contains("manifest.list");
    is(&found.media_type)
}

fn is_ours(descriptor: &Descriptor) -> bool {
    let platform = descriptor.platform().as_ref();
    platform.is_some_and(|it| *it.os() == Os::Linux && *it.architecture() == Arch::Amd64)
}
