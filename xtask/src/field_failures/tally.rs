//! Counting: by cause class, confirmed cases and unconfirmed apart, the right cause first and among the first three.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Case;

/// How many cases there were, and how many were right.
#[derive(Default, Clone, Copy)]
struct Score {
    cases: usize,
    first: usize,
    third: usize,
}

/// The counts of one file of cases.
#[derive(Default)]
pub(super) struct Tally {
    /// By class: confirmed, then unconfirmed.
    classes: BTreeMap<String, [Score; 2]>,
    missed: Vec<String>,
}

impl Tally {
    /// Counts what was answered to a case.
    pub(super) fn count(&mut self, case: &Case, causes: &[String]) {
        let place = causes.iter().position(|cause| *cause == case.cause);
        let [confirmed, unconfirmed] = self.classes.entry(case.cause.clone()).or_default();
        let score = if case.confirmed { confirmed } else { unconfirmed };
        score.cases += 1;
        score.first += usize::from(place == Some(0));
        score.third += usize::from(place.is_some_and(|place| place < 3));
        if place.is_none_or(|place| place >= 3) {
            let said: Vec<&str> = causes.iter().take(3).map(String::as_str).collect();
            self.missed.push(format!("  {} is {}, said {}", case.id, case.cause, said.join(", ")));
        }
    }

    /// The counts as a table with its title.
    pub(super) fn table(&self, title: &str) -> String {
        let mut text = format!("{title}\n{:<22}{:^24}{:^24}\n", "", "confirmed", "unconfirmed");
        let _ = writeln!(text, "{:<22}{}{}", "cause", heads(), heads());
        let mut sums = [Score::default(); 2];
        for (class, scores) in &self.classes {
            let _ = writeln!(text, "{class:<22}{}", scores.map(cells).concat());
            for (sum, score) in sums.iter_mut().zip(scores) {
                sum.cases += score.cases;
                sum.first += score.first;
                sum.third += score.third;
            }
        }
        let _ = writeln!(text, "{:<22}{}", "all", sums.map(cells).concat());
        let [cases, first, third] =
            [|one: &Score| one.cases, |one: &Score| one.first, |one: &Score| one.third]
                .map(|part| sums.iter().map(part).sum::<usize>());
        let share = |part: usize| part * 1000 / cases.max(1);
        let (one, three) = (share(first), share(third));
        let _ = writeln!(
            text,
            "first: {first} of {cases} ({}.{} %), among three: {third} ({}.{} %)",
            one / 10,
            one % 10,
            three / 10,
            three % 10
        );
        for line in &self.missed {
            let _ = writeln!(text, "{line}");
        }
        text + "\n"
    }
}

fn heads() -> String {
    format!("{:>8}{:>8}{:>8}", "cases", "first", "three")
}

fn cells(score: Score) -> String {
    format!("{:>8}{:>8}{:>8}", score.cases, score.first, score.third)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(cause: &str, confirmed: bool) -> Case {
        Case { id: "X".to_owned(), symptom: String::new(), cause: cause.to_owned(), confirmed }
    }

    #[test]
    fn places_are_counted_apart() {
        let mut tally = Tally::default();
        let said = ["scope", "keys", "limit", "network"].map(str::to_owned);
        tally.count(&case("scope", true), &said);
        tally.count(&case("limit", false), &said);
        tally.count(&case("network", false), &said);
        let table = tally.table("title");
        assert!(table.contains("first: 1 of 3 (33.3 %), among three: 2 (66.6 %)"), "{table}");
        assert!(table.contains("X is network, said scope, keys, limit"), "{table}");
        assert!(table.contains("scope                        1       1       1       0"), "{table}");
    }
}
