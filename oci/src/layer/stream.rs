//! The archive as a stream: headers, contents whose size is checked while they pass, padding, end. Small files are read
//! some way ahead: each is a request of its own, and they would wait one for another.

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt, try_unfold};

use super::header::{self, BLOCK};
use super::{Entry, Item, LayerError, Slot};
use crate::digest::Digester;
use crate::{BoxError, ByteStream};

/// Two empty blocks end an archive.
pub(super) const END: u64 = 2 * BLOCK as u64;

/// Files up to this size are read ahead,
const SMALL: u64 = 128 << 10;
/// so many of them at once: 2 MiB in memory at most, for each layer under way.
const AHEAD: usize = 16;

static ZEROES: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

type Part<'a> = BoxStream<'a, Result<Bytes, LayerError>>;

/// The archive of `items`. The digest of each file is left in its slot when the file has flowed past.
pub(super) fn archive<'a>(items: &'a [Item<'a>], digests: &'a [Slot]) -> ByteStream<'a> {
    let parts = stream::iter(items.iter().zip(digests)).map(ready).buffered(AHEAD).flatten();
    let end = stream::iter([Ok(Bytes::from_static(&ZEROES))]);
    parts.chain(end).map_err(BoxError::from).boxed()
}

/// Bytes at hand as a stream.
pub(super) fn of(bytes: Bytes) -> ByteStream<'static> {
    stream::iter([Ok(bytes)]).boxed()
}

/// Bytes from the end of a content to the end of its last block.
fn padding(size: u64) -> u64 {
    size.next_multiple_of(BLOCK as u64) - size
}

/// The part of an item, in memory already if it is small.
fn ready<'a>((item, digest): (&'a Item<'a>, &'a Slot)) -> BoxFuture<'a, Part<'a>> {
    match item {
        Item::File(_, entry) if (1..=SMALL).contains(&entry.size) => async move {
            let collected = part(item, digest).try_fold(BytesMut::new(), |mut all, bytes| async move {
                all.extend_from_slice(&bytes);
                Ok(all)
            });
            stream::iter([collected.await.map(BytesMut::freeze)]).boxed()
        }
        .boxed(),
        _ => async move { part(item, digest) }.boxed(),
    }
}

fn part<'a>(item: &'a Item<'a>, digest: &'a Slot) -> Part<'a> {
    let header = stream::iter([Ok(Bytes::from(header::of(item)))]);
    match item {
        Item::Directory(_) | Item::Link(..) => header.boxed(),
        Item::File(_, entry) => {
            let padding = usize::try_from(padding(entry.size)).unwrap_or(0);
            let padding = Bytes::from_static(ZEROES.get(..padding).unwrap_or_default());
            header.chain(checked(entry, digest)).chain(stream::iter([Ok(padding)])).boxed()
        }
    }
}

struct Reading<'a> {
    entry: &'a Entry<'a>,
    bytes: Option<ByteStream<'static>>,
    digester: Digester,
    digest: &'a Slot,
}

/// The content of one file: exactly as many bytes as declared, or an error that names the file.
fn checked<'a>(entry: &'a Entry<'a>, digest: &'a Slot) -> Part<'a> {
    let reading = Reading { entry, bytes: None, digester: Digester::default(), digest };
    try_unfold(reading, |mut reading| async move { Ok(reading.next().await?.map(|chunk| (chunk, reading))) })
        .boxed()
}

impl Reading<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, LayerError> {
        let unreadable = |source| LayerError::Unreadable { path: self.entry.path.clone(), source };
        let bytes = match &mut self.bytes {
            Some(bytes) => bytes,
            None => self.bytes.insert(self.entry.content.open(0..self.entry.size).await.map_err(unreadable)?),
        };
        let chunk = bytes.next().await.transpose().map_err(unreadable)?;
        self.digester.update(chunk.as_deref().unwrap_or_default());
        let (expected, found) = (self.entry.size, self.digester.size());
        if found > expected || (chunk.is_none() && found < expected) {
            return Err(LayerError::Size { path: self.entry.path.clone(), expected, found });
        }
        if chunk.is_none() {
            self.end()?;
        }
        Ok(chunk)
    }

    /// A second reading of the same file finds the same digest there.
    fn end(&mut self) -> Result<(), LayerError> {
        let found = std::mem::take(&mut self.digester).finish();
        if *self.digest.get_or_init(|| found.clone()) == found {
            Ok(())
        } else {
            Err(LayerError::Changed { path: self.entry.path.clone() })
        }
    }
}

#[cfg(test)]
mod tests;
