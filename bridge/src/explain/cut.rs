//! Keeping a long log within bounds: what lies around the lines that speak of an error is read, the rest is not.

/// How much of an input is read, in bytes.
pub const READ: usize = 64 * 1024;

/// A log is cut up into pieces of this length, whatever its lines are like.
const PIECE: usize = 512;

/// What lies at either end is kept always: the first words and the last are often the ones that count.
const ENDS: usize = 8;

/// What a line that speaks of an error contains.
const MARKS: [&str; 16] = [
    "AADSTS",
    "denied",
    "DENIED",
    "forbidden",
    "Forbidden",
    "nauthorized",
    "nauthenticated",
    "invalid_",
    "rror",
    "RROR",
    "failed",
    "not found",
    "timeout",
    "unable to",
    "Unable to",
    "does not match",
];

/// The part of an input that is read, and whether that is not all of it.
pub(super) fn interesting(input: &[u8]) -> (Vec<u8>, bool) {
    if input.len() <= READ {
        return (input.to_vec(), false);
    }
    let pieces: Vec<&[u8]> = input.chunks(PIECE).collect();
    let mut wanted = vec![false; pieces.len()];
    let last = pieces.len().saturating_sub(1);
    let mut left = READ / PIECE;
    let mut keep = |at: usize| {
        if let Some(piece) = wanted.get_mut(at).filter(|piece| !**piece && left > 0) {
            *piece = true;
            left -= 1;
        }
    };
    (0..ENDS).for_each(|at| {
        keep(at);
        keep(last.saturating_sub(at));
    });
    // The end of a log is nearer to what went wrong than its beginning.
    for at in (0..pieces.len()).rev().filter(|at| pieces.get(*at).is_some_and(|piece| speaks(piece))) {
        keep(at);
        keep(at.saturating_sub(1));
        keep(at + 1);
    }
    let kept = pieces.iter().zip(&wanted).filter(|(_, wanted)| **wanted).map(|(piece, _)| *piece);
    (kept.collect::<Vec<_>>().concat(), true)
}

fn speaks(piece: &[u8]) -> bool {
    let text = String::from_utf8_lossy(piece);
    MARKS.iter().any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_read_whole() {
        assert_eq!(interesting(b"short"), (b"short".to_vec(), false));
    }

    #[test]
    fn the_line_that_counts_is_found_in_a_long_log() {
        let mut log = b"nothing of interest here, 200 OK\n".repeat(30_000);
        let middle = log.len() / 2;
        log.splice(middle..middle, b"permission denied on THIS one\n".iter().copied());
        let (read, cut) = interesting(&log);
        assert!(cut && read.len() <= READ);
        assert!(String::from_utf8(read).unwrap().contains("denied on THIS one"));
    }

    #[test]
    fn a_log_of_nothing_but_errors_stays_within_bounds() {
        let (read, cut) = interesting(&b"error denied ".repeat(100_000));
        assert!(cut && read.len() <= READ, "{}", read.len());
    }
}
