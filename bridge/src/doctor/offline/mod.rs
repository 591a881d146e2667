//! The doctor without the clouds: from exhibits alone, for any chain, with or without a bridge.
//!
//! exhibits → [`case`] who, as whom, when → [`link`] which link the error text names → [`checks`] in the order of the
//! links, the named one first: what the text says was reached held until there. The first broken link is the finding; wide
//! settings are findings of their own, with the severity of a warning; what was not given is said, and what to give next.

mod case;
mod checks;
#[cfg(test)]
mod field_cases;
mod grants;
mod lacking;
mod link;
mod pod;
mod said;
#[cfg(test)]
mod tests;
mod wide;
mod words;

use serde::Serialize;

use self::case::Case;
use crate::exhibit::{Exhibits, Kind, Unread};
use crate::finding::{Confidence, Finding, Severity};

pub use self::lacking::Lacking;
pub use self::link::Link;

/// What was made of the files, and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The broken link first, then other settings that should not stay as they are.
    pub findings: Vec<Finding>,
    /// What each file was taken for.
    pub seen: Vec<SeenFile>,
    /// What nothing could be made of.
    pub unread: Vec<Unread>,
    /// What could not be seen, and how that limits the answer; the first would decide most.
    pub lacking: Vec<Lacking>,
    /// Files that hold a secret, which was not kept.
    pub holding_secrets: Vec<String>,
}

/// What a file was taken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SeenFile {
    /// The file.
    pub file: String,
    /// What it shows.
    pub kinds: Vec<Kind>,
}

/// Looks at one case and recognises its fault, or passes.
type Check = fn(&Case<'_>) -> Option<Finding>;

/// Judges the exhibits.
pub fn examine(exhibits: &Exhibits) -> Report {
    let case = Case::new(exhibits);
    let mut findings: Vec<Finding> = broken(&case).into_iter().collect();
    findings.extend(wide::settings(&case));
    let lacking = lacking::pieces(&case, findings.first());
    Report {
        findings,
        seen: seen(exhibits),
        unread: exhibits.unread.clone(),
        lacking,
        holding_secrets: exhibits.holding_secrets.clone(),
    }
}

impl Report {
    /// Whether some link is broken.
    pub fn is_broken(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// The first broken link. What was said names the link to begin with; where nothing there explains it, what the words alone
/// say stands before faults elsewhere, unless those were seen for certain.
fn broken(case: &Case<'_>) -> Option<Finding> {
    let named = link::said(case);
    let at_named = named.iter().find_map(|link| checks::at(*link).find_map(|check| check(case)));
    let elsewhere =
        || checks::all().filter(|(link, _)| !named.contains(link)).find_map(|(_, check)| check(case));
    if at_named.is_some() {
        return at_named;
    }
    let by_words = said::finding(case);
    match by_words {
        Some(said) if said.confidence >= Confidence::Likely => Some(said),
        said => elsewhere().or(said),
    }
}

fn seen(exhibits: &Exhibits) -> Vec<SeenFile> {
    let mut files: Vec<SeenFile> = Vec::new();
    for exhibit in &exhibits.all {
        match files.iter_mut().find(|it| it.file == exhibit.file) {
            Some(file) if file.kinds.contains(&exhibit.kind) => {}
            Some(file) => file.kinds.push(exhibit.kind),
            None => files.push(SeenFile { file: exhibit.file.clone(), kinds: vec![exhibit.kind] }),
        }
    }
    files
}
