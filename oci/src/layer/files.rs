//! The files of a layer and their digests: found while the layer is read, or known from an earlier image.

use super::{Entry, Item, Layer, OPAQUE, Slot};
use crate::digest::Digest;

/// What is known of a file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest<'l> {
    /// Absolute path.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Digest of its bytes.
    pub digest: &'l Digest,
}

impl<'a> Layer<'a> {
    /// Every file whose digest is known: all of them once the layer was read.
    pub fn files_known(&self) -> Vec<FileDigest<'_>> {
        let known = self.listed().filter_map(|(path, entry, slot)| {
            Some(FileDigest { path: format!("/{path}"), size: entry.size, digest: slot.get()? })
        });
        known.collect()
    }

    /// The digests of all its files, by what is known of them by absolute path and size; `None` if one is not known.
    pub fn look_up(&self, of: impl Fn(&str, u64) -> Option<Digest>) -> Option<Vec<Digest>> {
        self.listed().map(|(path, entry, _)| of(&format!("/{path}"), entry.size)).collect()
    }

    /// Takes digests that were looked up for its own. Only for a layer that is not read: one that is finds them itself.
    pub fn know(&self, digests: Vec<Digest>) {
        for ((.., slot), digest) in self.listed().zip(digests) {
            slot.get_or_init(|| digest);
        }
    }

    /// The files that a list names: all but the mark that hides others.
    fn listed(&self) -> impl Iterator<Item = (&str, &Entry<'a>, &Slot)> {
        self.items.iter().zip(&self.digests).filter_map(|(item, slot)| match item {
            Item::File(path, entry) if path.rsplit('/').next() != Some(OPAQUE) => {
                Some((path.as_str(), entry, slot))
            }
            _ => None,
        })
    }
}
