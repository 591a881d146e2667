//! The doctor: walks the chain hop by hop and stops at the first that is broken. A walk does no IO; it names the evidence
//! it wants next or concludes, so that live evidence and evidence collected elsewhere are judged by the same code.
//!
//! 1. first token → 2. Entra token for our application → 3. exchange at Google's STS → 4. impersonation of the team's
//!    service account → 5. the registry → 6. the cluster → 7. the nodes' pull → 8. the Azure ML workspace → 9. the storage
//!    behind it. Once all of them hold, [`warnings`] looks for what lets in more than it should.
//!
//! One file per check, named for the fault. A check looks at one refused hop and either recognises its fault or passes;
//! what no check recognises becomes [`hop_failed`]'s honest "this hop was refused, in these words".

mod api_disabled;
mod application_not_in_tenant;
mod assertion_out_of_time;
mod assignment_required;
mod audience_not_admitted;
mod caller;
mod caller_disabled;
mod certificate_unknown;
mod chain;
mod cli_not_admitted;
mod cluster_refused;
mod condition_rejects_subject;
mod conditional_access;
mod credential_refused;
mod evidence;
mod exchange;
mod first_party_audience;
mod groups_overage;
mod hop_failed;
mod hops;
mod impersonation_not_granted;
mod issuer_differs;
mod issuer_keys;
mod issuer_keys_unusable;
mod managed_identity_not_found;
mod mapping_unusable;
mod member_differs;
mod models;
mod no_federated_credential;
mod not_in_step_yet;
pub mod offline;
mod places;
mod project_number_differs;
mod provider_not_live;
mod pull;
mod refused_by_entra;
mod repository_missing;
mod repository_write_not_granted;
mod service_account_down;
mod subject_too_long;
mod teams;
mod tenant_not_found;
mod token_out_of_time;
mod too_wide;
mod warnings;
pub mod way_back;
mod wrong_proof;

use jiff::Timestamp;
use serde::Serialize;

use self::warnings::Wide;
use crate::finding::{Finding, Severity};
use crate::spec::{Bridge, Team};

pub use self::chain::{Chain, Shown, Way};
pub use self::evidence::{
    Account, Answer, Ask, Evidence, FirstToken, Hop, Node, NodePool, Probe, Sight, Space, Store,
};
pub use self::places::{Places, Thing};
pub use self::teams::teams_of;

/// One walk along the chain.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    /// What the chain is held against.
    pub chain: Chain<'a>,
    /// The last hop to look at; `None` for all of them, and for what lets in too much.
    pub until: Option<Hop>,
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
    /// What could not be looked at although every hop holds, and what is therefore not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<String>,
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
    /// It holds, and lets in more than it should.
    Risky,
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
#[derive(Clone, Copy)]
enum Look {
    /// One that any chain has.
    Any(fn(&Chain<'_>, &Evidence) -> Verdict),
    /// One that is known only where a bridge declares it.
    Declared(fn(&Way<'_>, &Evidence) -> Verdict),
}

/// Every hop with the function that looks at it, in the order of the walk.
const HOPS: [(Hop, Look); 9] = [
    (Hop::FirstToken, Look::Any(hops::first_token)),
    (Hop::EntraToken, Look::Any(hops::entra_token)),
    (Hop::Exchange, Look::Any(exchange::look)),
    (Hop::Impersonation, Look::Any(hops::impersonation)),
    (Hop::Registry, Look::Declared(hops::registry)),
    (Hop::Cluster, Look::Declared(hops::cluster)),
    (Hop::Pull, Look::Declared(pull::look)),
    (Hop::Workspace, Look::Declared(models::workspace)),
    (Hop::Storage, Look::Any(models::storage)),
];

impl<'a> Walk<'a> {
    /// The walk for a caller who ships for one team of a bridge.
    pub fn declared(bridge: &'a Bridge, team: &'a Team, now: Timestamp) -> Self {
        Self { chain: Chain::Declared(Way { bridge, team, now }), until: None }
    }

    /// The same, no further than to a hop.
    #[must_use]
    pub fn until(self, hop: Option<Hop>) -> Self {
        Self { until: hop, ..self }
    }
}

impl Walk<'_> {
    /// The next step, given everything seen so far.
    pub fn next(&self, evidence: &Evidence) -> Step {
        let mut diagnosis = Diagnosis { findings: Vec::new(), hops: Vec::new(), limits: Vec::new() };
        for (hop, look) in HOPS.into_iter().filter(|(hop, _)| self.until.is_none_or(|last| *hop <= last)) {
            let look = |evidence| match (look, &self.chain) {
                (Look::Any(look), chain) => Some(look(chain, evidence)),
                (Look::Declared(look), Chain::Declared(way)) => Some(look(way, evidence)),
                (Look::Declared(_), Chain::Shown(_)) => None,
            };
            let (outcome, detail) = if diagnosis.is_broken() {
                (Outcome::NotReached, "an earlier hop is broken".to_owned())
            } else {
                let Some(verdict) = look(evidence) else { continue };
                match verdict {
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
        let Chain::Declared(way) = &self.chain else { return Step::Done(diagnosis) };
        if diagnosis.is_broken() || self.until.is_some() {
            return Step::Done(diagnosis);
        }
        match warnings::look(way, evidence) {
            Wide::Need(ask) => Step::Ask(ask),
            Wide::Seen { findings, limits } => {
                diagnosis.warn(findings);
                diagnosis.limits = limits;
                Step::Done(diagnosis)
            }
        }
    }

    /// Everything that can be asked for together with `ask`: attempts that stand on the same token, and whatever is read.
    /// The first of them is `ask`.
    pub fn together(&self, ask: Ask) -> Vec<Ask> {
        let Chain::Declared(Way { bridge, team, .. }) = &self.chain else { return vec![ask] };
        let google = &bridge.google;
        let project = || google.project.clone();
        let (pool, provider) = (bridge.federation.pool.clone(), bridge.federation.provider.clone());
        let service_account = bridge.service_account_email(&team.name);
        let repository = bridge.repository_of(team).to_owned();
        let location = google.region().to_owned();
        let scope = bridge.workspace_scope();
        let more = match &ask {
            Ask::Exchange { .. } => vec![
                Ask::Workspace { scope: scope.clone() },
                Ask::Storage { scope },
                Ask::Pool { project: project(), pool: pool.clone() },
                Ask::Provider { project: project(), pool, provider },
            ],
            Ask::Impersonation { .. } => vec![
                Ask::Upload {
                    project: project(),
                    location: location.clone(),
                    repository: repository.clone(),
                },
                Ask::ServiceAccount { project: project(), service_account: service_account.clone() },
                Ask::ServiceAccountPolicy { project: project(), service_account: service_account.clone() },
                Ask::RepositoryPolicy { project: project(), location, repository },
                Ask::ProjectPolicy { project: project() },
            ],
            Ask::Cluster { location, cluster, .. } => vec![Ask::Node {
                project: project(),
                location: location.clone(),
                cluster: cluster.clone(),
                service_account,
            }],
            _ => Vec::new(),
        };
        let last = self.until.unwrap_or(Hop::Storage);
        std::iter::once(ask).chain(more.into_iter().filter(|_| last == Hop::Storage)).collect()
    }
}

impl Diagnosis {
    /// Whether some hop is broken.
    pub fn is_broken(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Adds what is wide to the hops it is about.
    fn warn(&mut self, findings: Vec<(Hop, Finding)>) {
        for (hop, finding) in findings {
            for report in self.hops.iter_mut().filter(|report| report.hop == hop) {
                (report.outcome, report.detail) = (Outcome::Risky, finding.summary.clone());
            }
            self.findings.push(finding);
        }
    }
}

#[cfg(test)]
mod tests;
