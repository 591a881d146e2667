//! Layers that the repository's images have already: by the keys they were made from, and by what they may hold.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};
use oci_spec::image::{Descriptor, ImageManifest};
use tokio::sync::OnceCell;

use super::journal::Note;
use super::list::Lines;
use crate::digest::Digest;
use crate::layer::{
    DIFF_ID_ANNOTATION, FILES_ANNOTATION, KEY_ANNOTATION, Layer, SAMPLE_ANNOTATION, SHAPE_ANNOTATION,
};
use crate::registry::{Registry, RegistryError, is_about_another};

/// So many of a repository's images are looked at.
const IMAGES: usize = 8;

/// So many of their manifests are asked for at once.
const AT_ONCE: usize = 4;

/// Lists of files are read up to so many packed bytes in all, which is some ten thousand files in each image.
const LARGEST_LISTS: u64 = 4 << 20;

/// A layer that was pushed before.
#[derive(Clone)]
pub(super) struct KnownLayer {
    pub(super) digest: Digest,
    pub(super) diff_id: Digest,
    pub(super) size: u64,
    /// Digest of its sample, if it has one.
    pub(super) sample: Option<Digest>,
    /// The image it was in.
    image: usize,
}

/// The list of an image's files: where it is, and what it says once somebody asked.
struct List {
    place: Place,
    lines: OnceCell<Option<Lines>>,
}

/// Where a list is.
enum Place {
    /// In the registry.
    Blob { digest: Digest, size: u64 },
    /// In a note.
    Noted(String),
}

/// Layers by key and by shape, the newest first.
#[derive(Default)]
pub(super) struct Known {
    by_key: BTreeMap<String, KnownLayer>,
    by_shape: BTreeMap<String, Vec<KnownLayer>>,
    lists: Vec<Option<List>>,
    /// Packed bytes of the lists.
    listed: u64,
}

impl Known {
    /// Looks at the image under `tag` and at some others of the repository. What cannot be read is not known; only a
    /// registry that fails altogether is an error.
    pub(super) async fn read(
        registry: &Registry,
        repository: &str,
        tag: &str,
    ) -> Result<Self, RegistryError> {
        let mut known = Self::default();
        let mut tags = readable(registry.tags(repository, 1000).await)?.unwrap_or_default();
        // The image that is being replaced first; of the others, the newest names tend to come last.
        tags.reverse();
        tags.retain(|tag| !is_about_another(tag));
        tags.sort_by_key(|other| other != tag);
        let asked: Vec<_> =
            tags.iter().take(IMAGES).map(|tag| registry.manifest(repository, tag).boxed()).collect();
        let mut found = stream::iter(asked).buffered(AT_ONCE);
        while let Some(answer) = found.next().await {
            if let Some(found) = readable(answer)?.flatten() {
                known.add(&found.bytes);
            }
        }
        Ok(known)
    }

    /// The layer that was made from the same.
    pub(super) fn same(&self, key: &str) -> Option<&KnownLayer> {
        self.by_key.get(key)
    }

    /// A layer of the same shape with the same sample: most likely the same.
    pub(super) fn alike(&self, shape: &str, sample: &Digest) -> Option<&KnownLayer> {
        self.by_shape.get(shape)?.iter().find(|layer| layer.sample.as_ref() == Some(sample))
    }

    /// The digests of a layer's files, if the image of a known layer lists them all.
    pub(super) async fn digests(
        &self,
        known: &KnownLayer,
        layer: &Layer<'_>,
        (registry, repository): (&Registry, &str),
    ) -> Option<Vec<Digest>> {
        let list = self.lists.get(known.image)?.as_ref()?;
        let lines = list.lines.get_or_init(|| async {
            match &list.place {
                Place::Noted(text) => Lines::parse(text),
                Place::Blob { digest, size } => {
                    let blob = registry.small_blob(repository, digest, *size).await;
                    let unread = |error: &_| tracing::debug!(%error, "a list of files is not read");
                    Lines::read(&blob.inspect_err(unread).ok()?)
                }
            }
        });
        let lines = lines.await.as_ref()?;
        layer.look_up(|path, size| lines.digest(path, size))
    }

    /// Adds a layer that a journal tells of.
    pub(super) fn note(&mut self, note: Note) {
        let (Ok(digest), Ok(diff_id)) = (Digest::parse(&note.digest), Digest::parse(&note.diff_id)) else {
            return;
        };
        let sample = note.sample.and_then(|text| Digest::parse(&text).ok());
        let image = self.lists.len();
        self.lists.push(Some(List { place: Place::Noted(note.files), lines: OnceCell::new() }));
        let known = KnownLayer { digest, diff_id, size: note.size, sample, image };
        self.by_key.entry(note.key).or_insert_with(|| known.clone());
        self.by_shape.entry(note.shape).or_default().push(known);
    }

    fn add(&mut self, manifest: &[u8]) {
        let Ok(manifest) = serde_json::from_slice::<ImageManifest>(manifest) else { return };
        let image = self.lists.len();
        let list = manifest.layers().iter().find_map(|layer| self.list(layer));
        self.lists.push(list);
        for layer in manifest.layers() {
            let diff_id = annotation(layer, DIFF_ID_ANNOTATION).map(|text| Digest::parse(text));
            let (Ok(digest), Some(Ok(diff_id))) = (Digest::parse(layer.digest().as_ref()), diff_id) else {
                continue;
            };
            let sample = annotation(layer, SAMPLE_ANNOTATION).and_then(|text| Digest::parse(text).ok());
            let known = KnownLayer { digest, diff_id, size: layer.size(), sample, image };
            if let Some(key) = annotation(layer, KEY_ANNOTATION) {
                self.by_key.entry(key.clone()).or_insert_with(|| known.clone());
            }
            if let Some(shape) = annotation(layer, SHAPE_ANNOTATION) {
                self.by_shape.entry(shape.clone()).or_default().push(known);
            }
        }
    }

    /// The list of files in a layer, if it is one, and there is room for it.
    fn list(&mut self, layer: &Descriptor) -> Option<List> {
        annotation(layer, FILES_ANNOTATION)?;
        let (digest, size) = (Digest::parse(layer.digest().as_ref()).ok()?, layer.size());
        self.listed = self.listed.checked_add(size).filter(|all| *all <= LARGEST_LISTS)?;
        Some(List { place: Place::Blob { digest, size }, lines: OnceCell::new() })
    }
}

/// `None` for what the registry has and does not give: it says no, or gives something else.
fn readable<T>(answer: Result<T, RegistryError>) -> Result<Option<T>, RegistryError> {
    match answer {
        Err(error) if !error.is_transient() => {
            tracing::debug!(%error, "an earlier image is not read");
            Ok(None)
        }
        other => other.map(Some),
    }
}

fn annotation<'a>(layer: &'a Descriptor, name: &str) -> Option<&'a String> {
    layer.annotations().as_ref()?.get(name)
}
