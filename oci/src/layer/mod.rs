//! Layers: files below one directory, as a tar archive that is the same for the same files and is made while it is
//! sent.

mod content;
mod deflate;
mod files;
mod gzip;
mod header;
mod identity;
mod sample;
mod stream;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
pub use content::{BytesContent, FileContent};
pub use files::FileDigest;
use futures_util::TryStreamExt;
pub use header::file as file_header;

use self::header::BLOCK;
use crate::digest::{Digest, Digester};
use crate::{BoxError, ByteStream};

/// The media type of our layers, compressed or not; see [`gzip`] for why.
pub const MEDIA_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// Annotation of a layer's descriptor: the [`Layer::key`] it was made from.
pub const KEY_ANNOTATION: &str = "dev.gangplank.layer.key";

/// Annotation of a layer's descriptor: the digest of the archive inside, for whoever uses the layer again.
pub const DIFF_ID_ANNOTATION: &str = "dev.gangplank.layer.diff-id";

/// The name that hides what lower layers have in its directory
/// (<https://github.com/opencontainers/image-spec/blob/main/layer.md#opaque-whiteout>).
const OPAQUE: &str = ".wh..wh..opq";

/// No archive is larger: 64 PiB, so that no arithmetic on sizes runs over.
const LARGEST: u64 = 1 << 56;

/// Annotation of a layer's descriptor: its [`Layer::shape`].
pub const SHAPE_ANNOTATION: &str = "dev.gangplank.layer.shape";

/// Annotation of a layer's descriptor: the digest of its [`Layer::sample`], if it is not a small one.
pub const SAMPLE_ANNOTATION: &str = "dev.gangplank.layer.sample";

/// Annotation of the descriptor of the layer that lists the files of the others: how many.
pub const FILES_ANNOTATION: &str = "dev.gangplank.layer.files";

/// Where the bytes of one file come from.
#[async_trait::async_trait]
pub trait Content: Send + Sync {
    /// The bytes in a range, which ends at the file's size or before. Opened again if the layer has to be sent again.
    async fn open(&self, range: Range<u64>) -> Result<ByteStream<'static>, BoxError>;
}

/// One file of a layer.
pub struct Entry<'a> {
    /// Path below the layer's root, `/`-separated.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Whether it is a program.
    pub mode: Mode,
    /// Changes when the content does: an etag, a hash. Opaque to this crate.
    pub fingerprint: String,
    /// The bytes.
    pub content: Box<dyn Content + 'a>,
}

/// The permissions of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Readable by everybody, `0644`.
    Data,
    /// Also executable by everybody, `0755`.
    Program,
}

/// What is inside a layer's gzip envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// The archive as it is.
    Stored,
    /// The archive compressed.
    Compressed,
}

/// Some files below one directory.
pub struct Layer<'a> {
    root: String,
    items: Vec<Item<'a>>,
    /// The digests of the items that are files, once they are known.
    digests: Vec<Slot>,
    archive_size: u64,
    diff_id: Arc<OnceLock<Digest>>,
}

/// Where a file's digest goes.
type Slot = OnceLock<Digest>;

/// What stands in the archive, in its order.
enum Item<'a> {
    /// A directory, its whole path ending in `/`.
    Directory(String),
    /// A file, its whole path.
    File(String, Entry<'a>),
    /// A symbolic link, its whole path, and where it leads.
    Link(String, String),
}

/// Files that cannot be a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedLayer {
    /// A path that leaves the layer's root, or none at all.
    #[error(
        "`{}` cannot be a path in a layer: expected names separated by `/`, without `.`, `..`, backslashes and control characters",
        .0.escape_debug()
    )]
    Path(String),
    /// Two files under one name, or a file where a directory must be.
    #[error("`{0}` stands in the layer twice")]
    Twice(String),
    /// No file at all.
    #[error("a layer below `{0}` has no files")]
    Empty(String),
    /// More bytes than any store holds.
    #[error("`{0}` is said to have more bytes than any store holds; look at what lists it")]
    TooLarge(String),
}

/// Bytes that are not what was declared.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The content of a file could not be opened or read.
    #[error("`{path}` could not be read")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: BoxError,
    },
    /// A file gave more or fewer bytes than declared.
    #[error("`{path}` has the wrong size: expected {expected} bytes, found {found}")]
    Size {
        /// The file.
        path: String,
        /// The declared size.
        expected: u64,
        /// What came; at least this many if it was too much.
        found: u64,
    },
    /// A file was read twice and was another one the second time.
    #[error("`{path}` changed while it was read; run again to read the new one")]
    Changed {
        /// The file.
        path: String,
    },
}

impl<'a> Layer<'a> {
    /// Makes a layer of `entries`, in whatever order they are, below the absolute directory `root`.
    pub fn new(root: &str, entries: Vec<Entry<'a>>) -> Result<Self, MalformedLayer> {
        let root = root.trim_matches('/');
        if entries.is_empty() {
            return Err(MalformedLayer::Empty(format!("/{root}")));
        }
        if !root.is_empty() {
            check_path(root)?;
        }
        let mut items = Vec::with_capacity(entries.len());
        for entry in entries {
            check_path(&entry.path)?;
            let path = if root.is_empty() { entry.path.clone() } else { format!("{root}/{}", entry.path) };
            items.push(Item::File(path, entry));
        }
        Self::of(root, items)
    }

    /// A layer with one symbolic link, at an absolute path. It hides whatever lower layers have in the directory `hides`.
    pub fn link(path: &str, target: &str, hides: Option<&str>) -> Result<Self, MalformedLayer> {
        let path = path.trim_start_matches('/');
        check_path(path)?;
        let mut items = vec![Item::Link(path.to_owned(), target.to_owned())];
        if let Some(hidden) = hides {
            let hidden = hidden.trim_matches('/');
            check_path(hidden)?;
            let marker = Entry {
                path: OPAQUE.to_owned(),
                size: 0,
                mode: Mode::Data,
                fingerprint: String::new(),
                content: Box::new(BytesContent(Bytes::new())),
            };
            items.push(Item::File(format!("{hidden}/{OPAQUE}"), marker));
        }
        Self::of(path, items)
    }

    /// Puts the directories of `items` before them, and everything in order.
    fn of(root: &str, mut items: Vec<Item<'a>>) -> Result<Self, MalformedLayer> {
        let above = |item: &Item<'_>| {
            let path = item.path();
            let ends = path.match_indices('/').filter_map(|(at, _)| path.get(..=at));
            ends.map(str::to_owned).collect::<Vec<_>>()
        };
        let directories: BTreeSet<String> = items.iter().flat_map(above).collect();
        items.extend(directories.into_iter().map(Item::Directory));
        // A directory ends in `/`, so it sorts before everything in it.
        items.sort_by(|a, b| a.path().cmp(b.path()));
        check_unique(&items)?;
        let archive_size = size_of(&items)?;
        let digests = items.iter().map(|_| Slot::new()).collect();
        Ok(Self { root: format!("/{root}"), items, digests, archive_size, diff_id: Arc::default() })
    }

    /// The size of the layer in bytes if it is not compressed, known before any content is read.
    pub fn stored_size(&self) -> u64 {
        gzip::size(self.archive_size)
    }

    /// Some bytes that stand for the layer, half a mebibyte at most. The same for the same layer.
    pub async fn sample(&self) -> Result<Vec<u8>, BoxError> {
        Ok(sample::of(self).await?)
    }

    /// How the layer is packed: decided by its sample.
    pub fn packing(&self, sample: &[u8]) -> Result<Packing, BoxError> {
        let compressed = sample::is_worth_it(self, sample)?;
        Ok(if compressed { Packing::Compressed } else { Packing::Stored })
    }

    /// A layer that is small enough to be made in memory: compressed if that saves a quarter of it at least.
    pub async fn in_memory(&self) -> Result<Bytes, BoxError> {
        let chunks: Vec<Bytes> = self.archive().try_collect().await?;
        let archive = chunks.concat();
        let _ = self.diff_id.set(Digest::of(&archive));
        let compressed = deflate::whole(&archive)?;
        if compressed.len() as u64 * 4 <= self.stored_size() * 3 {
            return Ok(compressed.into());
        }
        let archive = stream::of(archive.into());
        let chunks: Vec<Bytes> = gzip::stored(archive, Arc::clone(&self.diff_id)).try_collect().await?;
        Ok(chunks.concat().into())
    }

    /// The digest of the archive inside; known once the layer was read.
    pub fn diff_id(&self) -> Option<&Digest> {
        self.diff_id.get()
    }

    /// Reads the layer to its end without making anything of it, and gives the digest of its archive.
    pub async fn read(&self, mut told: impl FnMut(u64) + Send) -> Result<Digest, BoxError> {
        let (mut archive, mut digester) = (self.archive(), Digester::default());
        while let Some(chunk) = archive.try_next().await? {
            digester.update(&chunk);
            told(digester.size());
        }
        let digest = digester.finish();
        let _ = self.diff_id.set(digest.clone());
        Ok(digest)
    }

    /// The bytes of the layer.
    pub fn stream(&self, packing: Packing) -> ByteStream<'_> {
        let (archive, diff_id) = (self.archive(), Arc::clone(&self.diff_id));
        match packing {
            Packing::Stored => gzip::stored(archive, diff_id),
            Packing::Compressed => deflate::stream(archive, diff_id),
        }
    }

    fn archive(&self) -> ByteStream<'_> {
        stream::archive(&self.items, &self.digests)
    }

    fn files(&self) -> impl Iterator<Item = (&str, &Entry<'a>)> {
        self.items.iter().filter_map(|item| match item {
            Item::Directory(_) | Item::Link(..) => None,
            Item::File(path, entry) => Some((path.as_str(), entry)),
        })
    }
}

/// A layer, and how it is packed: what goes to a registry.
pub struct Packed<'l, 'a> {
    /// The layer.
    pub layer: &'l Layer<'a>,
    /// How it is packed.
    pub packing: Packing,
}

impl crate::registry::Open for Packed<'_, '_> {
    fn open(&self) -> ByteStream<'_> {
        self.layer.stream(self.packing)
    }
}

impl Item<'_> {
    fn path(&self) -> &str {
        match self {
            Self::Directory(path) | Self::File(path, _) | Self::Link(path, _) => path,
        }
    }

    /// Bytes in the archive, header and padding included.
    fn size(&self) -> Option<u64> {
        let content = match self {
            Self::Directory(_) | Self::Link(..) => 0,
            Self::File(_, entry) => entry.size,
        };
        content.checked_next_multiple_of(BLOCK as u64)?.checked_add(header::of(self).len() as u64)
    }
}

/// Line ends are control characters, too: the `tar` crate takes one for the end of a record, whose length POSIX counts.
fn check_path(path: &str) -> Result<(), MalformedLayer> {
    let is_name = |part: &str| {
        !matches!(part, "" | "." | "..") && !part.contains(|c: char| c.is_control() || c == '\\')
    };
    if path.split('/').all(is_name) { Ok(()) } else { Err(MalformedLayer::Path(path.to_owned())) }
}

/// The size of the archive.
fn size_of(items: &[Item<'_>]) -> Result<u64, MalformedLayer> {
    items.iter().try_fold(stream::END, |all, item| {
        let all = item.size().and_then(|size| all.checked_add(size)).filter(|all| *all <= LARGEST);
        all.ok_or_else(|| MalformedLayer::TooLarge(item.path().to_owned()))
    })
}

fn check_unique(items: &[Item<'_>]) -> Result<(), MalformedLayer> {
    let mut seen = BTreeSet::new();
    let twice = items.iter().map(|item| item.path().trim_end_matches('/')).find(|path| !seen.insert(*path));
    twice.map_or(Ok(()), |path| Err(MalformedLayer::Twice(path.to_owned())))
}
