//! One layer into the registry, with as little reading and sending as can be: one that was made from the same is there and not
//! even read; a small one is made in memory and recognised; a large one that looks like one that is there is read and compared;
//! only what is left is sent.

use oci_spec::image::Descriptor;

use super::journal::Note;
use super::known::KnownLayer;
use super::{Push, SMALL, descriptor, list};
use crate::copy::Tally;
use crate::digest::Digest;
use crate::layer::{self, Layer, Packed, Packing};
use crate::progress::Event;
use crate::registry::{Pushed, RegistryError, Size};

/// Progress of a comparison is told this often, in bytes.
const STRIDE: u64 = 1 << 20;

/// A layer that the registry has.
pub(super) struct Laid {
    pub(super) digest: Digest,
    /// Digest of the archive inside.
    pub(super) diff_id: Digest,
    pub(super) size: u64,
    pub(super) name: String,
    pub(super) tally: Tally,
    /// How many files it lists, if it is a list.
    files: Option<usize>,
    key: String,
    shape: String,
    sample: Option<Digest>,
}

impl Push<'_> {
    pub(super) async fn layer(&self, layer: &Layer<'_>) -> Result<Laid, RegistryError> {
        let laid = self.laid(layer).await?;
        if let Some(journal) = self.journal.filter(|_| laid.tally.sent > 0) {
            journal.note(&laid.note(layer));
        }
        self.progress.event(Event::Layer { key: &laid.key, digest: &laid.digest });
        Ok(laid)
    }

    async fn laid(&self, layer: &Layer<'_>) -> Result<Laid, RegistryError> {
        let name = layer.name();
        let source = |source| RegistryError::Source { what: name.clone(), source };
        if let Some(known) = self.made_from_the_same(layer).await? {
            return Ok(known.laid(layer));
        }
        if layer.stored_size() <= SMALL {
            let (pushed, tally) = self.bytes(&name, layer.in_memory().await.map_err(source)?).await?;
            return Ok(Laid::new(layer, pushed, tally, None));
        }
        let sample = layer.sample().await.map_err(source)?;
        let mark = Digest::of(&sample);
        if let Some(known) = self.unchanged(layer, &mark).await? {
            return Ok(known.laid(layer));
        }
        let packing = layer.packing(&sample).map_err(source)?;
        let size = match packing {
            Packing::Stored => Size::Exactly(layer.stored_size()),
            Packing::Compressed => Size::About(layer.stored_size()),
        };
        let pushed = self.send(&name, size, None, &Packed { layer, packing }).await?;
        let tally = Tally { sent: pushed.size, ..Tally::default() };
        Ok(Laid::new(layer, pushed, tally, Some(mark)))
    }

    /// The layer of an earlier image that was made from files of the same paths, sizes and fingerprints.
    async fn made_from_the_same(&self, layer: &Layer<'_>) -> Result<Option<KnownLayer>, RegistryError> {
        let Some(known) = self.known.same(&layer.key()) else { return Ok(None) };
        let listed = self.known.digests(known, layer, (self.registry, self.repository)).await;
        let Some(digests) = listed else { return Ok(None) };
        if !self.has(&known.digest, known.size, &layer.name()).await? {
            return Ok(None);
        }
        layer.know(digests);
        Ok(Some(known.clone()))
    }

    /// The layer of an earlier image that turns out to be the same when this one is read: its files were registered anew and did
    /// not change.
    async fn unchanged(
        &self,
        layer: &Layer<'_>,
        sample: &Digest,
    ) -> Result<Option<KnownLayer>, RegistryError> {
        let Some(known) = self.known.alike(&layer.shape(), sample) else { return Ok(None) };
        let (name, total) = (layer.name(), layer.stored_size());
        let what = format!("{name}, compared");
        let mut last = 0;
        let told = |done: u64| {
            if done >= last + STRIDE {
                last = done;
                self.progress.event(Event::Bytes { what: &what, done, total });
            }
        };
        let read = layer.read(told).await;
        let digest = read.map_err(|source| RegistryError::Source { what: name.clone(), source })?;
        self.progress.event(Event::Bytes { what: &what, done: total, total });
        let there = digest == known.diff_id && self.has(&known.digest, known.size, &name).await?;
        Ok(there.then(|| known.clone()))
    }
}

impl KnownLayer {
    fn laid(self, layer: &Layer<'_>) -> Laid {
        let pushed = Pushed { digest: self.digest, size: self.size };
        let tally = Tally { present: self.size, ..Tally::default() };
        Laid { diff_id: self.diff_id, ..Laid::new(layer, pushed, tally, self.sample) }
    }
}

impl Laid {
    fn new(layer: &Layer<'_>, pushed: Pushed, tally: Tally, sample: Option<Digest>) -> Self {
        let Pushed { digest, size } = pushed;
        // Whoever sent the layer read it to its end, so the archive's digest is there.
        let diff_id = layer.diff_id().unwrap_or(&digest).clone();
        let (name, key, shape) = (layer.name(), layer.key(), layer.shape());
        Self { digest, diff_id, size, name, tally, files: None, key, shape, sample }
    }

    /// The same, as the layer that lists so many files.
    pub(super) fn listing(self, files: usize) -> Self {
        Self { files: Some(files), ..self }
    }

    fn note(&self, layer: &Layer<'_>) -> Note {
        Note {
            key: self.key.clone(),
            shape: self.shape.clone(),
            sample: self.sample.as_ref().map(ToString::to_string),
            digest: self.digest.to_string(),
            diff_id: self.diff_id.to_string(),
            size: self.size,
            files: list::text(&layer.files_known()),
        }
    }

    pub(super) fn descriptor(&self) -> Descriptor {
        let mut descriptor = descriptor(layer::MEDIA_TYPE, self.size, &self.digest);
        let notes = [
            (layer::KEY_ANNOTATION, Some(self.key.clone())),
            (layer::DIFF_ID_ANNOTATION, Some(self.diff_id.to_string())),
            (layer::SHAPE_ANNOTATION, Some(self.shape.clone())),
            (layer::SAMPLE_ANNOTATION, self.sample.as_ref().map(ToString::to_string)),
            (layer::FILES_ANNOTATION, self.files.map(|files| files.to_string())),
        ];
        let notes = notes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        descriptor.set_annotations(Some(notes.collect()));
        descriptor
    }
}
