//! The answer to `can`, for people: yes or no, then what each way takes.

use std::fmt::Write;

use bridge::can::{Check, Verdict, Way};

use super::Human;

impl Human for Verdict {
    fn human(&self) -> String {
        let word = if self.allowed { "yes" } else { "no" };
        let can = if self.allowed { "can" } else { "cannot" };
        let mut text = format!("{word}: {} {can} {}\n", self.who.name, self.what);
        if !self.settled {
            text.push_str("as far as could be seen and decided; see below what is open\n");
        }
        // Where one way is open, the closed ones are of no use to anybody.
        for way in self.ways.iter().filter(|way| way.allowed || !self.allowed) {
            let _ = write!(text, "\n{}", way_text(way));
        }
        let mut open = Vec::new();
        open.extend(self.who.notes.iter().cloned());
        let unseen = self.unseen.iter();
        open.extend(
            unseen.map(|it| format!("{} could not be seen ({}); it takes {}", it.what, it.why, it.right)),
        );
        if !open.is_empty() {
            text.push_str("\nopen:\n");
        }
        for line in open {
            let _ = writeln!(text, "  {line}");
        }
        text
    }
}

fn way_text(way: &Way) -> String {
    let mut text = match &way.through {
        Some(team) => format!("through team `{team}`, as {}\n", way.acting_as),
        None => format!("as {}\n", way.acting_as),
    };
    for check in &way.checks {
        text.push_str(&check_text(check));
    }
    text
}

fn check_text(check: &Check) -> String {
    let sign = match (check.allowed, check.settled) {
        (true, _) => "yes",
        (false, true) => "no",
        (false, false) => "open",
    };
    let mut text = format!("  {sign:<5}{}\n", check.needs);
    let lines = if check.allowed { &check.allowed_by } else { &check.because };
    for line in lines {
        let _ = writeln!(text, "       {line}");
    }
    if let Some(nearest) =
        check.nearest.as_ref().filter(|nearest| !lines.iter().any(|it| it.contains(*nearest)))
    {
        let _ = writeln!(text, "       nearest: {nearest}");
    }
    text
}
