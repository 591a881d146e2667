//! Taking everything away that carries our mark: a plan of deletions, carried out like any other.

use super::apply::{ApplyError, Report, apply};
use crate::inventory::Facts;
use crate::plan::Plan;
use crate::port::{SetUp, Time, Watch};
use crate::spec::Bridge;

/// Carries out a plan made by [`crate::plan::destroy_plan`]. What is gone already counts as done, so that an
/// interrupted run is continued by running again.
pub async fn destroy(
    bridge: &Bridge,
    facts: &Facts,
    plan: &Plan,
    set_up: &impl SetUp,
    time: &impl Time,
    watch: &impl Watch,
) -> Result<Report, ApplyError> {
    apply(bridge, facts, plan, set_up, time, watch).await
}
