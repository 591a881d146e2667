//! The bytes of an upload on their way into its request: a bounded number at a time, measured while they pass.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{Peekable, Stream, unfold};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::upload::{Pushed, Upload};
use super::{Registry, RegistryError};
use crate::ByteStream;
use crate::digest::{Digest, Digester};
use crate::progress::Event;

/// Bytes go to the wire in pieces of at most this size,
const PIECE: usize = 64 << 10;
/// and at most this many of an upload's wait for it. Four of 256 KiB made `bench/transfer` no faster, and it peaked 14 MiB higher.
const PIECES: usize = 4;
/// Progress is told this often.
const STRIDE: u64 = 1 << 20;

/// How large a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// So many bytes.
    Exactly(u64),
    /// Not known before the end: it is compressed on its way. About so many bytes, rather fewer.
    About(u64),
}

impl Size {
    /// Whether it is known to be this.
    fn is(self, size: u64) -> bool {
        self == Self::Exactly(size)
    }

    /// What to say of it when so many bytes are sent and there are more.
    fn at(self, done: u64) -> u64 {
        match self {
            Self::Exactly(size) => size,
            Self::About(size) => size.max(done + 1),
        }
    }
}

/// Where the bytes go in: pieces, then `None`.
pub(super) struct Inlet {
    sender: mpsc::Sender<Option<Bytes>>,
    waiting: Arc<Semaphore>,
}

/// A piece until it is on the wire. The HTTP client keeps some; they count as well.
struct Waiting {
    piece: Bytes,
    _place: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Waiting {
    fn as_ref(&self) -> &[u8] {
        &self.piece
    }
}

/// The request has ended.
struct Ended;

impl Inlet {
    /// Takes a piece as soon as there is a place for it.
    async fn send(&self, piece: Bytes) -> Result<(), Ended> {
        let place = Arc::clone(&self.waiting).acquire_owned().await.map_err(|_| Ended)?;
        let waiting = Bytes::from_owner(Waiting { piece, _place: place });
        self.sender.send(Some(waiting)).await.map_err(|_| Ended)
    }

    /// Tells that the last one was taken.
    async fn end(&self) -> Result<(), Ended> {
        self.sender.send(None).await.map_err(|_| Ended)
    }
}

/// A request's body, and where its bytes go in.
pub(super) fn body() -> (reqwest::Body, Inlet) {
    let (pieces, inlet) = pieces();
    (reqwest::Body::wrap_stream(pieces), inlet)
}

/// Pieces, and where they go in. If the inlet goes before the end was told they break off: in a request of chunks it would look
/// whole otherwise.
fn pieces() -> (impl Stream<Item = io::Result<Bytes>> + Send, Inlet) {
    let (sender, receiver) = mpsc::channel::<Option<Bytes>>(PIECES);
    let pieces = unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Some(piece)) => Some((Ok(piece), Some(receiver))),
            Some(None) => None,
            None => Some((Err(io::Error::other("the bytes ended early")), None)),
        }
    });
    (pieces, Inlet { sender, waiting: Arc::new(Semaphore::new(PIECES)) })
}

impl Registry {
    /// Moves the bytes of an upload into its request. `None`: the request ended first.
    pub(super) async fn pump(
        &self,
        upload: &Upload<'_>,
        mut bytes: Peekable<ByteStream<'_>>,
        act: &str,
        inlet: Inlet,
    ) -> Result<Option<Pushed>, RegistryError> {
        let (mut meter, mut flow, mut told) = (Meter::of(upload), self.flow(), 0);
        while let Some(chunk) = bytes.next().await {
            let mut chunk = chunk.map_err(|source| upload.unreadable(source))?;
            meter.update(&chunk);
            while !chunk.is_empty() {
                let piece = chunk.split_to(chunk.len().min(PIECE));
                let size = piece.len() as u64;
                let sent = flow.wait(inlet.send(piece)).await;
                let sent = sent.map_err(|stalled| self.stalled(act, stalled))?;
                flow.flowed(size);
                if sent.is_err() && !upload.size.is(meter.size()) {
                    return Ok(None);
                }
            }
            let done = meter.size();
            if done >= told + STRIDE || upload.size.is(done) {
                told = done;
                let total = upload.size.at(done);
                upload.progress.event(Event::Bytes { what: upload.what, done, total });
            }
        }
        let size = meter.size();
        upload.same_size(size)?;
        if !upload.size.is(size) {
            upload.progress.event(Event::Bytes { what: upload.what, done: size, total: size });
        }
        let ended = flow.wait(inlet.end()).await.map_err(|stalled| self.stalled(act, stalled))?;
        // Whoever knows how many bytes come need not wait for their end.
        if ended.is_err() && matches!(upload.size, Size::About(_)) {
            return Ok(None);
        }
        Ok(Some(Pushed { digest: meter.finish(), size }))
    }
}

/// Measures bytes that flow past. What is checked already is only counted: hashing is most of a copy's work.
enum Meter {
    Hash(Digester),
    Count { digest: Digest, size: u64 },
}

impl Meter {
    fn of(upload: &Upload<'_>) -> Self {
        match &upload.digest {
            Some(digest) if upload.bytes.is_verified() => Self::Count { digest: digest.clone(), size: 0 },
            _ => Self::Hash(Digester::default()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Hash(digester) => digester.update(bytes),
            Self::Count { size, .. } => *size += bytes.len() as u64,
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Hash(digester) => digester.size(),
            Self::Count { size, .. } => *size,
        }
    }

    fn finish(self) -> Digest {
        match self {
            Self::Hash(digester) => digester.finish(),
            Self::Count { digest, .. } => digest,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_piece_keeps_its_place_until_it_is_dropped() {
        let (pieces, inlet) = pieces();
        let mut pieces = pin!(pieces);
        let send = || inlet.send(Bytes::from_static(b"piece")).now_or_never();
        for _ in 0..PIECES {
            assert!(send().is_some());
        }
        assert!(send().is_none());
        let taken = pieces.next().await;
        assert!(send().is_none(), "who takes a piece may keep it");
        drop(taken);
        assert!(send().is_some());
        assert!(send().is_none());
    }

    #[tokio::test]
    async fn bytes_that_break_off_are_an_error_and_those_that_end_are_not() {
        let (broken, inlet) = pieces();
        drop(inlet);
        assert!(matches!(broken.collect::<Vec<_>>().await[..], [Err(_)]));
        let (whole, inlet) = pieces();
        assert!(inlet.end().await.is_ok());
        assert_eq!(whole.count().await, 0);
    }
}
