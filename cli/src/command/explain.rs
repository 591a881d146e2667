//! `gangplank explain`: an error text, or a code, in; its causes and mends out. Asks nobody and needs no bridge file.

use std::io::Read as _;
use std::path::PathBuf;

use bridge::doctor::offline::examine;
use bridge::explain::{Explanation, READ, Recognised, essence, explain};

use bridge::finding::{Finding, Severity};

use super::evidence;
use crate::args::{Explain, Format};
use crate::output::{explanation, out, print, say};
use crate::report::{Exit, Failure};

/// The pages of all findings, by their codes.
const PAGES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The finding of the doctor that comes from the error text alone.
const BY_WORDS: &str = "client/known-by-its-words";

/// Longer input is not taken, so that a log without end does not fill the memory.
const LONGEST: u64 = 16 * 1024 * 1024;

/// Explains what was typed, or what comes on stdin.
pub fn run(flags: &Explain, format: Format) -> Result<Exit, Failure> {
    let typed = flags.what.join(" ");
    if let Some((code, page)) = PAGES.iter().find(|(code, _)| *code == typed.trim()) {
        finding(code, page, format);
        return Ok(Exit::Fine);
    }
    let input = if typed == "-" { read()? } else { typed.into_bytes() };
    let explained = decided(explain(&input), &input, &flags.evidence)?;
    if explained.cut {
        say(&format!("the text is longer than {} KiB; what lies around its errors was read", READ / 1024));
    }
    print(format, &explained);
    Ok(Exit::Fine)
}

/// Lets evidence decide. What the doctor too has from the words alone decides nothing.
fn decided(explained: Explanation, text: &[u8], paths: &[PathBuf]) -> Result<Explanation, Failure> {
    if paths.is_empty() {
        return Ok(explained);
    }
    let exhibits = evidence::exhibits(paths, Some(String::from_utf8_lossy(text).into_owned()))?;
    for unread in &exhibits.unread {
        say(&format!("`{}` is left out: {}", unread.file, unread.why));
    }
    let report = examine(&exhibits, None).map_err(|problem| Failure::usage(problem.to_string()))?;
    let broken = report.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    let shown: Vec<Finding> = broken.filter(|finding| finding.code != BY_WORDS).collect();
    if shown.is_empty() {
        say("the evidence decides nothing; `gangplank doctor --evidence` says what is lacking");
    }
    Ok(explained.decided_by(&shown))
}

fn read() -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    let read = std::io::stdin().lock().take(LONGEST + 1).read_to_end(&mut input);
    read.map_err(|error| Failure::failed("cannot read the text from stdin").because(&error))?;
    if input.len() as u64 > LONGEST {
        say(&format!("only the first {} MiB were looked through", LONGEST / 1024 / 1024));
        input.truncate(input.len() - 1);
    }
    Ok(input)
}

/// A finding of ours: its page's essence for people, its causes for programs.
fn finding(code: &'static str, page: &str, format: Format) {
    let essence = essence(page);
    if format == Format::Human {
        out(&explanation::essence(&essence));
        return;
    }
    let mut explained = explain(page.as_bytes());
    explained.recognised.insert(0, Recognised::finding(code, essence.summary));
    print::<Explanation>(format, &explained);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_has_a_page_with_a_mend() {
        for code in bridge::finding::CODES {
            let page = PAGES.iter().find(|(name, _)| name == code).map(|(_, page)| *page);
            let essence = essence(page.unwrap());
            assert_eq!(essence.code, *code);
            assert!(!essence.summary.is_empty(), "{code}");
        }
    }
}
