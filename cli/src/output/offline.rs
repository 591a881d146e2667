//! What the doctor made of collected files, for people: the finding, other settings, and what was not given.

use std::fmt::Write;

use bridge::doctor::offline::Report;
use bridge::exhibit::Kind;

use super::Human;
use super::diagnosis::hop_line;

impl Human for Report {
    fn human(&self) -> String {
        let mut text = String::new();
        for file in &self.seen {
            let kinds: Vec<&str> = file.kinds.iter().map(|kind: &Kind| kind.words()).collect();
            let _ = writeln!(text, "read    {}: {}", file.file, kinds.join(", "));
        }
        for unread in &self.unread {
            let _ = writeln!(text, "unread  {}: {}", unread.file, unread.why);
        }
        for file in &self.holding_secrets {
            let _ = writeln!(
                text,
                "secret  {file}: holds one; it was not kept, and the file should not be passed on"
            );
        }
        if !self.hops.is_empty() {
            text.push('\n');
        }
        for hop in &self.hops {
            let _ = writeln!(text, "{}", hop_line(hop));
        }
        for finding in &self.findings {
            let _ = write!(text, "\n{}", finding.human());
            let _ = writeln!(text, "  {}, {}", word(&finding.severity), word(&finding.confidence));
        }
        if self.findings.is_empty() {
            text.push_str("\nnothing that was given is wrong\n");
        }
        for limit in &self.limits {
            let _ = writeln!(text, "\nnot seen: {limit}");
        }
        for (index, piece) in self.lacking.iter().enumerate() {
            let head = if index == 0 { "\nnot seen, and would decide most" } else { "not seen" };
            let _ =
                writeln!(text, "{head}: {}; without it {}\n  $ {}", piece.what, piece.limits, piece.command);
        }
        text
    }
}

/// A value as its JSON has it, `error`, `certain`.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|it| it.as_str().map(str::to_owned)).unwrap_or_default()
}
