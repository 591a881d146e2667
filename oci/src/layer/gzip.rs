//! The archive in a gzip envelope of stored blocks: nothing is compressed (weights do not), but every tool that
//! takes image layers takes gzip, and some take nothing else. Blocks are cut at fixed places, so equal archives give
//! equal envelopes however the bytes arrive.
//!
//! RFC 1952 for the envelope, RFC 1951 section 3.2.4 for stored blocks.

use std::sync::{Arc, OnceLock};

use bytes::{BufMut, Bytes, BytesMut};
use flate2::Crc;
use futures_util::stream::{StreamExt, try_unfold};

use crate::digest::{Digest, Digester};
use crate::{BoxError, ByteStream};

/// No name, no time, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The longest stored block.
const BLOCK: usize = 65_535;
/// In front of each block: last or not, length, length inverted.
const HEAD: usize = 5;
const BLOCK_HEADER: u64 = HEAD as u64;
/// An empty last block, checksum, size.
const END: u64 = BLOCK_HEADER + 8;

/// The size of the envelope around an archive of `archive` bytes.
pub(super) fn size(archive: u64) -> u64 {
    HEADER.len() as u64 + archive + BLOCK_HEADER * archive.div_ceil(BLOCK as u64) + END
}

/// The archive in its envelope. Leaves the archive's own digest in `diff_id` when it has flowed past.
pub(super) fn stored(archive: ByteStream<'_>, diff_id: Arc<OnceLock<Digest>>) -> ByteStream<'_> {
    let envelope = Envelope {
        archive,
        waiting: open_block(),
        rest: Bytes::new(),
        crc: Crc::new(),
        digester: Digester::default(),
        diff_id,
        state: State::Header,
    };
    try_unfold(
        envelope,
        |mut envelope| async move { Ok(envelope.next().await?.map(|bytes| (bytes, envelope))) },
    )
    .boxed()
}

enum State {
    Header,
    Blocks,
    Done,
}

struct Envelope<'a> {
    archive: ByteStream<'a>,
    /// The block that is being filled, room for its header in front.
    waiting: BytesMut,
    /// What of the last chunk had no room in the block before.
    rest: Bytes,
    crc: Crc,
    digester: Digester,
    diff_id: Arc<OnceLock<Digest>>,
    state: State,
}

impl Envelope<'_> {
    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        match self.state {
            State::Header => {
                self.state = State::Blocks;
                Ok(Some(Bytes::from_static(&HEADER)))
            }
            State::Blocks => self.block().await.map(Some),
            State::Done => Ok(None),
        }
    }

    /// The next full block; at the end of the archive what is left of it, and the end of the envelope.
    async fn block(&mut self) -> Result<Bytes, BoxError> {
        loop {
            let room = BLOCK + HEAD - self.waiting.len();
            let piece = self.rest.split_to(self.rest.len().min(room));
            self.waiting.extend_from_slice(&piece);
            if self.waiting.len() == BLOCK + HEAD {
                return Ok(close(std::mem::replace(&mut self.waiting, open_block()), false));
            }
            let Some(chunk) = self.archive.next().await.transpose()? else { return Ok(self.end()) };
            self.crc.update(&chunk);
            self.digester.update(&chunk);
            self.rest = chunk;
        }
    }

    fn end(&mut self) -> Bytes {
        self.state = State::Done;
        let mut bytes = BytesMut::new();
        if self.waiting.len() > HEAD {
            bytes.extend_from_slice(&close(std::mem::take(&mut self.waiting), false));
        }
        bytes.extend_from_slice(&close(open_block(), true));
        bytes.put_u32_le(self.crc.sum());
        bytes.put_u32_le(self.crc.amount());
        // A second reading of the same archive finds the same digest there.
        let _ = self.diff_id.set(std::mem::take(&mut self.digester).finish());
        bytes.freeze()
    }
}

/// Room for a block and its header.
fn open_block() -> BytesMut {
    let mut block = BytesMut::with_capacity(BLOCK + HEAD);
    block.resize(HEAD, 0);
    block
}

/// Writes the header in front of a block's content.
fn close(mut block: BytesMut, last: bool) -> Bytes {
    let length = u16::try_from(block.len() - HEAD).unwrap_or(u16::MAX);
    let mut header = [u8::from(last), 0, 0, 0, 0];
    let [_, low, high, low_inverted, high_inverted] = &mut header;
    [*low, *high] = length.to_le_bytes();
    [*low_inverted, *high_inverted] = (!length).to_le_bytes();
    for (to, from) in block.iter_mut().zip(header) {
        *to = from;
    }
    block.freeze()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use futures_util::stream::{self, TryStreamExt};

    use super::*;

    fn enveloped(content: &[u8], piece: usize) -> (Vec<u8>, Digest) {
        let pieces: Vec<Result<Bytes, BoxError>> =
            content.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let diff_id = Arc::new(OnceLock::new());
        let envelope = stored(stream::iter(pieces).boxed(), Arc::clone(&diff_id));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let bytes = runtime.block_on(envelope.try_fold(Vec::new(), |mut all, bytes| async move {
            all.extend_from_slice(&bytes);
            Ok(all)
        }));
        (bytes.unwrap(), diff_id.get().unwrap().clone())
    }

    #[test]
    fn the_envelope_opens_and_its_size_was_known() {
        for length in [0, 1, 512, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 200_000] {
            let content: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let (bytes, diff_id) = enveloped(&content, 10_000);
            assert_eq!(bytes.len() as u64, size(length as u64), "{length}");
            let mut opened = Vec::new();
            flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut opened).unwrap();
            assert_eq!(opened, content);
            assert_eq!(diff_id, Digest::of(&content));
        }
    }

    #[test]
    fn how_the_bytes_arrive_makes_no_difference() {
        let content = vec![7; 300_000];
        assert_eq!(enveloped(&content, 1_000).0, enveloped(&content, 77_777).0);
    }
}
