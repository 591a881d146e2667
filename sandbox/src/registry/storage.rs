//! Blobs on disk: written to a temporary file, hashed on the way, renamed to their digest when they are whole.

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};

use axum::body::{Body, BodyDataStream, Bytes};
use futures_util::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _, BufWriter, Take};

/// Bytes held back before they go to disk, and read from it at once.
const BUFFER: usize = 512 * 1024;

/// Why a body did not arrive on disk.
#[derive(Debug)]
pub(crate) enum WriteError {
    /// The client went away.
    Cut,
    /// The disk failed.
    Disk(io::Error),
}

/// A file that is removed unless it is kept.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone already once it was renamed.
        let _gone_is_gone = std::fs::remove_file(&self.0);
    }
}

/// A blob that has arrived, under a temporary name.
pub(crate) struct Arrived {
    file: Temporary,
    hash: Sha256,
    /// Its length.
    pub(crate) size: u64,
}

impl Arrived {
    /// `sha256:…` of what arrived.
    pub(crate) fn digest(&self) -> String {
        digest_text(self.hash.clone())
    }

    /// Adds another body to its end. A body that breaks off spoils the whole.
    pub(crate) async fn append(mut self, body: Body) -> Result<Self, WriteError> {
        let file = File::options().append(true).open(&self.file.0).await.map_err(WriteError::Disk)?;
        self.size += write(file, &mut self.hash, body.into_data_stream()).await?;
        Ok(self)
    }

    /// Keeps it under its digest.
    pub(crate) async fn keep(self, world_folder: &Path) -> io::Result<()> {
        fs::rename(&self.file.0, blob_path(world_folder, &self.digest())).await
    }
}

/// Where the blob `digest` lies.
pub(crate) fn blob_path(world_folder: &Path, digest: &str) -> PathBuf {
    folder(world_folder).join(digest.strip_prefix("sha256:").unwrap_or(digest))
}

fn folder(world_folder: &Path) -> PathBuf {
    world_folder.join("registry")
}

/// Receives a body into a temporary file; memory stays flat whatever its length.
pub(crate) async fn receive(world_folder: &Path, body: Body) -> Result<Arrived, WriteError> {
    let folder = folder(world_folder);
    fs::create_dir_all(&folder).await.map_err(WriteError::Disk)?;
    let place = Temporary(folder.join(format!("upload-{}", crate::random::uuid())));
    let file = File::create_new(&place.0).await.map_err(WriteError::Disk)?;
    let mut hash = Sha256::new();
    let size = write(file, &mut hash, body.into_data_stream()).await?;
    Ok(Arrived { file: place, hash, size })
}

/// Reads a body to its end for nothing.
pub(crate) async fn drain(body: Body) {
    let mut body = body.into_data_stream();
    while let Some(Ok(_)) = body.next().await {}
}

/// Writes a body to a file; gives how many bytes that were.
async fn write(file: File, hash: &mut Sha256, mut body: BodyDataStream) -> Result<u64, WriteError> {
    let mut file = BufWriter::with_capacity(BUFFER, file);
    let mut size = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| WriteError::Cut)?;
        hash.update(&chunk);
        size += chunk.len() as u64;
        file.write_all(&chunk).await.map_err(WriteError::Disk)?;
    }
    file.flush().await.map_err(WriteError::Disk)?;
    Ok(size)
}

fn digest_text(hash: Sha256) -> String {
    format!("sha256:{}", hex::encode(hash.finalize()))
}

/// `sha256:…` of `bytes`.
pub(crate) fn digest(bytes: &[u8]) -> String {
    digest_text(Sha256::new_with_prefix(bytes))
}

/// Stores bytes that are here already, and gives their digest.
pub(crate) fn put(world_folder: &Path, bytes: &[u8]) -> io::Result<String> {
    let digest = digest(bytes);
    std::fs::create_dir_all(folder(world_folder))?;
    std::fs::write(blob_path(world_folder, &digest), bytes)?;
    Ok(digest)
}

/// `length` bytes of the blob `digest` from `offset` on, as a body that reads as it is sent.
pub(crate) async fn send(world_folder: &Path, digest: &str, offset: u64, length: u64) -> io::Result<Body> {
    let mut file = File::open(blob_path(world_folder, digest)).await?;
    file.seek(SeekFrom::Start(offset)).await?;
    let chunks = stream::try_unfold(file.take(length), next_chunk);
    Ok(Body::from_stream(chunks))
}

async fn next_chunk(mut file: Take<File>) -> io::Result<Option<(Bytes, Take<File>)>> {
    let mut chunk = Vec::with_capacity(usize::try_from(file.limit()).unwrap_or(BUFFER).min(BUFFER));
    let read = file.read_buf(&mut chunk).await?;
    Ok((read > 0).then(|| (Bytes::from(chunk), file)))
}

/// Removes blobs that no image refers to any more.
pub(crate) fn remove(world_folder: &Path, digests: &[String]) {
    for digest in digests {
        let _gone_is_gone = std::fs::remove_file(blob_path(world_folder, digest));
    }
}
