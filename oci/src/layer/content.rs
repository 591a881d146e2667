//! Contents that are at hand: a file on disk, some bytes.

use std::io::SeekFrom;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, try_unfold};
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::{Content, Entry, Mode};
use crate::digest::Digester;
use crate::{BoxError, ByteStream};

/// A file is read in pieces of this size.
const PIECE: usize = 128 << 10;

/// A file on disk.
#[derive(Debug, Clone)]
pub struct FileContent(PathBuf);

/// Bytes at hand.
#[derive(Debug, Clone)]
pub struct BytesContent(pub Bytes);

/// A file that cannot be put into a layer.
#[derive(Debug, thiserror::Error)]
#[error("`{}` could not be read", path.display())]
pub struct UnreadableFile {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

impl Entry<'_> {
    /// An entry for a file on disk; it is read once now, to know its fingerprint.
    pub async fn from_file(path: &str, file: &Path, mode: Mode) -> Result<Entry<'static>, UnreadableFile> {
        let unreadable = |source| UnreadableFile { path: file.to_owned(), source };
        let mut digester = Digester::default();
        let mut open = tokio::fs::File::open(file).await.map_err(unreadable)?;
        let mut buffer = vec![0; PIECE];
        loop {
            let read = open.read(&mut buffer).await.map_err(unreadable)?;
            if read == 0 {
                break;
            }
            digester.update(buffer.get(..read).unwrap_or_default());
        }
        let size = digester.size();
        let content = Box::new(FileContent(file.to_owned()));
        Ok(Entry { path: path.to_owned(), size, mode, fingerprint: digester.finish().to_string(), content })
    }
}

#[async_trait::async_trait]
impl Content for FileContent {
    async fn open(&self, range: Range<u64>) -> Result<ByteStream<'static>, BoxError> {
        let path = self.0.clone();
        let unreadable = move |source| UnreadableFile { path: path.clone(), source };
        let mut file = tokio::fs::File::open(&self.0).await.map_err(&unreadable)?;
        file.seek(SeekFrom::Start(range.start)).await.map_err(&unreadable)?;
        let file = file.take(range.end.saturating_sub(range.start));
        let pieces = try_unfold((file, unreadable), |(mut file, unreadable)| async move {
            let mut piece = bytes::BytesMut::with_capacity(PIECE);
            let read = file.read_buf(&mut piece).await.map_err(&unreadable)?;
            Ok((read > 0).then(|| (piece.freeze(), (file, unreadable))))
        });
        Ok(pieces.boxed())
    }
}

#[async_trait::async_trait]
impl Content for BytesContent {
    async fn open(&self, range: Range<u64>) -> Result<ByteStream<'static>, BoxError> {
        let at = |offset| usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let (from, to) = (at(range.start), at(range.end));
        Ok(stream::iter([Ok(self.0.slice(from.min(to)..to))]).boxed())
    }
}
