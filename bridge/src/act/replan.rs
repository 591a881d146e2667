//! Carrying out a plan while others change the same things: what changed underneath is looked at anew and planned anew,
//! and the work goes on only as far as the plan that was shown reaches.

use std::collections::BTreeSet;
use std::time::Duration;

use super::apply::{ApplyError, Report, apply};
use crate::inventory::{Facts, Inventory};
use crate::plan::{Plan, UnknownKey, adoption, destroy_plan, plan_adopting};
use crate::port::{Event, PortError, SetUp, Time, Watch};
use crate::resource::ResourceKey;
use crate::spec::Bridge;

/// How often a plan is made anew, in all, because somebody else was faster.
const ROUNDS: u32 = 5;

/// The pause before looking again; whoever else is at work gets on meanwhile. Grows with every round.
const PAUSE: Duration = Duration::from_millis(250);

/// What a plan is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    /// Both clouds as declared; what these keys name is taken over.
    Declared {
        /// The keys, as they were typed.
        adopt: Vec<String>,
    },
    /// Nothing of ours left.
    Nothing,
}

/// What was seen on both clouds, and what follows.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The facts.
    pub facts: Facts,
    /// The live state.
    pub inventory: Inventory,
    /// What has to change.
    pub plan: Plan,
}

/// Why looking led to no plan.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The facts cannot be read.
    #[error("the facts of both clouds cannot be read")]
    Facts(#[source] PortError),
    /// The inventory cannot be read.
    #[error("what is set up on both clouds cannot be read")]
    Inventory(#[source] PortError),
    /// A key to take over names nothing.
    #[error(transparent)]
    Key(#[from] UnknownKey),
}

/// Reads both clouds and compares them with what the bridge declares.
pub async fn look(bridge: &Bridge, purpose: &Purpose, set_up: &impl SetUp) -> Result<Seen, LookError> {
    let facts = set_up.facts(bridge).await.map_err(LookError::Facts)?;
    let (wanted, obstacles) = crate::want::wanted(bridge, &facts);
    let adopt: BTreeSet<ResourceKey> = match purpose {
        Purpose::Declared { adopt } => adoption(adopt, &wanted)?,
        Purpose::Nothing => BTreeSet::new(),
    };
    // Whoever takes everything away looks for nothing but marks, and for what they hold.
    let looked_for = if *purpose == Purpose::Nothing { &[][..] } else { wanted.as_slice() };
    let inventory = set_up.observe(bridge, &facts, looked_for).await.map_err(LookError::Inventory)?;
    let mut plan = match purpose {
        Purpose::Declared { .. } => plan_adopting(bridge, &wanted, obstacles, &inventory, &adopt),
        Purpose::Nothing => destroy_plan(&inventory),
    };
    plan.names = facts
        .principals
        .values()
        .map(|principal| (principal.object_id.clone(), principal.display_name.clone()))
        .filter(|(_, name)| !name.is_empty())
        .collect();
    Ok(Seen { facts, inventory, plan })
}

/// Carries out the plan that was shown. Where somebody else changed what it rests on, looks again and goes on with what
/// is left of it; stops if that would take more than was shown.
pub async fn carry_out(
    bridge: &Bridge,
    shown: &Seen,
    purpose: &Purpose,
    set_up: &impl SetUp,
    (time, watch): (&impl Time, &impl Watch),
) -> Result<Report, ApplyError> {
    let mut done = Vec::new();
    let (mut facts, mut plan) = (shown.facts.clone(), shown.plan.clone());
    for round in 1.. {
        let (change, report, source) = match apply(bridge, &facts, &plan, set_up, time, watch).await {
            Err(ApplyError::Outdated { change, report, source }) => (change, report, source),
            Err(other) => return Err(other.after(done)),
            Ok(mut report) => {
                done.append(&mut report.done);
                return Ok(Report { done, ..report });
            }
        };
        if round >= ROUNDS {
            return Err(ApplyError::Outdated { change, report, source }.after(done));
        }
        done.extend(report.done.iter().cloned());
        watch.event(Event::Retry { what: change.summary(), why: source.to_string() });
        time.sleep(PAUSE * round).await;
        let seen = match look(bridge, purpose, set_up).await {
            Ok(seen) => seen,
            Err(problem) => {
                return Err(
                    ApplyError::Outdated { change, report, source: cause(problem, source) }.after(done)
                );
            }
        };
        let unshown = shown.plan.unshown(&seen.plan);
        let report = Report { done: Vec::new(), left: seen.plan.changes.clone(), outputs: report.outputs };
        if !unshown.is_empty() || !seen.plan.obstacles.is_empty() {
            let (obstacles, report) = (seen.plan.obstacles, Box::new(report));
            return Err(ApplyError::Unshown { changes: unshown, obstacles, report }.after(done));
        }
        (facts, plan) = (seen.facts, seen.plan);
    }
    Ok(Report { done, ..Report::default() })
}

fn cause(problem: LookError, before: PortError) -> PortError {
    match problem {
        LookError::Facts(source) | LookError::Inventory(source) => source,
        LookError::Key(_) => before,
    }
}
