//! Memory for what is read ahead: a number of buffers that are used again and again. A buffer is free once the last of its bytes
//! was let go, wherever they went: what is counted is what is in memory. An allocator that is handed such blocks back piece by piece
//! keeps a third more than is in use.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many buffers. Clones share them.
#[derive(Clone)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    spare: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// One of them.
pub(super) struct Buffer {
    bytes: Vec<u8>,
    spare: Arc<Mutex<Vec<Vec<u8>>>>,
    _place: OwnedSemaphorePermit,
}

impl Room {
    pub(super) fn new(buffers: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(buffers)), spare: Arc::default() }
    }

    /// How many buffers are free.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.places.available_permits()
    }

    /// An empty buffer, if one is free.
    pub(super) fn take(&self) -> Option<Buffer> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let bytes = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        Some(Buffer { bytes, spare: Arc::clone(&self.spare), _place: place })
    }
}

impl Buffer {
    /// Fills it with a piece, unless there would be more than `most` bytes in it.
    pub(super) fn fill(&mut self, piece: &[u8], most: usize) -> bool {
        let fits = self.bytes.len() + piece.len() <= most;
        if fits {
            self.bytes.reserve_exact(most - self.bytes.len());
            self.bytes.extend_from_slice(piece);
        }
        fits
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Its bytes, which give it back when they go.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = mem::take(&mut self.bytes);
        bytes.clear();
        self.spare.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_free_when_the_last_of_its_bytes_is_gone() {
        let room = Room::new(1);
        let mut buffer = room.take().unwrap();
        assert!(buffer.fill(b"quay", 6) && !buffer.fill(b"ship", 6) && buffer.fill(b"s", 6));
        let mut bytes = buffer.into_bytes();
        let first = bytes.split_to(2);
        drop(bytes);
        assert!(room.take().is_none(), "two bytes are still held");
        assert_eq!(&first[..], b"qu");
        drop(first);
        let again = room.take().unwrap();
        assert_eq!((again.len(), again.bytes.capacity()), (0, 6), "the same memory");
    }
}
