//! The doctor's diagnosis, for people: the chain hop by hop, then each finding with the two values aligned.

use std::fmt::Write;

use bridge::doctor::{Diagnosis, Hop, HopReport, Outcome};
use bridge::finding::{Finding, Sourced};

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
        if self.findings.is_empty() {
            text.push_str("\nevery hop is sound\n");
        }
        text
    }
}

impl Human for Finding {
    fn human(&self) -> String {
        let mut text = format!("{}: {}\n", self.code, self.summary);
        text.push_str(&compared(self.expected.as_ref(), self.found.as_ref()));
        for mend in &self.mend {
            let _ = writeln!(text, "  mend: {}", mend.what);
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
        Outcome::Broken => "BROKEN",
        Outcome::Unseen => "unseen",
        Outcome::NotReached => "-",
    }
}

fn hop_line(report: &HopReport) -> String {
    let sign = sign(report.outcome);
    let hop = match report.hop {
        Hop::FirstToken => "first token",
        Hop::EntraToken => "Entra token",
        Hop::Exchange => "exchange",
        Hop::Impersonation => "impersonation",
        Hop::Registry => "registry",
        Hop::Cluster => "cluster",
    };
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
        let same =
            expected.value.chars().zip(found.value.chars()).take_while(|(one, other)| one == other).count();
        let single = !expected.value.contains('\n') && !found.value.contains('\n');
        // Values that differ from the first character on have nothing to be aligned by.
        if single && same > 0 && expected.value != found.value {
            let _ = writeln!(text, "  {:<8} {}^ differs from here", "", " ".repeat(same));
        }
    }
    text
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
        assert!(text.contains("\n                 ^ differs from here\n"), "{text}");
    }
}
