//! The doctor's diagnosis, for people: the chain hop by hop, then each finding with the two values aligned.

use std::fmt::Write;

use bridge::doctor::{Diagnosis, HopReport, Outcome};
use bridge::finding::{Finding, Severity, Sourced};

use super::Human;

impl Human for Diagnosis {
    fn human(&self) -> String {
        let mut text = String::new();
        for hop in &self.hops {
            let _ = writeln!(text, "{}", hop_line(hop));
        }
        for finding in &self.findings {
            let _ = write!(text, "\n{}", finding.human());
        }
        for limit in &self.limits {
            let _ = writeln!(text, "\nnot seen: {limit}");
        }
        if self.findings.is_empty() {
            text.push_str("\nevery hop is sound\n");
        }
        text
    }
}

impl Human for Finding {
    fn human(&self) -> String {
        let sign = if self.severity == Severity::Warning { "warning: " } else { "" };
        let mut text = format!("{sign}{}: {}\n", self.code, self.summary);
        text.push_str(&compared(self.expected.as_ref(), self.found.as_ref()));
        let all = self.look.iter().map(|it| ("look", it)).chain(self.mend.iter().map(|it| ("mend", it)));
        for (kind, mend) in all {
            let _ = writeln!(text, "  {kind}: {}", mend.what);
            if let Some(command) = &mend.command {
                let _ = writeln!(text, "        $ {command}");
            }
        }
        let _ = writeln!(text, "  page: {}", self.page);
        text
    }
}

/// How an outcome stands at the beginning of a line.
pub(super) fn sign(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Sound => "ok",
        Outcome::Risky => "risky",
        Outcome::Broken => "BROKEN",
        Outcome::Unseen => "unseen",
        Outcome::NotReached => "-",
    }
}

pub(super) fn hop_line(report: &HopReport) -> String {
    let sign = sign(report.outcome);
    let hop = report.hop.name();
    format!("{sign:<7} {hop:<14} {}", report.detail)
}

/// The two values under each other, with a mark under the first character that differs.
fn compared(expected: Option<&Sourced>, found: Option<&Sourced>) -> String {
    let mut text = String::new();
    let row = |name: &str, it: &Sourced| format!("  {name:<8} {}   ({})\n", it.value, it.origin);
    if let Some(expected) = expected {
        text.push_str(&row("expected", expected));
    }
    if let Some(found) = found {
        text.push_str(&row("found", found));
    }
    if let (Some(expected), Some(found)) = (expected, found) {
        text.push_str(&mark(&expected.value, &found.value).unwrap_or_default());
    }
    text
}

/// A line that marks, under the second value, what of it differs from the first: from the first character that is not the
/// same to the last one.
fn mark(expected: &str, found: &str) -> Option<String> {
    let single = !expected.contains('\n') && !found.contains('\n');
    let (expected, found): (Vec<char>, Vec<char>) = (expected.chars().collect(), found.chars().collect());
    let begins = expected.iter().zip(&found).take_while(|(one, other)| one == other).count();
    // Values that differ from the first character on have nothing to be aligned by.
    if !single || begins == 0 || expected == found {
        return None;
    }
    let rest = expected.len().min(found.len()) - begins;
    let backwards = expected.iter().rev().zip(found.iter().rev()).take(rest);
    let ends = backwards.take_while(|(one, other)| one == other).count();
    let differs = "^".repeat((found.len() - begins - ends).max(1));
    Some(format!("  {:<8} {}{differs} differs\n", "", " ".repeat(begins)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_is_marked_where_it_begins() {
        let finding = Finding::new("google/audience-not-admitted", "audience-mismatch", "no")
            .expected("api://one", "provider")
            .found("api://two", "token");
        let text = finding.human();
        assert!(text.contains("  expected api://one   (provider)\n"), "{text}");
        assert!(text.contains("\n                 ^^^ differs\n"), "{text}");
    }

    #[test]
    fn what_is_the_same_at_both_ends_is_not_marked() {
        for (expected, found, marked) in [
            ("https://a/v2.0", "https://a/v2.0/", Some("              ^")),
            ("api://x/one", "api://y/one", Some("      ^")),
            ("aab", "ab", Some(" ^")),
            ("abc", "abc", None),
            ("abc", "xyz", None),
        ] {
            let line = marked.map(|marked| format!("  {:<8} {marked} differs\n", ""));
            assert_eq!(super::mark(expected, found), line, "{expected} {found}");
        }
    }
}
