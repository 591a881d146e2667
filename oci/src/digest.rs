//! Content digests: what names a blob, and how bytes that flow past become one.

use std::fmt;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

/// `sha256:` and 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// A text that is no digest we can check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no digest: expected `sha256:` and 64 lower-case hexadecimal digits")]
pub struct MalformedDigest(pub String);

/// Computes the digest and the size of bytes that flow past.
#[derive(Default, Clone)]
pub struct Digester {
    hash: Sha256,
    size: u64,
}

impl Digest {
    /// Reads a digest.
    pub fn parse(text: &str) -> Result<Self, MalformedDigest> {
        let well_formed = text.strip_prefix("sha256:").is_some_and(|digits| {
            digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        if well_formed { Ok(Self(text.to_owned())) } else { Err(MalformedDigest(text.to_owned())) }
    }

    /// The digest of bytes at hand.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(Sha256::digest(bytes).as_slice())
    }

    /// The digest as registries write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn from_hash(hash: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(hash)))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Digester {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of everything that flowed past.
    pub fn finish(self) -> Digest {
        Digest::from_hash(self.hash.finalize().as_slice())
    }
}

/// So many pieces may wait for a thread that hashes.
const WAITING: usize = 3;

/// Computes a digest beside the task that the bytes flow through, on a thread of its own: hashing is most of what packing does,
/// and would otherwise be as fast as one core is. The thread begins with the first bytes.
#[derive(Default)]
pub(crate) struct Beside(Option<Hashing>);

struct Hashing {
    pieces: mpsc::Sender<Bytes>,
    thread: JoinHandle<Digester>,
}

impl Hashing {
    fn start() -> Self {
        let (pieces, mut waiting) = mpsc::channel::<Bytes>(WAITING);
        let thread = tokio::task::spawn_blocking(move || {
            let mut digester = Digester::default();
            while let Some(piece) = waiting.blocking_recv() {
                digester.update(&piece);
            }
            digester
        });
        Self { pieces, thread }
    }
}

impl Beside {
    /// Takes the next bytes; waits while the thread is far behind.
    pub(crate) async fn update(&mut self, bytes: Bytes) {
        let hashing = self.0.get_or_insert_with(Hashing::start);
        // The thread ends when nothing more can come, not before.
        let _taken = hashing.pieces.send(bytes).await;
    }

    /// The digest of everything that flowed past.
    pub(crate) async fn finish(self) -> Result<Digest, JoinError> {
        let Some(Hashing { pieces, thread }) = self.0 else { return Ok(Digester::default().finish()) };
        drop(pieces);
        Ok(thread.await?.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lower_case_sha256_is_a_digest() {
        let good = Digest::of(b"");
        assert_eq!(good.as_str(), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Digest::parse(good.as_str()), Ok(good.clone()));
        for bad in ["", "sha256:", "sha256:abc", "sha512:00", &good.as_str().to_uppercase(), "latest"] {
            assert_eq!(Digest::parse(bad), Err(MalformedDigest(bad.to_owned())));
        }
    }

    #[tokio::test]
    async fn a_thread_beside_finds_the_same() {
        assert_eq!(Beside::default().finish().await.unwrap(), Digest::of(b""));
        let mut beside = Beside::default();
        for _ in 0..50 {
            beside.update(Bytes::from_static(b"quay")).await;
        }
        assert_eq!(beside.finish().await.unwrap(), Digest::of(&b"quay".repeat(50)));
    }

    #[test]
    fn bytes_in_pieces_have_the_digest_of_the_whole() {
        let mut digester = Digester::default();
        digester.update(b"quay ");
        digester.update(b"and ship");
        assert_eq!(digester.size(), 13);
        assert_eq!(digester.finish(), Digest::of(b"quay and ship"));
    }
}
