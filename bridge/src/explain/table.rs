//! The tables: which words mean what, why, and what to do. They are text files beside this one, a format of few signs,
//! so that whoever met an error can add it without knowing Rust.
//!
//! ```text
//! area sts                      what follows belongs to this part of the way
//! service Google STS            …and is said by this service
//! source https://…              …as that page or thread shows
//!
//! = invalid_target              a code of the service; may be empty
//! ~ target service … invalid    words it says, `…` for what varies; several lines are alternatives
//! w rbac; imds                  whole words, for those too short to be looked up within others
//! : object-missing 90, resource-name 80
//! > what the words mean
//! ```

use std::sync::LazyLock;

use super::text::squeeze;
use crate::finding::cause;

/// One thing that a service, a tool or a person says.
#[derive(Debug)]
pub(super) struct Signature {
    /// The part of the way it belongs to; where advice is looked up.
    pub(super) area: &'static str,
    /// Who says it.
    pub(super) service: &'static str,
    /// The service's own code, or nothing.
    pub(super) code: &'static str,
    /// The words, as alternatives.
    pub(super) says: Vec<Pattern>,
    /// Whole words, as further alternatives.
    pub(super) words: Vec<&'static str>,
    /// Which causes it had in the field, and how much it speaks for each, of a hundred.
    pub(super) causes: Vec<(&'static str, i32)>,
    /// What it means.
    pub(super) means: &'static str,
    /// Where it was seen.
    pub(super) source: &'static str,
}

/// Pieces that follow each other, with whatever varies between them.
#[derive(Debug)]
pub(super) struct Pattern(pub(super) Vec<Vec<u8>>);

/// All tables, in the order in which the way is walked.
const TABLES: [(&str, &str); 16] = [
    ("sts", include_str!("table/sts.txt")),
    ("provider", include_str!("table/provider.txt")),
    ("impersonation", include_str!("table/impersonation.txt")),
    ("registry", include_str!("table/registry.txt")),
    ("image", include_str!("table/image.txt")),
    ("gke", include_str!("table/gke.txt")),
    ("metadata", include_str!("table/metadata.txt")),
    ("entra", include_str!("table/entra.txt")),
    ("identity", include_str!("table/identity.txt")),
    ("acr", include_str!("table/acr.txt")),
    ("azure", include_str!("table/azure.txt")),
    ("storage", include_str!("table/storage.txt")),
    ("client", include_str!("table/client.txt")),
    ("network", include_str!("table/network.txt")),
    ("told", include_str!("table/told.txt")),
    ("topics", include_str!("table/topics.txt")),
];

static SIGNATURES: LazyLock<Vec<Signature>> = LazyLock::new(|| {
    let mut signatures = Vec::new();
    for (_, table) in TABLES {
        read(table, &mut signatures);
    }
    signatures
});

/// Every signature there is.
pub(super) fn signatures() -> &'static [Signature] {
    &SIGNATURES
}

/// The name of a class as [`cause`] spells it.
pub(super) fn class(name: &str) -> Option<&'static str> {
    cause::ALL.iter().copied().find(|class| *class == name)
}

/// `object-missing 90, resource-name 80` as pairs; what is not of that form is left out, and a test looks for it.
pub(super) fn weights(list: &str) -> Vec<(&'static str, i32)> {
    let pair = |item: &str| {
        let (name, weight) = item.trim().rsplit_once(' ')?;
        Some((class(name.trim())?, weight.parse().ok()?))
    };
    list.split(',').filter_map(pair).collect()
}

fn read(table: &'static str, into: &mut Vec<Signature>) {
    let (mut area, mut service, mut source) = ("", "", "");
    for line in table.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("area ") {
            area = name;
        } else if let Some(name) = line.strip_prefix("service ") {
            service = name;
        } else if let Some(page) = line.strip_prefix("source ") {
            source = page;
        } else if let Some(code) = line.strip_prefix('=') {
            let code = code.trim();
            let (says, words, causes) = (by_code(code), Vec::new(), Vec::new());
            into.push(Signature { area, service, code, says, words, causes, means: "", source });
        } else if let Some(last) = into.last_mut() {
            continued(last, line);
        }
    }
}

fn continued(signature: &mut Signature, line: &'static str) {
    if let Some(words) = line.strip_prefix('~') {
        signature.says.push(pattern(words));
    } else if let Some(words) = line.strip_prefix("w ") {
        signature.words.extend(words.split(';').map(str::trim));
    } else if let Some(list) = line.strip_prefix(':') {
        signature.causes = weights(list);
    } else if let Some(means) = line.strip_prefix('>') {
        signature.means = means.trim();
    }
}

fn pattern(words: &str) -> Pattern {
    Pattern(words.split('…').map(squeeze).filter(|piece| !piece.is_empty()).collect())
}

/// Entra's numbers are written in four ways, always with the same meaning.
fn by_code(code: &str) -> Vec<Pattern> {
    let Some(number) = code.strip_prefix("AADSTS") else { return Vec::new() };
    [format!("aadsts{number}"), format!("error_codes:[{number}"), format!("error?code={number}")]
        .iter()
        .map(|words| pattern(words))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_complete() {
        for row in signatures() {
            let name = format!("{} `{}` {:?}", row.area, row.code, row.means);
            assert!(!row.area.is_empty() && !row.service.is_empty() && !row.source.is_empty(), "{name}");
            assert!(!row.says.is_empty() || !row.code.is_empty(), "{name} says nothing");
            assert!(!row.causes.is_empty(), "{name} has no cause");
            assert!(!row.means.is_empty(), "{name} means nothing");
            for Pattern(pieces) in &row.says {
                assert!(!pieces.is_empty(), "{name}");
                let longest = pieces.iter().map(Vec::len).max().unwrap();
                assert!(longest >= 6 && pieces.iter().all(|piece| piece.len() >= 3), "{name}: too short");
            }
        }
        assert!(signatures().len() >= 300, "{}", signatures().len());
    }

    #[test]
    fn every_line_is_understood() {
        for (name, table) in TABLES {
            for (number, line) in table.lines().enumerate() {
                let at = format!("{name}.txt:{}: {line}", number + 1);
                match line.split_once(' ').unwrap_or((line, "")) {
                    (":", list) => assert_eq!(weights(list).len(), list.split(',').count(), "{at}"),
                    ("=" | "~" | "w" | ">" | "#" | "area" | "service" | "source" | "", _) => {}
                    _ => panic!("{at}"),
                }
            }
        }
    }

    #[test]
    fn no_two_rows_say_the_same() {
        let mut seen = std::collections::BTreeMap::new();
        for row in signatures() {
            for Pattern(pieces) in &row.says {
                if let Some(other) = seen.insert(pieces.clone(), row.means) {
                    panic!("said twice: {:?} and {other:?}", row.means);
                }
            }
        }
    }
}
