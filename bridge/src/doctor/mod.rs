//! The doctor: walks the chain hop by hop and stops at the first that is broken. A walk does no IO; it names the evidence
//! it wants next or concludes, so that live evidence and evidence collected elsewhere are judged by the same code.
//!
//! 1. first token → 2. Entra token for our application → 3. exchange at Google's STS → 4. impersonation of the team's
//!    service account → 5. the registry → 6. the cluster.
//!
//! One file per check, named for the fault. A check looks at one refused hop and either recognises its fault or passes;
//! what no check recognises becomes [`hop_failed`]'s honest "this hop was refused, in these words".

mod application_not_in_tenant;
mod assignment_required;
mod audience_not_admitted;
mod caller;
mod certificate_unknown;
mod condition_rejects_subject;
mod conditional_access;
mod credential_refused;
mod evidence;
mod first_party_audience;
mod groups_overage;
mod hop_failed;
mod hops;
mod impersonation_not_granted;
mod issuer_differs;
mod managed_identity_not_found;
mod no_federated_credential;
pub mod offline;
mod refused_by_entra;
mod repository_write_not_granted;
mod teams;
pub mod way_back;

use jiff::Timestamp;
use serde::Serialize;

use crate::finding::Finding;
use crate::spec::{Bridge, Team};

pub use self::evidence::{Answer, Ask, Evidence, FirstToken, Hop, Probe, Sight};
pub use self::teams::teams_of;

/// One walk along the chain, for a caller who ships for one team.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    /// The bridge as declared.
    pub bridge: &'a Bridge,
    /// The team that is shipped for.
    pub team: &'a Team,
    /// The current time.
    pub now: Timestamp,
}

/// What a walk does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It wants this evidence.
    Ask(Ask),
    /// It has concluded.
    Done(Diagnosis),
}

/// What a walk concludes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// What is wrong. Empty: nothing that could be seen.
    pub findings: Vec<Finding>,
    /// Every hop, in order.
    pub hops: Vec<HopReport>,
}

/// How one hop fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HopReport {
    /// Which one.
    pub hop: Hop,
    /// How it fared.
    pub outcome: Outcome,
    /// One line for people: what was seen, or why nothing was.
    pub detail: String,
}

/// How a hop can fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Sound,
    /// It was refused.
    Broken,
    /// It could not be seen.
    Unseen,
    /// An earlier hop is broken, so this one was not tried.
    NotReached,
}

/// What looking at one hop gives.
enum Verdict {
    Need(Ask),
    Sound(String),
    Unseen(String),
    Broken(Box<Finding>),
}

/// Looks at one hop.
type Look = fn(&Walk<'_>, &Evidence) -> Verdict;

/// Every hop with the function that looks at it, in the order of the walk.
const HOPS: [(Hop, Look); 6] = [
    (Hop::FirstToken, hops::first_token),
    (Hop::EntraToken, hops::entra_token),
    (Hop::Exchange, hops::exchange),
    (Hop::Impersonation, hops::impersonation),
    (Hop::Registry, hops::registry),
    (Hop::Cluster, hops::cluster),
];

impl Walk<'_> {
    /// The next step, given everything seen so far.
    pub fn next(&self, evidence: &Evidence) -> Step {
        let mut diagnosis = Diagnosis { findings: Vec::new(), hops: Vec::new() };
        for (hop, look) in HOPS {
            let (outcome, detail) = if diagnosis.is_broken() {
                (Outcome::NotReached, "an earlier hop is broken".to_owned())
            } else {
                match look(self, evidence) {
                    Verdict::Need(ask) => return Step::Ask(ask),
                    Verdict::Sound(detail) => (Outcome::Sound, detail),
                    Verdict::Unseen(detail) => (Outcome::Unseen, detail),
                    Verdict::Broken(finding) => {
                        let detail = finding.summary.clone();
                        diagnosis.findings.push(*finding);
                        (Outcome::Broken, detail)
                    }
                }
            };
            diagnosis.hops.push(HopReport { hop, outcome, detail });
        }
        Step::Done(diagnosis)
    }
}

impl Diagnosis {
    /// Whether some hop is broken.
    pub fn is_broken(&self) -> bool {
        !self.findings.is_empty()
    }
}

#[cfg(test)]
mod tests;
