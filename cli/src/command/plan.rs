//! `gangplank plan`: what has to change on both clouds, as a value.

use bridge::inventory::{Facts, Inventory};
use bridge::plan::Plan;
use bridge::port::SetUp;
use clouds::Administrator;

use super::connect;
use crate::args::Administrate;
use crate::context::Context;
use crate::output::print;
use crate::report::{Exit, Failure, refused_set_up};

/// What was seen on both clouds, and what follows.
pub(super) struct Seen {
    /// The facts.
    pub(super) facts: Facts,
    /// The live state.
    pub(super) inventory: Inventory,
    /// What has to change.
    pub(super) plan: Plan,
}

/// Prints the plan; drift unless it is empty.
pub async fn run(context: &Context, flags: &Administrate) -> Result<Exit, Failure> {
    let administrator = connect::administrator(context, flags).await?;
    let seen = look(context, &administrator).await?;
    print(context.format, &seen.plan);
    Ok(if seen.plan.is_empty() { Exit::Fine } else { Exit::Drift })
}

/// Reads both clouds and compares them with the bridge file.
pub(super) async fn look(context: &Context, administrator: &Administrator) -> Result<Seen, Failure> {
    let bridge = &context.bridge;
    let facts = administrator
        .facts(bridge)
        .await
        .map_err(|error| refused_set_up("read the facts of both clouds", &error))?;
    let (wanted, obstacles) = bridge::want::wanted(bridge, &facts);
    let inventory = administrator
        .observe(bridge, &facts, &wanted)
        .await
        .map_err(|error| refused_set_up("read what is set up on both clouds", &error))?;
    let plan = bridge::plan::plan(bridge, &wanted, obstacles, &inventory);
    Ok(Seen { facts, inventory, plan })
}
