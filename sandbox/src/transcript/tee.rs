//! A body that is looked at while it passes.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use sha2::{Digest as _, Sha256};

/// How much of a body is kept; a transcript tells of the rest by its digest.
const LARGEST: usize = 4 << 20;

/// What has passed of a body.
#[derive(Default)]
pub(super) struct Seen {
    /// Its beginning.
    pub(super) bytes: Vec<u8>,
    /// How long it was.
    pub(super) size: u64,
    digest: Sha256,
}

impl Seen {
    fn see(&mut self, data: &Bytes) {
        let room = LARGEST.saturating_sub(self.bytes.len()).min(data.len());
        self.bytes.extend_from_slice(data.get(..room).unwrap_or_default());
        self.size += data.len() as u64;
        self.digest.update(data);
    }

    /// Whether all of it was kept.
    pub(super) fn is_whole(&self) -> bool {
        self.size == self.bytes.len() as u64
    }

    /// SHA-256 of all of it, in hex.
    pub(super) fn digest(&self) -> String {
        hex::encode(self.digest.clone().finalize())
    }
}

/// What to do when a body has ended, or was dropped.
pub(super) type Ended = Box<dyn FnOnce(&Seen) + Send>;

/// Passes a body on as it is.
pub(super) struct Tee {
    inner: Body,
    seen: Arc<Mutex<Seen>>,
    ended: Option<Ended>,
}

impl Tee {
    pub(super) fn new(inner: Body, seen: Arc<Mutex<Seen>>, ended: Option<Ended>) -> Self {
        Self { inner, seen, ended }
    }
}

impl HttpBody for Tee {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
            && let Ok(mut seen) = self.seen.lock()
        {
            seen.see(data);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        if let (Some(ended), Ok(seen)) = (self.ended.take(), self.seen.lock()) {
            ended(&seen);
        }
    }
}
