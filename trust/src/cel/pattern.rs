//! `matches`: regular expressions, only as large as the length of the text allows.

use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use super::meter::Meter;
use super::problem::Problem;
use super::re2;

/// Bytes of a compiled pattern times bytes of a text: what one search may cost at worst.
const WORK: usize = 1 << 24;
/// Bytes that a compiled pattern may have, whatever the text.
const LARGEST: usize = 1 << 18;
/// What any pattern may have.
const SMALLEST: usize = 1 << 10;
/// What most patterns stay below; compiling a larger one takes far longer.
const ORDINARY: usize = 1 << 13;
/// Steps that compiling an ordinary pattern takes, on top of those for its characters.
const COMPILING: usize = 500;
/// Steps that a larger one takes on top.
const COMPILING_LARGE: usize = 20_000;
/// Steps for each class of Unicode's, which stands for hundreds of ranges.
const UNICODE_CLASS: usize = 3000;
/// Steps for each other class.
const CLASS: usize = 50;
/// Where letters' cases do not count, each class is folded: so many times the steps.
const FOLDED: usize = 7;
/// Bytes of the automaton that is made while searching.
const DFA_BYTES: usize = 1 << 20;
/// Groups within groups.
const MAX_NESTING: u32 = 50;

/// The patterns of one evaluation, compiled once each.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    compiled: HashMap<(String, usize), Regex>,
}

impl Patterns {
    /// Does `pattern` occur anywhere in `text`?
    pub(super) fn matches(&mut self, text: &str, pattern: &str, meter: &mut Meter) -> Result<bool, Problem> {
        let limit = (WORK / text.len().max(1)).clamp(SMALLEST, LARGEST).next_power_of_two() / 2;
        let key = (pattern.to_owned(), limit);
        if let Some(known) = self.compiled.get(&key) {
            meter.spend_on(text.len() * 4)?;
            return Ok(known.is_match(text));
        }
        let translated = re2::translate(pattern).ok_or_else(|| Unusable::Broken.problem())?;
        meter.spend(COMPILING + 4 * pattern.len() + classes(&translated))?;
        let compiled = match compile(&translated, limit.min(ORDINARY)) {
            Err(Unusable::TooLarge) if limit > ORDINARY => {
                meter.spend(COMPILING_LARGE)?;
                compile(&translated, limit)
            }
            other => other,
        };
        let compiled = compiled.map_err(Unusable::problem)?;
        meter.spend_on(text.len() * 4)?;
        let found = compiled.is_match(text);
        self.compiled.insert(key, compiled);
        Ok(found)
    }
}

/// Why a pattern is not searched for.
enum Unusable {
    Broken,
    TooLarge,
}

impl Unusable {
    fn problem(self) -> Problem {
        Problem::evaluation(match self {
            Self::Broken => "`matches`: the pattern is no regular expression of RE2",
            Self::TooLarge => "`matches`: the pattern is too large for the length of the text",
        })
    }
}

/// Steps for the classes of a translated pattern.
fn classes(translated: &str) -> usize {
    let count = |of: &str| translated.matches(of).count();
    let steps = UNICODE_CLASS * (count("\\p") + count("\\P")) + CLASS * (count("[") + count("."));
    let folded = translated.contains("(?") && translated.contains('i');
    if folded { FOLDED * steps } else { steps }
}

fn compile(translated: &str, limit: usize) -> Result<Regex, Unusable> {
    let mut builder = RegexBuilder::new(translated);
    builder.size_limit(limit).dfa_size_limit(DFA_BYTES).nest_limit(MAX_NESTING).build().map_err(|error| {
        match error {
            regex::Error::CompiledTooBig(_) => Unusable::TooLarge,
            _ => Unusable::Broken,
        }
    })
}
