//! Bodies that end early, stop for a while, or say something else than they should.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

type Polled = Poll<Option<Result<Frame<Bytes>, axum::Error>>>;

/// What comes after the bytes that are let through.
pub(super) enum Ending {
    /// An error: the server then closes the connection in the middle of the answer.
    Cut,
    /// A pause, and then the rest.
    Stall(Duration),
}

/// A body that is interrupted.
pub(super) struct CutBody {
    inner: Body,
    left: u64,
    ending: Ending,
    flushed: bool,
    pause: Option<Pin<Box<Sleep>>>,
    /// What came after the interruption in the same piece.
    rest: Bytes,
}

impl CutBody {
    /// Interrupts `inner` after so many bytes.
    pub(super) fn new(inner: Body, after: u64, ending: Ending) -> Self {
        Self { inner, left: after, ending, flushed: false, pause: None, rest: Bytes::new() }
    }

    /// Splits off what may go now.
    fn let_through(&mut self, mut data: Bytes) -> Bytes {
        let length = usize::try_from(self.left).unwrap_or(usize::MAX).min(data.len());
        self.rest = data.split_off(length);
        self.left = self.left.saturating_sub(length as u64);
        data
    }

    fn interrupted(&mut self, context: &mut Context<'_>) -> Polled {
        if !self.flushed {
            // The server flushes while a body is pending: what was let through must arrive.
            self.flushed = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Ending::Stall(pause) = self.ending else {
            let cut = io::Error::from(io::ErrorKind::ConnectionAborted);
            return Poll::Ready(Some(Err(axum::Error::new(cut))));
        };
        let waiting = self.pause.get_or_insert_with(|| Box::pin(sleep(pause)));
        ready!(waiting.as_mut().poll(context));
        self.left = u64::MAX;
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() { self.flow(context) } else { Poll::Ready(Some(Ok(Frame::data(rest)))) }
    }

    fn flow(&mut self, context: &mut Context<'_>) -> Polled {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| match frame.into_data() {
                Ok(data) => Frame::data(self.let_through(data)),
                Err(other) => other,
            })
        }))
    }
}

impl HttpBody for CutBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        if self.left == 0 { self.interrupted(context) } else { self.flow(context) }
    }

    fn size_hint(&self) -> SizeHint {
        // The stated length stays that of the whole.
        self.inner.size_hint()
    }
}

/// A body whose first byte is another one.
pub(super) struct AlteredBody {
    inner: Body,
    altered: bool,
}

impl AlteredBody {
    pub(super) fn new(inner: Body) -> Self {
        Self { inner, altered: false }
    }

    fn alter(&mut self, data: Bytes) -> Bytes {
        if self.altered || data.is_empty() {
            return data;
        }
        self.altered = true;
        let mut data = BytesMut::from(data);
        if let Some(first) = data.first_mut() {
            *first ^= 1;
        }
        data.freeze()
    }
}

impl HttpBody for AlteredBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            frame.map(|frame| match frame.into_data() {
                Ok(data) => Frame::data(self.alter(data)),
                Err(other) => other,
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_cut_body_lets_exactly_so_much_through_and_then_fails() {
        let mut body = CutBody::new(Body::from(vec![7_u8; 100]), 30, Ending::Cut);
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), 30);
        assert!(body.frame().await.unwrap().is_err());
    }

    #[tokio::test]
    async fn a_stalled_body_arrives_whole_in_the_end() {
        for after in [0, 30] {
            let bytes: Vec<u8> = (0..100).collect();
            let pause = Duration::from_millis(1);
            let body = CutBody::new(Body::from(bytes.clone()), after, Ending::Stall(pause));
            assert_eq!(body.collect().await.unwrap().to_bytes(), bytes);
        }
    }

    #[tokio::test]
    async fn an_altered_body_differs_in_one_byte() {
        let body = AlteredBody::new(Body::from("model"));
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "lodel");
    }
}
