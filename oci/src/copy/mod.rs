//! An image from one registry to another, without a local copy: its blobs in a bounded window, then its manifests from the
//! inside out, byte for byte, so that digests hold; then what refers to it.
//!
//! What the destination has is not sent, and mostly not even asked for: a name that already stands for the same digest ends
//! the copy, and whatever another manifest of the repository lists is taken to be there until the registry says it is not.

mod blobs;
mod foreign;
mod manifest;
mod manifests;
mod platform;
mod referrers;
mod there;
mod tree;

use std::sync::atomic::{AtomicU32, Ordering};

use oci_spec::image::ImageManifest;

pub use self::blobs::blobs;
pub use self::manifest::{MalformedManifest, Manifest};
pub use self::platform::{MalformedPlatform, Platform, Platforms};
pub(crate) use self::tree::{digest_of, read_json};
use crate::digest::Digest;
use crate::progress::{Event, Progress, Skip};
use crate::registry::{Found, Registry, RegistryError};

/// Blobs under way at the same time. Registries and clouds limit the speed of one connection, so a copy takes many.
pub const WINDOW: usize = 16;

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
    /// The tag, or the digest that the image has.
    pub tag: &'a str,
}

/// What of an image is copied, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Which of its platforms.
    pub platforms: Platforms,
    /// Whether signatures, SBOMs and attestations that refer to it go along.
    pub referrers: bool,
    /// Blobs under way at the same time, at least one.
    pub window: usize,
    /// Whether a tag that stands for another image may be taken from it.
    pub replace: bool,
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
    /// Digest of the manifest or index that the destination's tag stands for.
    pub digest: Digest,
    /// Bytes of blobs.
    pub tally: Tally,
    /// Manifests that refer to the image and went along.
    pub referrers: usize,
    /// How often something was tried again.
    pub retries: u32,
}

/// Bytes of blobs, by what happened to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// They went over the wire.
    pub sent: u64,
    /// The repository had them already.
    pub present: u64,
    /// Another repository of the registry lent them.
    pub mounted: u64,
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
    /// There is one, but not for the platform that was asked for.
    #[error("`{image}` has no image for {wanted}; it has: {has}")]
    NoPlatform {
        /// The image.
        image: String,
        /// The platform.
        wanted: String,
        /// The platforms it has, comma-separated.
        has: String,
    },
    /// The tag stands for another image.
    #[error("`{image}` is another image already, {there}")]
    Taken {
        /// The name that the copy was to have.
        image: String,
        /// What it stands for.
        there: Digest,
    },
    /// The image is of Docker's first kind.
    #[error(
        "`{0}` has a manifest of Docker's schema version 1, which registries no longer take; pull it with an old client \
         and push it again, or build it anew"
    )]
    SchemaOne(String),
    /// The manifest cannot be read.
    #[error("the manifest of `{image}` cannot be used: {problem}")]
    Malformed {
        /// The image.
        image: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Default for Options {
    fn default() -> Self {
        Self { platforms: Platforms::All, referrers: true, window: WINDOW, replace: true }
    }
}

impl Options {
    /// One platform's image alone, without what refers to it.
    pub fn one(platform: Platform) -> Self {
        Self { platforms: Platforms::One(platform), referrers: false, ..Self::default() }
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        // Sizes are what manifests say: they may say anything.
        self.sent = self.sent.saturating_add(other.sent);
        self.present = self.present.saturating_add(other.present);
        self.mounted = self.mounted.saturating_add(other.mounted);
    }
}

impl Origin<'_> {
    /// The image's full name, for people.
    pub(crate) fn name(&self) -> String {
        name(self.registry, self.repository, self.version)
    }
}

impl Destination<'_> {
    fn name(&self) -> String {
        name(self.registry, self.repository, self.tag)
    }
}

fn name(registry: &Registry, repository: &str, version: &str) -> String {
    let mark = if version.contains(':') { '@' } else { ':' };
    format!("{}/{repository}{mark}{version}", registry.host())
}

/// Copies an image.
pub async fn image(
    origin: Origin<'_>,
    destination: Destination<'_>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Copied, CopyError> {
    let counted = Counted { progress, retries: AtomicU32::new(0) };
    let (root, there) = futures_util::try_join!(
        tree::root(origin, &options.platforms),
        there::digest(destination, options.replace)
    )?;
    let digest = root.digest.clone();
    let mut copied = Copied { digest: digest.clone(), tally: Tally::default(), referrers: 0, retries: 0 };
    let mut subjects = vec![digest.clone()];
    if let Some(there) = there.clone().filter(|there| *there != digest && !options.replace) {
        return Err(CopyError::Taken { image: destination.name(), there });
    }
    if there.as_ref() == Some(&digest) {
        let size = tree::parsed(origin, &root).map_or(0, |manifest| manifest.blob_bytes());
        let what = digest.as_str();
        counted.event(Event::Skipped { what, size, why: Skip::Present });
        copied.tally.present = size;
    } else {
        let tree = tree::read(origin, root).await?;
        subjects = tree.digests();
        copied.tally = manifests::copy(origin, destination, &tree, there, options.window, &counted).await?;
    }
    if options.referrers {
        let (count, tally) =
            referrers::copy(origin, destination, &subjects, options.window, &counted).await?;
        copied.referrers = count;
        copied.tally += tally;
    }
    copied.retries = counted.retries.load(Ordering::Relaxed);
    Ok(copied)
}

/// Finds the image for linux/amd64 that a name stands for.
pub async fn resolve(origin: Origin<'_>) -> Result<Resolved, CopyError> {
    let found = tree::root(origin, &Platforms::One(Platform::linux_amd64())).await?;
    let manifest = read_json(origin, &found.bytes)?;
    Ok(Resolved { manifest, found })
}

/// Passes everything on, and counts what was tried again.
struct Counted<'a> {
    progress: &'a dyn Progress,
    retries: AtomicU32,
}

impl Progress for Counted<'_> {
    fn event(&self, event: Event<'_>) {
        if matches!(event, Event::Retry { .. }) {
            self.retries.fetch_add(1, Ordering::Relaxed);
        }
        self.progress.event(event);
    }
}
