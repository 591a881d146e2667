//! What a layer is: for people its name, for other runs what it was made from and what it may hold.

use sha2::{Digest as _, Sha256};

use super::{Entry, Item, Layer, Mode};

impl<'a> Layer<'a> {
    /// Names what this layer is made from: paths, sizes and fingerprints. Equal keys mean equal archives, as far as
    /// fingerprints can be trusted.
    pub fn key(&self) -> String {
        self.hash(b"gangplank layer 3\0", |entry| entry.fingerprint.as_bytes())
    }

    /// Names what this layer may hold: paths and sizes alone. Layers of one shape may have equal archives.
    pub fn shape(&self) -> String {
        self.hash(b"gangplank shape 1\0", |_| b"")
    }

    /// What the layer is, for people: its file, or how many, or its link.
    pub fn name(&self) -> String {
        if self.items.iter().any(|item| matches!(item, Item::Link(..))) {
            return format!("the link {}", self.root);
        }
        let mut files = self.files();
        match (files.next(), files.count()) {
            (Some((_, only)), 0) => only.path.clone(),
            (_, others) => format!("{} files below {}", others + 1, self.root),
        }
    }

    fn hash(&self, kind: &[u8], fingerprint: impl for<'e> Fn(&'e Entry<'a>) -> &'e [u8]) -> String {
        let mut hash = Sha256::new();
        hash.update(kind);
        let mut field = |field: &[u8]| {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        };
        for item in &self.items {
            match item {
                // They follow from the others.
                Item::Directory(_) => {}
                Item::Link(path, target) => {
                    field(path.as_bytes());
                    field(target.as_bytes());
                    field(b"link");
                }
                Item::File(path, entry) => {
                    field(path.as_bytes());
                    field(fingerprint(entry));
                    field(&entry.size.to_be_bytes());
                    field(&[u8::from(entry.mode == Mode::Program)]);
                }
            }
        }
        hex::encode(hash.finalize())
    }
}
