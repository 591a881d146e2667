//! The archive compressed, in a gzip envelope: for the few layers that get a good deal smaller. Equal archives give equal
//! bytes: the level is fixed, the archive goes in in blocks of one size, and the compressor is the one that this workspace
//! locks (`miniz_oxide` 0.9 by `flate2` 1.1). Another one may pack the same archive otherwise; the archive's own digest stays,
//! and layers that a registry has are found by what they were made from.
//!
//! Not zstd: it needs a library in C to be fast, and docker before 23 reads its layers as broken
//! (<https://github.com/konflux-ci/architecture/pull/357>), while weights compress with neither.

use std::io::{self, Write as _};
use std::sync::{Arc, OnceLock};

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{StreamExt, try_unfold};

use crate::digest::{Digest, Digester};
use crate::{BoxError, ByteStream};

/// The archive goes into the compressor in blocks of this size.
const BLOCK: usize = 64 << 10;

/// The level of compression. Measured: random float32 weights 0.93 of their size, bfloat16 0.79, a vocabulary in JSON 0.47, trees
/// as text 0.24; level 6 gains another tenth of the latter two in six times the time.
fn level() -> Compression {
    Compression::fast()
}

/// Compresses what is at hand.
pub(super) fn whole(archive: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), level());
    for block in archive.chunks(BLOCK) {
        encoder.write_all(block)?;
    }
    encoder.finish()
}

/// The archive, compressed on its way. Leaves the archive's own digest in `diff_id` when it has flowed past.
pub(super) fn stream(archive: ByteStream<'_>, diff_id: Arc<OnceLock<Digest>>) -> ByteStream<'_> {
    let packing = Packing {
        archive,
        waiting: BytesMut::new(),
        digester: Digester::default(),
        encoder: Some(GzEncoder::new(Vec::new(), level())),
        diff_id,
    };
    try_unfold(packing, |mut packing| async move { Ok(packing.next().await?.map(|bytes| (bytes, packing))) })
        .boxed()
}

struct Packing<'a> {
    archive: ByteStream<'a>,
    waiting: BytesMut,
    digester: Digester,
    /// `None` at the end.
    encoder: Option<GzEncoder<Vec<u8>>>,
    diff_id: Arc<OnceLock<Digest>>,
}

impl Packing<'_> {
    /// The next bytes that the compressor gives.
    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        while let Some(encoder) = &mut self.encoder {
            if self.waiting.len() >= BLOCK {
                encoder.write_all(&self.waiting.split_to(BLOCK))?;
                let made = std::mem::take(encoder.get_mut());
                if !made.is_empty() {
                    return Ok(Some(made.into()));
                }
                continue;
            }
            match self.archive.next().await.transpose()? {
                Some(chunk) => {
                    self.digester.update(&chunk);
                    self.waiting.extend_from_slice(&chunk);
                }
                None => return self.end().map(Some),
            }
        }
        Ok(None)
    }

    fn end(&mut self) -> Result<Bytes, BoxError> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(Bytes::new()) };
        encoder.write_all(&self.waiting)?;
        // A second reading of the same archive finds the same digest there.
        let _ = self.diff_id.set(std::mem::take(&mut self.digester).finish());
        Ok(encoder.finish()?.into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use futures_util::stream::{self, TryStreamExt};

    use super::*;

    fn packed(archive: &[u8], piece: usize) -> (Vec<u8>, Digest) {
        let pieces: Vec<Result<Bytes, BoxError>> =
            archive.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let diff_id = Arc::new(OnceLock::new());
        let bytes = super::stream(stream::iter(pieces).boxed(), Arc::clone(&diff_id)).try_collect::<Vec<_>>();
        let bytes = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(bytes).unwrap();
        (bytes.concat(), diff_id.get().unwrap().clone())
    }

    #[test]
    fn equal_archives_are_equal_bytes_however_they_arrive() {
        for length in [0, 1, 512, BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 77] {
            let archive: Vec<u8> = (0..length).map(|at| u8::try_from(at * at % 97).unwrap()).collect();
            let (bytes, diff_id) = packed(&archive, 1_000);
            assert_eq!(packed(&archive, 77_777).0, bytes, "{length}");
            assert_eq!(whole(&archive).unwrap(), bytes, "{length}");
            assert_eq!(diff_id, Digest::of(&archive));
            let mut opened = Vec::new();
            flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut opened).unwrap();
            assert_eq!(opened, archive);
        }
    }

    /// Whoever changes the compressor or its level learns here that layers will be made anew.
    #[test]
    fn the_compressor_is_still_the_same() {
        let archive: Vec<u8> = (0..200_000_u32).flat_map(|at| (at / 7 * 13).to_be_bytes()).collect();
        assert_eq!(
            Digest::of(&whole(&archive).unwrap()).as_str(),
            "sha256:63904f6213319475586fe41c1b4de9a7167e4316d04be561712a10c493babb96"
        );
    }
}
