//! Layers that the repository's images have already: by the keys they were made from, and by what they may hold.

use std::collections::BTreeMap;

use oci_spec::image::{Descriptor, ImageManifest};
use tokio::sync::OnceCell;

use super::journal::Note;
use super::list::Lines;
use crate::digest::Digest;
use crate::layer::{
    DIFF_ID_ANNOTATION, FILES_ANNOTATION, KEY_ANNOTATION, Layer, SAMPLE_ANNOTATION, SHAPE_ANNOTATION,
};
use crate::registry::{Registry, RegistryError};

/// So many of a repository's images are looked at.
const IMAGES: usize = 8;

/// The largest list of files that is read, packed.
const LARGEST_LIST: u64 = 16 << 20;

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
    digest: Digest,
    size: u64,
    lines: OnceCell<Option<Lines>>,
}

/// Layers by key and by shape, the newest first.
#[derive(Default)]
pub(super) struct Known {
    by_key: BTreeMap<String, KnownLayer>,
    by_shape: BTreeMap<String, Vec<KnownLayer>>,
    lists: Vec<Option<List>>,
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
        let mut tags = match registry.tags(repository, 1000).await {
            Ok(tags) => tags,
            Err(RegistryError::Refused { answer, .. }) if !answer.is_transient() => return Ok(known),
            Err(error) => return Err(error),
        };
        // The image that is being replaced first; of the others, the newest names tend to come last.
        tags.reverse();
        tags.sort_by_key(|other| other != tag);
        for tag in tags.iter().take(IMAGES) {
            if let Some(found) = registry.manifest(repository, tag).await? {
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

    /// Takes over what the image of a known layer lists of its files. Whether it lists them all.
    pub(super) async fn lists(
        &self,
        known: &KnownLayer,
        layer: &Layer<'_>,
        (registry, repository): (&Registry, &str),
    ) -> bool {
        let Some(Some(list)) = self.lists.get(known.image) else { return false };
        let lines = list.lines.get_or_init(|| async {
            let blob = registry.small_blob(repository, &list.digest, list.size).await;
            Lines::read(
                &blob.inspect_err(|error| tracing::debug!(%error, "a list of files is not read")).ok()?,
            )
        });
        lines.await.as_ref().is_some_and(|lines| layer.know(|path, size| lines.digest(path, size)))
    }

    /// Adds a layer that a journal tells of.
    pub(super) fn note(&mut self, note: Note) {
        let (Ok(digest), Ok(diff_id)) = (Digest::parse(&note.digest), Digest::parse(&note.diff_id)) else {
            return;
        };
        let sample = note.sample.and_then(|text| Digest::parse(&text).ok());
        let image = self.lists.len();
        let lines = OnceCell::new_with(Some(Lines::parse(&note.files)));
        self.lists.push(Some(List { digest: digest.clone(), size: note.size, lines }));
        let known = KnownLayer { digest, diff_id, size: note.size, sample, image };
        self.by_key.entry(note.key).or_insert_with(|| known.clone());
        self.by_shape.entry(note.shape).or_default().push(known);
    }

    fn add(&mut self, manifest: &[u8]) {
        let Ok(manifest) = serde_json::from_slice::<ImageManifest>(manifest) else { return };
        let image = self.lists.len();
        self.lists.push(manifest.layers().iter().find_map(list));
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
}

fn annotation<'a>(layer: &'a Descriptor, name: &str) -> Option<&'a String> {
    layer.annotations().as_ref()?.get(name)
}

fn list(layer: &Descriptor) -> Option<List> {
    annotation(layer, FILES_ANNOTATION)?;
    let (digest, size) = (Digest::parse(layer.digest().as_ref()).ok()?, layer.size());
    (size <= LARGEST_LIST).then(|| List { digest, size, lines: OnceCell::new() })
}
