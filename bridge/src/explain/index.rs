//! Looking many pieces up in one text: one pass over it, whatever their number.

use std::collections::HashMap;

/// Shorter pieces are not looked up.
pub(super) const SHORTEST: usize = 3;

/// No piece is found at more places than this.
const PLACES: usize = 32;

/// Pieces, by how they begin.
pub(super) struct Index {
    pieces: Vec<&'static [u8]>,
    by_head: HashMap<[u8; SHORTEST], Vec<usize>>,
    numbers: HashMap<&'static [u8], usize>,
}

impl Index {
    /// An index of all pieces, each once.
    pub(super) fn of(pieces: impl Iterator<Item = &'static [u8]>) -> Self {
        let mut index = Self { pieces: Vec::new(), by_head: HashMap::new(), numbers: HashMap::new() };
        for piece in pieces {
            let Some(head) = piece.first_chunk::<SHORTEST>() else { continue };
            if !index.numbers.contains_key(piece) {
                index.numbers.insert(piece, index.pieces.len());
                index.by_head.entry(*head).or_default().push(index.pieces.len());
                index.pieces.push(piece);
            }
        }
        index
    }

    /// The number of a piece, under which its places are found.
    pub(super) fn number(&self, piece: &[u8]) -> Option<usize> {
        self.numbers.get(piece).copied()
    }

    /// Where each piece stands. `whole` is asked about a piece and its neighbours.
    pub(super) fn places(&self, text: &[u8], whole: fn(&[u8], [Option<u8>; 2]) -> bool) -> Vec<Vec<usize>> {
        let mut places = vec![Vec::new(); self.pieces.len()];
        for at in 0..text.len() {
            let Some(rest) = text.get(at..) else { break };
            let candidates = rest.first_chunk::<SHORTEST>().and_then(|head| self.by_head.get(head));
            for number in candidates.into_iter().flatten() {
                let Some(piece) = self.pieces.get(*number) else { continue };
                if !rest.starts_with(piece) {
                    continue;
                }
                let before = at.checked_sub(1).and_then(|at| text.get(at)).copied();
                let found = places.get_mut(*number).filter(|places| places.len() < PLACES);
                if let Some(found) = found.filter(|_| whole(piece, [before, rest.get(piece.len()).copied()]))
                {
                    found.push(at);
                }
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_up_to_a_bound() {
        let index = Index::of([&b"abc"[..], b"bcd", b"abc", b"ab"].into_iter());
        let places = index.places(b"abcd-abc", |_, _| true);
        assert_eq!(places, [vec![0, 5], vec![1]]);
        assert_eq!(index.number(b"ab"), None);
        let many = index.places(&b"abc".repeat(100), |_, _| true);
        assert_eq!(many[0].len(), PLACES);
        assert!(index.places(b"abc", |_, [before, after]| before.is_some() || after.is_some())[0].is_empty());
    }
}
