//! Finding what the tables know in a text: one pass over it, whatever the number of rows.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::table::{Pattern, Signature, signatures};
use super::text::Text;

/// Two pieces of one pattern lie at most this far apart, in squeezed bytes.
const APART: usize = 400;

/// No piece is looked up at more places than this.
const PLACES: usize = 32;

/// A row that was found, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) signature: &'static Signature,
    /// Where its words begin and end in the squeezed text.
    pub(super) from: usize,
    pub(super) to: usize,
}

/// All pieces of all patterns, by how they begin.
struct Index {
    pieces: Vec<&'static [u8]>,
    by_head: HashMap<[u8; 3], Vec<usize>>,
    numbers: HashMap<&'static [u8], usize>,
}

static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index { pieces: Vec::new(), by_head: HashMap::new(), numbers: HashMap::new() };
    let patterns = signatures().iter().flat_map(|row| &row.says);
    for piece in patterns.flat_map(|Pattern(pieces)| pieces).map(Vec::as_slice) {
        let Some(head) = piece.first_chunk::<3>() else { continue };
        if !index.numbers.contains_key(piece) {
            index.numbers.insert(piece, index.pieces.len());
            index.by_head.entry(*head).or_default().push(index.pieces.len());
            index.pieces.push(piece);
        }
    }
    index
});

/// Every row that the text holds, in the order of the tables.
pub(super) fn recognise(text: &Text) -> Vec<Hit> {
    let places = places(&text.squeezed);
    let mut hits = Vec::new();
    for signature in signatures() {
        let found = signature.says.iter().filter_map(|pattern| stretch(pattern, &places));
        let found = found.max_by_key(|(from, to)| (std::cmp::Reverse(*from), *to));
        let named = || is_code(text, signature).then_some((0, text.squeezed.len()));
        let word = || signature.words.iter().find_map(|word| text.word(word));
        if let Some((from, to)) = found.or_else(named).or_else(word) {
            hits.push(Hit { signature, from, to });
        }
    }
    hits
}

/// Whether the whole text is the row's code.
fn is_code(text: &Text, signature: &Signature) -> bool {
    let code = signature.code.to_ascii_lowercase();
    let number = code.strip_prefix("aadsts").is_some_and(|number| number == text.words);
    !code.is_empty() && (text.words == code || number)
}

/// Where each piece stands.
fn places(squeezed: &[u8]) -> Vec<Vec<usize>> {
    let mut places = vec![Vec::new(); INDEX.pieces.len()];
    for at in 0..squeezed.len() {
        let Some(rest) = squeezed.get(at..) else { break };
        let candidates = rest.first_chunk::<3>().and_then(|head| INDEX.by_head.get(head));
        for number in candidates.into_iter().flatten() {
            let Some(piece) = INDEX.pieces.get(*number) else { continue };
            let before = at.checked_sub(1).and_then(|at| squeezed.get(at));
            if rest.starts_with(piece) && ends_there(piece, before, rest.get(piece.len())) {
                if let Some(places) = places.get_mut(*number).filter(|places| places.len() < PLACES) {
                    places.push(at);
                }
            }
        }
    }
    places
}

/// `aadsts70021` is not the beginning of `aadsts700213`, and `403` not the end of `1403`.
fn ends_there(piece: &[u8], before: Option<&u8>, after: Option<&u8>) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    !(digit(piece.last()) && digit(after)) && !(digit(piece.first()) && digit(before))
}

/// The first place at which all pieces follow each other.
fn stretch(Pattern(pieces): &Pattern, places: &[Vec<usize>]) -> Option<(usize, usize)> {
    let of = |piece: &Vec<u8>| INDEX.numbers.get(piece.as_slice()).and_then(|number| places.get(*number));
    let (first, rest) = pieces.split_first()?;
    of(first)?.iter().find_map(|start| {
        let mut end = start + first.len();
        for piece in rest {
            let next = of(piece)?.iter().find(|at| **at >= end && **at <= end + APART)?;
            end = next + piece.len();
        }
        Some((*start, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        let hits = recognise(&Text::read(text.as_bytes()));
        hits.iter().map(|hit| hit.signature.code).filter(|code| !code.is_empty()).collect()
    }

    #[test]
    fn a_number_is_a_whole_number() {
        assert!(codes("AADSTS70021: No").contains(&"AADSTS70021"));
        assert!(!codes("AADSTS700213: No").contains(&"AADSTS70021"));
        assert!(codes("{\"error_codes\":[700213],\"x\":1}").contains(&"AADSTS700213"));
        assert!(codes("https://login.microsoftonline.com/error?code=700024").contains(&"AADSTS700024"));
    }

    #[test]
    fn a_code_alone_is_enough() {
        assert!(codes("invalid_target").contains(&"invalid_target"));
        assert!(codes("keybasedauthenticationnotpermitted").contains(&"KeyBasedAuthenticationNotPermitted"));
        assert!(codes(" AADSTS700213\n").contains(&"AADSTS700213"));
    }

    #[test]
    fn pieces_must_follow_each_other() {
        let far = format!("issuer in ID Token {} does not match the expected", "x ".repeat(3000));
        assert!(recognise(&Text::read(far.as_bytes())).is_empty());
    }
}
