//! An image: a base, some layers on it, a configuration. Pushed in this order: base blobs, layers, configuration, and
//! the manifest last, so that a name never stands for something that is not there.

mod config;
mod journal;
mod known;
mod lay;
mod list;

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use futures_util::{FutureExt, TryStreamExt};
use oci_spec::image::{Descriptor, ImageManifestBuilder, MediaType, Sha256Digest};
use serde_json::Value;

use crate::ByteStream;
use crate::copy::{self, CopyError, Origin, Tally};
use crate::digest::Digest;
use crate::layer::{Layer, MalformedLayer};
use crate::progress::{Event, Progress, Skip};
use crate::registry::{Open, Pushed, Registry, RegistryError, Size, Upload};
pub use config::configuration;
pub use journal::Journal;
use known::Known;
use lay::Laid;

/// Layers under way at the same time.
const AT_ONCE: usize = 4;

/// The most layers of an image: what runtimes stack (<https://github.com/moby/buildkit/issues/4810>, “historic limit is set
/// to 127”; <https://github.com/cri-o/cri-o/issues/6261>).
const MOST_LAYERS: usize = 127;

/// Layers up to this size are made in memory, so that one the registry has is recognised before it is sent.
const SMALL: u64 = 1 << 20;

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";

/// An image to be made.
pub struct Image<'a> {
    /// The repository it goes to.
    pub repository: &'a str,
    /// The tag it gets.
    pub tag: &'a str,
    /// What the layers lie upon.
    pub base: Base<'a>,
    /// The layers, bottom first.
    pub layers: Vec<Layer<'a>>,
    /// Where in the image the list of all files of the layers goes, an absolute path.
    pub list: Option<&'a str>,
    /// Environment of the container, added to the base's.
    pub env: BTreeMap<String, String>,
    /// Labels of the configuration, added to the base's.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

/// What the layers lie upon.
pub enum Base<'a> {
    /// Another image; its blobs are mounted or copied.
    Image(Origin<'a>),
    /// Nothing: how to run the image is said here.
    Scratch(Run),
}

/// How a container of an image starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Run {
    /// User, by number.
    pub user: String,
    /// Program and arguments.
    pub entrypoint: Vec<String>,
    /// TCP ports it listens on.
    pub ports: Vec<u16>,
    /// Working directory.
    pub directory: String,
}

/// An image that was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedImage {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Bytes of blobs.
    pub tally: Tally,
}

/// Why an image could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A registry failed us.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The base could not be had.
    #[error(transparent)]
    Base(#[from] CopyError),
    /// A layer cannot be made of these files.
    #[error(transparent)]
    Layer(#[from] MalformedLayer),
    /// More layers than runtimes stack.
    #[error(
        "the base image has {base} layers and {ours} are to lie on it, expected at most {MOST_LAYERS} together; take a base \
         with fewer layers"
    )]
    TooManyLayers {
        /// Layers of the base.
        base: usize,
        /// Layers of ours.
        ours: usize,
    },
    /// The base's configuration cannot be built upon.
    #[error("the configuration of the base image cannot be used: {0}")]
    Config(String),
}

/// What is below our layers.
struct Lower {
    config: Value,
    layers: Vec<Descriptor>,
    tally: Tally,
}

struct Push<'a> {
    registry: &'a Registry,
    repository: &'a str,
    progress: &'a dyn Progress,
    known: Known,
    journal: Option<&'a Journal>,
}

/// Makes and pushes an image. Blobs that are there already are not sent again; the same image has the same digest. With a
/// journal that holds for a run that was killed as well.
pub async fn push(
    registry: &Registry,
    image: &Image<'_>,
    progress: &dyn Progress,
    journal: Option<&Journal>,
) -> Result<PushedImage, ImageError> {
    let mut known = Known::read(registry, image.repository, image.tag).await?;
    for note in journal.iter().flat_map(|journal| journal.notes()) {
        known.note(note);
    }
    let push = Push { registry, repository: image.repository, progress, known, journal };
    let lower = push.lower(&image.base, image.layers.len() + usize::from(image.list.is_some())).await?;
    let mut laid = push.layers(&image.layers).await?;
    if let Some(path) = image.list {
        let (list, files) = list::layer(path, &image.layers)?;
        laid.push(push.layer(&list).await?.listing(files));
    }
    let mut tally = lower.tally;
    for layer in &laid {
        tally += layer.tally;
    }
    let config = push.config(image, lower.config, &laid, &mut tally).await?;
    let layers = lower.layers.into_iter().chain(laid.iter().map(Laid::descriptor)).collect();
    let digest = push.manifest(image, config, layers).await?;
    if let Some(journal) = journal {
        journal.close();
    }
    Ok(PushedImage { digest, tally })
}

impl Push<'_> {
    async fn lower(&self, base: &Base<'_>, ours: usize) -> Result<Lower, ImageError> {
        let origin = match base {
            Base::Scratch(run) => {
                let (config, layers, tally) = (config::scratch(run), Vec::new(), Tally::default());
                return Ok(Lower { config, layers, tally });
            }
            Base::Image(origin) => *origin,
        };
        let manifest = copy::resolve(origin).await?.manifest;
        let (descriptor, layers) = (manifest.config(), manifest.layers());
        if layers.len() + ours > MOST_LAYERS {
            return Err(ImageError::TooManyLayers { base: layers.len(), ours });
        }
        let digest = copy::digest_of(origin, descriptor)?;
        let config = origin.registry.small_blob(origin.repository, &digest, descriptor.size()).await?;
        let config = copy::read_json(origin, &config)?;
        let tally = copy::blobs(origin, layers, self.registry, self.repository, self.progress).await?;
        Ok(Lower { config, layers: layers.iter().map(as_oci).collect(), tally })
    }

    async fn layers(&self, layers: &[Layer<'_>]) -> Result<Vec<Laid>, RegistryError> {
        let pushes: Vec<_> = layers.iter().map(|layer| self.layer(layer).boxed()).collect();
        stream::iter(pushes).buffered(AT_ONCE).try_collect().await
    }

    async fn bytes(&self, what: &str, bytes: Bytes) -> Result<(Pushed, Tally), RegistryError> {
        let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
        let pushed = Pushed { digest: digest.clone(), size };
        if self.has(&digest, size, what).await? {
            return Ok((pushed, Tally { present: size, ..Tally::default() }));
        }
        self.send(what, Size::Exactly(size), Some(digest), &AtHand(bytes)).await?;
        Ok((pushed, Tally { sent: size, ..Tally::default() }))
    }

    async fn has(&self, digest: &Digest, size: u64, what: &str) -> Result<bool, RegistryError> {
        let has = self.registry.has_blob(self.repository, digest, size).await?;
        if has {
            self.progress.event(Event::Skipped { what, size, why: Skip::Present });
        }
        Ok(has)
    }

    async fn send(
        &self,
        what: &str,
        size: Size,
        digest: Option<Digest>,
        bytes: &dyn Open,
    ) -> Result<Pushed, RegistryError> {
        let (repository, progress) = (self.repository, self.progress);
        let upload = Upload { repository, what, size, digest, bytes, session: None, progress };
        self.registry.upload(upload).await
    }

    async fn config(
        &self,
        image: &Image<'_>,
        base: Value,
        laid: &[Laid],
        tally: &mut Tally,
    ) -> Result<Descriptor, ImageError> {
        let layers: Vec<_> = laid.iter().map(|layer| (&layer.diff_id, layer.name.as_str())).collect();
        let config = configuration(base, (&image.env, &image.labels), &layers);
        let bytes = Bytes::from(config.map_err(ImageError::Config)?);
        let (Pushed { digest, size }, moved) = self.bytes("image configuration", bytes).await?;
        *tally += moved;
        Ok(descriptor(CONFIG_TYPE, size, &digest))
    }

    async fn manifest(
        &self,
        image: &Image<'_>,
        config: Descriptor,
        layers: Vec<Descriptor>,
    ) -> Result<Digest, ImageError> {
        let manifest = ImageManifestBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageManifest)
            .config(config)
            .layers(layers)
            .annotations(image.annotations.clone().into_iter().collect::<std::collections::HashMap<_, _>>())
            .build()
            .map_err(|error| ImageError::Config(error.to_string()))?;
        let manifest =
            serde_json::to_value(&manifest).map_err(|error| ImageError::Config(error.to_string()))?;
        let bytes = Bytes::from(config::canonical(manifest));
        let digest = Digest::of(&bytes);
        // Not a HEAD, whose word would have to be believed.
        let there = self.registry.manifest(self.repository, image.tag).await?;
        if there.is_none_or(|there| there.digest != digest) {
            self.registry.put_manifest(self.repository, image.tag, MANIFEST_TYPE, bytes).await?;
        }
        Ok(digest)
    }
}

/// Bytes that are in memory already.
pub(crate) struct AtHand(pub(crate) Bytes);

impl Open for AtHand {
    fn open(&self) -> ByteStream<'_> {
        stream::iter([Ok(self.0.clone())]).boxed()
    }
}

fn descriptor(media_type: &str, size: u64, digest: &Digest) -> Descriptor {
    let hash = digest.as_str().trim_start_matches("sha256:").parse::<Sha256Digest>();
    #[expect(clippy::expect_used, reason = "a Digest is 64 hexadecimal digits by construction")]
    let hash = hash.expect("a well-formed sha256");
    Descriptor::new(MediaType::from(media_type), size, hash)
}

/// The same layer under its OCI media type: manifests do not mix the two families.
fn as_oci(descriptor: &Descriptor) -> Descriptor {
    let mut ours = descriptor.clone();
    ours.set_media_type(match descriptor.media_type().as_ref() {
        "application/vnd.docker.image.rootfs.diff.tar.gzip" => MediaType::ImageLayerGzip,
        "application/vnd.docker.image.rootfs.diff.tar" => MediaType::ImageLayer,
        other => MediaType::from(other),
    });
    ours
}
