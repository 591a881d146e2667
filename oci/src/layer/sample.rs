//! Some bytes of a layer, spread over its files: by them it is decided whether to compress it, and by them two layers are told
//! apart without reading them.

use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{Entry, Layer, LayerError, deflate};

/// So many pieces are read,
const PIECES: u64 = 8;
/// of this size: half a mebibyte in all,
const PIECE: u64 = 64 << 10;

/// so many at once: each opens a connection, where there are too few.
const AT_ONCE: usize = 4;

/// Where a piece is: in which file, from which byte on, how long.
type Place<'l, 'a> = (&'l Entry<'a>, u64, u64);

/// The bytes that stand for a layer. The same for the same layer.
pub(super) async fn of(layer: &Layer<'_>) -> Result<Vec<u8>, LayerError> {
    let reads = places(layer).into_iter().map(read);
    let pieces: Vec<Vec<u8>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    Ok(pieces.concat())
}

/// Whether compressing saves a quarter of the layer at least. Headers and padding hardly count for anything then, and the
/// contents are what the sample says.
pub(super) fn is_worth_it(layer: &Layer<'_>, sample: &[u8]) -> std::io::Result<bool> {
    let (archive, content) = (u128::from(layer.archive_size), u128::from(content_size(layer)));
    let (before, after) = (sample.len().max(1) as u128, deflate::whole(sample)?.len() as u128);
    Ok(content * after * 4 <= archive * 3 * before)
}

fn content_size(layer: &Layer<'_>) -> u64 {
    layer.files().map(|(_, entry)| entry.size).sum()
}

/// From the first byte to the last one, at equal distances.
fn places<'l, 'a>(layer: &'l Layer<'a>) -> Vec<Place<'l, 'a>> {
    let last = content_size(layer).saturating_sub(PIECE);
    let mut starts: Vec<u64> = (0..PIECES).map(|at| start(last, at)).collect();
    starts.dedup();
    starts.into_iter().filter_map(|start| place(layer, start)).collect()
}

/// The first byte of a piece, if the last one begins at `last`.
fn start(last: u64, at: u64) -> u64 {
    u64::try_from(u128::from(last) * u128::from(at) / u128::from(PIECES - 1)).unwrap_or(last)
}

/// The piece that begins at a byte of the contents, put one after the other; it ends where its file does.
fn place<'l, 'a>(layer: &'l Layer<'a>, start: u64) -> Option<Place<'l, 'a>> {
    let mut passed = 0;
    for (_, entry) in layer.files() {
        if start < passed + entry.size {
            let from = start - passed;
            return Some((entry, from, PIECE.min(entry.size - from)));
        }
        passed += entry.size;
    }
    None
}

async fn read((entry, from, length): Place<'_, '_>) -> Result<Vec<u8>, LayerError> {
    let unreadable = |source| LayerError::Unreadable { path: entry.path.clone(), source };
    let mut bytes = entry.content.open(from..from + length).await.map_err(unreadable)?;
    let mut piece = Vec::new();
    while let Some(chunk) = bytes.next().await.transpose().map_err(unreadable)? {
        piece.extend_from_slice(&chunk);
    }
    if piece.len() as u64 == length {
        return Ok(piece);
    }
    let found = from + piece.len() as u64;
    Err(LayerError::Size { path: entry.path.clone(), expected: from + length, found })
}

#[cfg(test)]
mod tests {
    use crate::layer::{BytesContent, Entry, Layer, Mode};

    fn layer(files: &[Vec<u8>]) -> Layer<'static> {
        let entries = files.iter().enumerate().map(|(at, bytes)| Entry {
            path: format!("f{at:05}"),
            size: bytes.len() as u64,
            mode: Mode::Data,
            fingerprint: String::new(),
            content: Box::new(BytesContent(bytes.clone().into())),
        });
        Layer::new("/m", entries.collect()).unwrap()
    }

    fn sampled(layer: &Layer<'_>) -> (usize, bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sample = runtime.block_on(super::of(layer)).unwrap();
        assert!(runtime.block_on(super::of(layer)).unwrap() == sample);
        (sample.len(), super::is_worth_it(layer, &sample).unwrap())
    }

    /// What does not compress.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()
        };
        std::iter::repeat_with(&mut next).flatten().take(length).collect()
    }

    #[test]
    fn noise_stays_as_it_is_and_text_does_not() {
        let text: Vec<u8> = "split 7 threshold 0.25 left 3 right 4\n".bytes().cycle().take(3 << 20).collect();
        assert_eq!(sampled(&layer(&[noise(3 << 20)])), (512 << 10, false));
        assert_eq!(sampled(&layer(&[text])), (512 << 10, true));
    }

    #[test]
    fn thousands_of_tiny_files_are_mostly_headers() {
        let tiny: Vec<Vec<u8>> = (0..3000).map(|at| noise(at % 50)).collect();
        assert!(sampled(&layer(&tiny)).1);
        assert_eq!(sampled(&layer(&[Vec::new(), Vec::new()])), (0, true));
    }

    #[test]
    fn a_change_anywhere_in_a_piece_shows() {
        let bytes = noise(2 << 20);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let sample = |bytes: Vec<u8>| runtime.block_on(super::of(&layer(&[bytes]))).unwrap();
        for at in [0, (2 << 20) - 1] {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert!(sample(other) != sample(bytes.clone()), "byte {at}");
        }
    }
}
