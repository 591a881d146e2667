//! Finding what the tables know in a text: one pass over it, whatever the number of rows.

use std::cmp::Reverse;
use std::sync::LazyLock;

use super::index::Index;
use super::table::{Pattern, Signature, signatures};
use super::text::Text;

/// Two pieces of one pattern lie at most this far apart, in squeezed bytes.
const APART: usize = 400;

/// A row that was found, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) signature: &'static Signature,
    /// Where its words begin and end in the squeezed text.
    pub(super) from: usize,
    pub(super) to: usize,
}

/// All pieces of all patterns.
static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let patterns = signatures().iter().flat_map(|row| &row.says);
    Index::of(patterns.flat_map(|Pattern(pieces)| pieces).map(Vec::as_slice))
});

/// Every row that the text holds, in the order of the tables.
pub(super) fn recognise(text: &Text) -> Vec<Hit> {
    let places = INDEX.places(&text.squeezed, whole_numbers);
    let mut hits = Vec::new();
    for signature in signatures() {
        let found = signature.says.iter().filter_map(|pattern| stretch(pattern, &places));
        let found = found.max_by_key(|(from, to)| (Reverse(*from), *to));
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

/// `aadsts70021` is not the beginning of `aadsts700213`, and `403` not the end of `1403`.
fn whole_numbers(piece: &[u8], [before, after]: [Option<u8>; 2]) -> bool {
    let joined = |one: Option<u8>, other: Option<&u8>| {
        one.is_some_and(|byte| byte.is_ascii_digit()) && other.is_some_and(u8::is_ascii_digit)
    };
    !joined(before, piece.first()) && !joined(after, piece.last())
}

/// The first place at which all pieces follow each other.
fn stretch(Pattern(pieces): &Pattern, places: &[Vec<usize>]) -> Option<(usize, usize)> {
    let of = |piece: &Vec<u8>| INDEX.number(piece).and_then(|number| places.get(number));
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
