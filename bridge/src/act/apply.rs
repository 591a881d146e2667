//! Carrying out a plan: in the order that the plan has, several changes at a time where none waits for another.
//!
//! 0. Changes of one rank are a wave; a wave begins when the one before has ended.
//! 1. What fails for the moment (throttled, unavailable) is tried again, with growing pauses and an end.
//! 2. What the clouds do not know everywhere yet is waited for, up to a deadline: identities take minutes to spread.
//! 3. Anything else stops the act. What was done is said; running again plans the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt};

use crate::inventory::Facts;
use crate::plan::{Action, Change, Outputs, Plan};
use crate::port::{Event, PortError, Refused, SetUp, Time, Watch};
use crate::resource::Resource;
use crate::spec::Bridge;

/// Changes under way at the same time. Both clouds allow some hundred writes a minute.
const AT_ONCE: usize = 8;

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
    /// Going on would take more than the plan that was shown.
    #[error(
        "both clouds changed since the plan was made: going on would take {} changes that it did not show; plan again",
        .changes.len() + .obstacles.len()
    )]
    Unshown {
        /// The changes that were not shown.
        changes: Vec<Change>,
        /// What came in the way.
        obstacles: Vec<crate::plan::Obstacle>,
        /// How far the act came.
        report: Box<Report>,
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
            Self::Outdated { report, .. } | Self::Failed { report, .. } | Self::Unshown { report, .. } => {
                Some(report)
            }
        }
    }

    /// The same error, after earlier rounds that did `before`.
    pub(super) fn after(mut self, before: Vec<Change>) -> Self {
        match &mut self {
            Self::Obstacles(_) => {}
            Self::Outdated { report, .. } | Self::Failed { report, .. } | Self::Unshown { report, .. } => {
                let own = std::mem::replace(&mut report.done, before);
                report.done.extend(own);
            }
        }
        self
    }

    /// Whether the same command may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Obstacles(_) | Self::Unshown { .. } => false,
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
    let state = State { outputs: Outputs::known(facts), ..State::default() };
    let run = Run { bridge, facts, set_up, time, watch, state: Mutex::new(state) };
    for wave in waves(&plan.changes) {
        let lanes = lanes(wave).into_iter().map(|lane| run.lane(lane).boxed());
        // What is under way when something fails is let finish: half a change is nobody's wish.
        stream::iter(lanes).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        if !run.state().failed.is_empty() {
            break;
        }
    }
    run.ended(&plan.changes)
}

/// A change and its place in the plan.
type Placed<'a> = (usize, &'a Change);

/// The changes in runs that may be made together: of one rank, all making or all taking away.
fn waves(changes: &[Change]) -> Vec<Vec<Placed<'_>>> {
    let mut waves: Vec<Vec<Placed<'_>>> = Vec::new();
    let mut last = None;
    for (index, change) in changes.iter().enumerate() {
        let kind = (change.action.resource().rank(), is_deletion(change));
        match waves.last_mut() {
            Some(wave) if last == Some(kind) => wave.push((index, change)),
            _ => waves.push(vec![(index, change)]),
        }
        last = Some(kind);
    }
    waves
}

/// A wave's changes, those together that must not be written by two at a time.
fn lanes(wave: Vec<Placed<'_>>) -> Vec<Vec<Placed<'_>>> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut lanes: Vec<Vec<Placed<'_>>> = Vec::new();
    for placed in wave {
        let lane = *places.entry(placed.1.action.resource().written_with()).or_insert(lanes.len());
        match lanes.get_mut(lane) {
            Some(lane) => lane.push(placed),
            None => lanes.push(vec![placed]),
        }
    }
    lanes
}

/// What one run of an act works with.
struct Run<'a, S, T, W> {
    bridge: &'a Bridge,
    facts: &'a Facts,
    set_up: &'a S,
    time: &'a T,
    watch: &'a W,
    state: Mutex<State<'a>>,
}

/// What the changes of a run share.
#[derive(Default)]
struct State<'a> {
    outputs: Outputs,
    /// The places of what is done.
    done: BTreeSet<usize>,
    /// What failed, by place.
    failed: BTreeMap<usize, PortError>,
    /// What this run made and the clouds may not know everywhere yet.
    made: Vec<&'a Resource>,
    /// A service asked for a pause until then; everybody keeps it.
    pause: Option<jiff::Timestamp>,
}

impl<'a, S: SetUp, T: Time, W: Watch> Run<'a, S, T, W> {
    fn state(&self) -> MutexGuard<'_, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes changes that must not be made at the same time.
    async fn lane(&self, lane: Vec<Placed<'a>>) {
        for (index, change) in lane {
            if !self.state().failed.is_empty() {
                return;
            }
            self.watch.event(step(change));
            match self.make(change).await {
                Ok(()) => drop(self.state().done.insert(index)),
                Err(refusal) => drop(self.state().failed.insert(index, refusal)),
            }
        }
    }

    async fn make(&self, change: &'a Change) -> Result<(), PortError> {
        let began = self.time.now();
        let mut failures = 0;
        let mut pause = FIRST_PAUSE;
        loop {
            self.keep_still().await;
            let refusal = match self.perform(change).await {
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
            if refusal.kind == Refused::Throttled {
                let until = self.time.now().checked_add(length).ok();
                let mut state = self.state();
                state.pause = state.pause.max(until);
            } else {
                self.time.sleep(length).await;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        if makes_something_new(&change.action) {
            self.state().made.push(change.action.resource());
        }
        Ok(())
    }

    /// Waits as long as a service asked anybody of this run to.
    async fn keep_still(&self) {
        loop {
            let (now, until) = (self.time.now(), self.state().pause);
            match until {
                Some(until) if until > now => {
                    let length = Duration::try_from(until.duration_since(now)).unwrap_or_default();
                    self.time.sleep(length).await;
                }
                _ => return,
            }
        }
    }

    async fn perform(&self, change: &Change) -> Result<(), PortError> {
        let before = self.state().outputs.clone();
        let mut outputs = before.clone();
        let outcome = self.set_up.perform(self.bridge, self.facts, change, &mut outputs).await;
        if outputs != before {
            self.state().outputs.take(outputs);
        }
        outcome
    }

    fn waited(&self, began: jiff::Timestamp) -> Duration {
        Duration::try_from(self.time.now().duration_since(began)).unwrap_or_default()
    }

    /// How long a refusal may be a matter of time: it speaks of something missing, or of a right, and something this
    /// change refers to is younger than the clouds are quick.
    fn patience(&self, change: &Change, refusal: &PortError) -> Duration {
        let fresh = self.state().made.iter().any(|made| change.action.resource().depends_on(made));
        match refusal.kind {
            Refused::NotFound | Refused::Denied if fresh => PROPAGATION,
            Refused::Invalid if fresh && speaks_of_absence(refusal) => PROPAGATION,
            Refused::NotFound => PROPAGATION_OF_EARLIER,
            Refused::Invalid if speaks_of_absence(refusal) => PROPAGATION_OF_EARLIER,
            _ => Duration::ZERO,
        }
    }

    /// What became of the plan.
    fn ended(self, changes: &[Change]) -> Result<Report, ApplyError> {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut report = Report { outputs: state.outputs, ..Report::default() };
        for (index, change) in changes.iter().enumerate() {
            let list = if state.done.contains(&index) { &mut report.done } else { &mut report.left };
            list.push(change.clone());
        }
        let failed = state.failed.pop_first();
        let failed = failed.and_then(|(index, source)| Some((changes.get(index)?.clone(), source)));
        let Some((change, source)) = failed else { return Ok(report) };
        let (change, report) = (Box::new(change), Box::new(report));
        Err(match source.kind {
            Refused::Conflict => ApplyError::Outdated { change, report, source },
            _ => ApplyError::Failed { change, report, source },
        })
    }
}

impl Outputs {
    /// Adds what became known.
    fn take(&mut self, later: Self) {
        self.application_id = later.application_id.or(self.application_id.take());
        self.application_object_id = later.application_object_id.or(self.application_object_id.take());
        self.service_principal_id = later.service_principal_id.or(self.service_principal_id.take());
        self.late.extend(later.late);
    }
}

fn makes_something_new(action: &Action) -> bool {
    matches!(action, Action::Create { .. } | Action::Undelete { .. } | Action::Adopt { deleted: true, .. })
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
    let named = format!("{} {}", change.action.verb(), change.key);
    let differences: Vec<String> = change.action.differences().iter().map(ToString::to_string).collect();
    let detail = if differences.is_empty() { named.clone() } else { differences.join("; ") };
    Event::Step { name: named, detail }
}
