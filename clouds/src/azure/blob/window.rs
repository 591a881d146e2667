//! Parts of a file read side by side and handed on in order. What waits in memory is bounded over all files together:
//! the first part of every file flows straight through, the ones after it are read ahead while there is room. Of storage that states
//! no checksums everything flows straight through, one long range after the other.
//!
//! A file never waits for room, it only reads less far ahead; so files that are read at the same time cannot lock each
//! other out.

use std::collections::VecDeque;
use std::future::Future;
use std::ops::Range;

use bridge::port::{ByteStream, PortError, PortResult, Refused};
use bytes::Bytes;
use futures_util::stream::{StreamExt, try_unfold};
use tokio::task::JoinHandle;

use super::SERVICE;
use super::room::{Buffer, Room};
use crate::error;

/// Bytes of one part that is read ahead. A quarter of what Microsoft's own clients ask for at a time
/// (<https://learn.microsoft.com/powerquery-m/azurestorage-blobcontents>: requests of 4 MB, 16 at once), so that more of them
/// share the memory that there is.
const PART: u64 = 1 << 20;

/// What flows straight through needs no room, and is asked for in ranges of this size at most: a cut costs no more of a long one.
const LONGEST: u64 = 32 << 20;

/// Parts that are read ahead in one process, over all files: 4 MiB in memory at most.
const AHEAD: usize = 4;

/// A part that was read ahead is handed on in pieces of this size.
const PIECE: usize = 128 << 10;

/// Room for parts that are read ahead. Clones share it.
#[derive(Clone)]
pub(super) struct Window {
    room: Room,
    part: u64,
    longest: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self { longest: LONGEST, ..Self::new(AHEAD, PART) }
    }
}

/// Where the bytes of a file come from.
pub(super) trait Ranged: Clone + Send + Sync + 'static {
    /// The file, for people.
    fn name(&self) -> &str;
    /// The longest range of which the storage states a checksum, if it states any.
    fn longest_summed(&self) -> Option<u64>;
    /// The bytes of a range.
    fn range(&self, range: Range<u64>) -> impl Future<Output = PortResult<ByteStream>> + Send;
}

impl Window {
    pub(super) fn new(ahead: usize, part: u64) -> Self {
        Self { room: Room::new(ahead), part, longest: part }
    }

    /// The bytes of a file's range, in order. The first request is made at once, so that a refusal is the caller's.
    pub(super) async fn read(&self, source: impl Ranged, range: Range<u64>) -> PortResult<ByteStream> {
        let mut reading = Reading {
            window: self.clone(),
            source,
            rest: range,
            flowing: None,
            ahead: VecDeque::new(),
            handing_on: Bytes::new(),
        };
        reading.flow().await?;
        Ok(try_unfold(reading, |mut reading| async move {
            Ok(reading.next().await?.map(|chunk| (chunk, reading)))
        })
        .boxed())
    }
}

/// One file being read.
struct Reading<S> {
    window: Window,
    source: S,
    /// What nobody has asked for yet.
    rest: Range<u64>,
    /// The part that flows through now, and how much of it is missing.
    flowing: Option<(ByteStream, u64)>,
    /// The parts after it, in order.
    ahead: VecDeque<Part>,
    /// What is left of the part that was read ahead and is handed on now.
    handing_on: Bytes,
}

/// A part that is read by a task of its own. Ends with it.
struct Part(JoinHandle<PortResult<Bytes>>);

impl Drop for Part {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<S: Ranged> Reading<S> {
    async fn next(&mut self) -> PortResult<Option<Bytes>> {
        loop {
            if !self.handing_on.is_empty() {
                return Ok(Some(self.handing_on.split_to(self.handing_on.len().min(PIECE))));
            }
            // An empty piece, too, holds on to its buffer.
            self.handing_on = Bytes::new();
            self.read_ahead();
            if let Some((stream, left)) = &mut self.flowing {
                match stream.next().await.transpose()? {
                    Some(chunk) if chunk.len() as u64 <= *left => {
                        *left -= chunk.len() as u64;
                        return Ok(Some(chunk));
                    }
                    None if *left == 0 => self.flowing = None,
                    _ => return Err(wrong_length(self.source.name())),
                }
            } else if let Some(mut part) = self.ahead.pop_front() {
                let read = (&mut part.0).await.map_err(|failed| lost(self.source.name(), &failed))?;
                self.handing_on = read?;
            } else if self.rest.is_empty() {
                return Ok(None);
            } else {
                self.flow().await?;
            }
        }
    }

    /// Lets the next part flow straight through.
    async fn flow(&mut self) -> PortResult<()> {
        let most = self.source.longest_summed().unwrap_or(u64::MAX);
        let range = self.take(self.window.longest.min(most));
        if !range.is_empty() {
            let missing = range.end - range.start;
            self.flowing = Some((self.source.range(range).await?, missing));
        }
        Ok(())
    }

    /// Begins parts while there is room. None of what flows in long ranges, for want of checksums: a request for each small part
    /// would cost the storage more than the pauses between them.
    fn read_ahead(&mut self) {
        while !self.rest.is_empty() && self.source.longest_summed().is_some() {
            let Some(buffer) = self.window.room.take() else { return };
            let (source, range) = (self.source.clone(), self.take(self.window.part));
            self.ahead.push_back(Part(tokio::spawn(async move { whole(&source, range, buffer).await })));
        }
    }

    fn take(&mut self, most: u64) -> Range<u64> {
        let end = self.rest.end.min(self.rest.start.saturating_add(most));
        let range = self.rest.start..end;
        self.rest.start = end;
        range
    }
}

/// All of a part: exactly as long as was asked for.
async fn whole(source: &impl Ranged, range: Range<u64>, mut buffer: Buffer) -> PortResult<Bytes> {
    let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let mut stream = source.range(range).await?;
    while let Some(piece) = stream.next().await.transpose()? {
        if !buffer.fill(&piece, length) {
            return Err(wrong_length(source.name()));
        }
    }
    if buffer.len() == length { Ok(buffer.into_bytes()) } else { Err(wrong_length(source.name())) }
}

fn wrong_length(name: &str) -> PortError {
    let problem = format!(
        "`{name}`: a range came back longer or shorter than asked for; run again to read the file anew"
    );
    error::own(SERVICE, Refused::Conflict, problem)
}

fn lost(name: &str, failed: &tokio::task::JoinError) -> PortError {
    error::own(SERVICE, Refused::Unavailable, format!("`{name}`: reading ahead ended early: {failed}"))
}

#[cfg(test)]
mod tests;
