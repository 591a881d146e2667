//! The doctor without the clouds: the same walk, its questions answered from exhibits; for any chain, with or without a
//! bridge.
//!
//! exhibits → [`case`] who, as whom, when → [`expect`] what a bridge file among them declares, else what they name
//! themselves → [`answers`] the walk's hops → [`checks`] in the order of the links: each hop of the walk, and around it what
//! a walk never asks for. The link that the error text names comes first: what the text says was reached held until there.
//! The first broken link is the finding; wide settings are findings of their own, with the severity of a warning; what was
//! not given is said, and what to give next.

mod answers;
mod case;
mod checks;
mod expect;
#[cfg(test)]
mod field_cases;
mod grants;
mod lacking;
pub(crate) mod lent;
mod link;
mod pod;
mod said;
#[cfg(test)]
mod tests;
mod wide;
mod words;

use serde::Serialize;

use self::case::Case;
use self::expect::Expected;
use super::{Diagnosis, Hop, HopReport, Outcome};
use crate::exhibit::{Exhibits, Kind, Unread};
use crate::finding::{Confidence, Finding, Severity};

pub use self::expect::NoSuchTeam;
pub use self::lacking::Lacking;
pub use self::link::Link;

/// What was made of the files, and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The broken link first, then other settings that should not stay as they are.
    pub findings: Vec<Finding>,
    /// The hops of the declared chain, if a bridge file was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hops: Vec<HopReport>,
    /// What could not be looked at of the declared chain, and what is therefore not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
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

/// What walking gave.
enum Walked {
    /// Along the chain that a bridge declares.
    Declared(Diagnosis),
    /// Along the chain that the exhibits name; once taking the error text for an attempt, once with the settings alone.
    Shown { by_text: Diagnosis, by_settings: Diagnosis },
}

/// Judges the exhibits; against the chain of a team, if a bridge file is among them.
pub fn examine(exhibits: &Exhibits, team: Option<&str>) -> Result<Report, NoSuchTeam> {
    let case = Case::new(exhibits);
    let mut unread = exhibits.unread.clone();
    let expected = Expected::read(&case, team, &mut unread)?;
    let walked = walk(&case, expected.as_ref());
    let mut findings: Vec<Finding> = broken(&case, &walked).into_iter().collect();
    let (mut hops, mut limits) = (Vec::new(), Vec::new());
    if let Walked::Declared(diagnosis) = &walked {
        let warned = diagnosis.findings.iter().filter(|it| it.severity != Severity::Error);
        findings.extend(warned.cloned());
        (hops, limits) = (diagnosis.hops.clone(), diagnosis.limits.clone());
    }
    if let Some(Expected { team: None, .. }) = expected {
        limits.push(
            "the bridge file declares several teams: name one with --team, and its chain is walked"
                .to_owned(),
        );
    }
    for wide in wide::settings(&case) {
        if matches!(walked, Walked::Shown { .. }) || !findings.iter().any(|it| it.code == wide.code) {
            findings.push(wide);
        }
    }
    let lacking = lacking::pieces(&case, findings.first());
    let holding_secrets = exhibits.holding_secrets.clone();
    Ok(Report { findings, hops, limits, seen: seen(exhibits), unread, lacking, holding_secrets })
}

fn walk(case: &Case<'_>, expected: Option<&Expected>) -> Walked {
    if let Some(chain) = expected.and_then(|it| it.chain(case.now())) {
        return Walked::Declared(answers::walk(case, chain, true));
    }
    let shown = case.shown();
    let by_text = answers::walk(case, shown.clone().into(), true);
    Walked::Shown { by_text, by_settings: answers::walk(case, shown.into(), false) }
}

impl Walked {
    /// What is broken at a hop.
    fn at(&self, hop: Hop, named: bool) -> Option<&Finding> {
        let diagnosis = match self {
            Self::Declared(diagnosis) => diagnosis,
            Self::Shown { by_text, .. } if named => by_text,
            Self::Shown { by_settings, .. } => by_settings,
        };
        diagnosis.hops.iter().find(|it| it.hop == hop && it.outcome == Outcome::Broken)?;
        let finding = diagnosis.findings.iter().find(|it| it.severity == Severity::Error)?;
        // That a hop was refused in these words is what the text says anyway.
        (finding.confidence >= Confidence::Likely).then_some(finding)
    }

    /// What a declared walk found, if it saw both values; or, where a snapshot tells which attempt was refused, if the
    /// service's words say what it is.
    fn sure(&self, case: &Case<'_>) -> Option<&Finding> {
        let Self::Declared(diagnosis) = self else { return None };
        let told = case.of(Kind::Attempts).next().is_some();
        let enough = if told { Confidence::Likely } else { Confidence::Certain };
        diagnosis.findings.iter().find(|it| it.severity == Severity::Error && it.confidence >= enough)
    }

    /// A hop that was refused, and no more is known.
    fn refused(&self) -> Option<Finding> {
        let Self::Declared(diagnosis) = self else { return None };
        diagnosis.findings.iter().find(|it| it.severity == Severity::Error).cloned()
    }
}

impl Report {
    /// Whether some link is broken.
    pub fn is_broken(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// The first broken link. What a bridge's walk is sure of stands first. Else what was said names the link to begin
/// with; where nothing there explains it, what the words alone say stands before faults elsewhere, unless those were seen
/// for certain.
fn broken(case: &Case<'_>, walked: &Walked) -> Option<Finding> {
    if let Some(sure) = walked.sure(case) {
        return Some(sure.clone());
    }
    let named = link::said(case);
    let at_named =
        named.iter().find_map(|link| checks::at(*link).find_map(|row| row.look(case, walked, true)));
    let elsewhere = || {
        checks::all()
            .filter(|(link, _)| !named.contains(link))
            .find_map(|(_, row)| row.look(case, walked, false))
    };
    if at_named.is_some() {
        return at_named;
    }
    let by_words = said::finding(case);
    match by_words {
        Some(said) if said.confidence >= Confidence::Likely => Some(said),
        said => elsewhere().or_else(|| walked.refused()).or(said),
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
