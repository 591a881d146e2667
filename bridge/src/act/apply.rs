//! Carrying out a plan: one change after the other, as the plan has them.
//!
//! 1. What fails for the moment (throttled, unavailable) is tried again, with growing pauses and an end.
//! 2. What the clouds do not know everywhere yet is waited for, up to a deadline: identities take minutes to spread.
//! 3. Anything else stops the act. What was done is said; running again plans the rest.

use std::time::Duration;

use crate::inventory::Facts;
use crate::plan::{Action, Change, Outputs, Plan};
use crate::port::{Event, PortError, Refused, SetUp, Time, Watch};
use crate::resource::Resource;
use crate::spec::Bridge;

/// How often a change that failed for the moment is tried in all.
const ATTEMPTS: u32 = 6;

/// The first pause before trying again; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest pause that we choose. A service may ask for more, up to [`PATIENCE_WITH_THROTTLING`].
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// The longest pause that a service may ask for.
const PATIENCE_WITH_THROTTLING: Duration = Duration::from_mins(2);

/// How long something made in this run may take to be known everywhere. Google advises to allow seven minutes.
const PROPAGATION: Duration = Duration::from_mins(7);

/// The same for something that an earlier, interrupted run may have made just before.
const PROPAGATION_OF_EARLIER: Duration = Duration::from_mins(1);

/// What an act did and did not do.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The changes made, in order.
    pub done: Vec<Change>,
    /// The changes not made, in order; the first of them is the one that failed, if one did.
    pub left: Vec<Change>,
    /// Ids that came into being.
    pub outputs: Outputs,
}

/// Why an act stopped. Whatever it is, [`ApplyError::report`] says how far it came.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The plan says itself that it cannot be carried out.
    #[error("the plan has {} obstacles; nothing was changed", .0.len())]
    Obstacles(Vec<crate::plan::Obstacle>),
    /// The world is no longer what the plan was made for.
    #[error("`{}` failed because something changed since the plan was made; plan again", .change.summary())]
    Outdated {
        /// The change that failed.
        change: Box<Change>,
        /// How far the act came.
        report: Box<Report>,
        /// What the service said.
        source: PortError,
    },
    /// A service kept refusing or failing.
    #[error("`{}` failed; run again to continue from here", .change.summary())]
    Failed {
        /// The change that failed.
        change: Box<Change>,
        /// How far the act came.
        report: Box<Report>,
        /// What the service said last.
        source: PortError,
    },
}

impl ApplyError {
    /// How far the act came; `None` if it did not begin.
    pub fn report(&self) -> Option<&Report> {
        match self {
            Self::Obstacles(_) => None,
            Self::Outdated { report, .. } | Self::Failed { report, .. } => Some(report),
        }
    }

    /// Whether the same command may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Obstacles(_) => false,
            Self::Outdated { .. } => true,
            Self::Failed { source, .. } => source.is_transient(),
        }
    }
}

/// Carries out a plan. Chooses nothing; may be run again after any failure, on a plan made anew.
pub async fn apply(
    bridge: &Bridge,
    facts: &Facts,
    plan: &Plan,
    set_up: &impl SetUp,
    time: &impl Time,
    watch: &impl Watch,
) -> Result<Report, ApplyError> {
    if !plan.obstacles.is_empty() {
        return Err(ApplyError::Obstacles(plan.obstacles.clone()));
    }
    let mut run = Run { bridge, facts, set_up, time, watch, made: Vec::new() };
    let mut report = Report { done: Vec::new(), left: plan.changes.clone(), outputs: Outputs::known(facts) };
    for change in &plan.changes {
        watch.event(step(change));
        if let Err(source) = run.make(change, &mut report.outputs).await {
            let (change, report) = (Box::new(change.clone()), Box::new(report));
            return Err(match source.kind {
                Refused::Conflict => ApplyError::Outdated { change, report, source },
                _ => ApplyError::Failed { change, report, source },
            });
        }
        report.done.push(report.left.remove(0));
    }
    Ok(report)
}

/// What one run of an act works with.
struct Run<'a, S, T, W> {
    bridge: &'a Bridge,
    facts: &'a Facts,
    set_up: &'a S,
    time: &'a T,
    watch: &'a W,
    /// What this run made and the clouds may not know everywhere yet.
    made: Vec<&'a Resource>,
}

impl<'a, S: SetUp, T: Time, W: Watch> Run<'a, S, T, W> {
    async fn make(&mut self, change: &'a Change, outputs: &mut Outputs) -> Result<(), PortError> {
        let began = self.time.now();
        let mut failures = 0;
        let mut pause = FIRST_PAUSE;
        loop {
            let refusal = match self.set_up.perform(self.bridge, self.facts, change, outputs).await {
                Ok(()) => break,
                Err(refusal) if refusal.kind == Refused::NotFound && is_deletion(change) => break,
                Err(refusal) => refusal,
            };
            if refusal.is_transient() {
                failures += 1;
                if failures >= ATTEMPTS {
                    return Err(refusal);
                }
            } else if self.waited(began) >= self.patience(change, &refusal) {
                return Err(refusal);
            }
            let length =
                refusal.retry_after.map_or(pause, |asked| asked.clamp(pause, PATIENCE_WITH_THROTTLING));
            self.watch.event(Event::Retry { what: change.summary(), why: refusal.to_string() });
            self.time.sleep(length).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if matches!(change.action, Action::Create { .. } | Action::Undelete { .. }) {
            self.made.push(change.action.resource());
        }
        Ok(())
    }

    fn waited(&self, began: jiff::Timestamp) -> Duration {
        Duration::try_from(self.time.now().duration_since(began)).unwrap_or_default()
    }

    /// How long a refusal may be a matter of time: it speaks of something missing, or of a right, and something this
    /// change refers to is younger than the clouds are quick.
    fn patience(&self, change: &Change, refusal: &PortError) -> Duration {
        let fresh = self.made.iter().any(|made| change.action.resource().depends_on(made));
        match refusal.kind {
            Refused::NotFound | Refused::Denied if fresh => PROPAGATION,
            Refused::Invalid if fresh && speaks_of_absence(refusal) => PROPAGATION,
            Refused::NotFound => PROPAGATION_OF_EARLIER,
            Refused::Invalid if speaks_of_absence(refusal) => PROPAGATION_OF_EARLIER,
            _ => Duration::ZERO,
        }
    }
}

/// Both clouds call a principal that they do not know yet a bad request: `PrincipalNotFound` in Azure, "Service account
/// … does not exist" in Google.
fn speaks_of_absence(refusal: &PortError) -> bool {
    let absent = |text: &str| text.contains("NotFound") || text.contains("does not exist");
    refusal.code.as_deref().is_some_and(absent) || absent(&refusal.message)
}

fn is_deletion(change: &Change) -> bool {
    matches!(change.action, Action::Delete { .. })
}

fn step(change: &Change) -> Event {
    let detail = match &change.action {
        Action::Update { differences, .. } => {
            let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
            differences.join("; ")
        }
        _ => change.summary(),
    };
    Event::Step { name: change.summary(), detail }
}
