//! `gangplank destroy`: removes what carries our mark, and nothing else.

use std::io::{BufRead, IsTerminal};

use bridge::act;
use bridge::plan::{Plan, destroy_plan};

use super::{apply, connect, plan};
use crate::args::Destroy;
use crate::context::Context;
use crate::edge::SystemTime;
use crate::output::{Human, Progress, print, say};
use crate::report::{Exit, Failure};

/// Removes everything this bridge made.
pub async fn run(context: &Context, flags: &Destroy) -> Result<Exit, Failure> {
    let administrator = connect::administrator(context, &flags.administrate).await?;
    let seen = plan::look(context, &administrator).await?;
    let plan = destroy_plan(&seen.inventory);
    say(&plan.human());
    if plan.changes.is_empty() {
        return Ok(Exit::Fine);
    }
    if !flags.yes && !confirmed(&plan) {
        return Err(Failure::usage("nothing was destroyed"));
    }
    apply::preflight(context, &administrator, &plan).await?;
    let progress = Progress::new(context.format);
    let report = act::destroy(&context.bridge, &seen.facts, &plan, &administrator, &SystemTime, &progress)
        .await
        .map_err(|error| apply::stopped(&error, "destroy"))?;
    drop(progress);
    print(context.format, &report);
    Ok(Exit::Fine)
}

/// Asks on a terminal; elsewhere what was typed is meant.
fn confirmed(plan: &Plan) -> bool {
    if !std::io::stdin().is_terminal() {
        return true;
    }
    say(&format!("destroy these {} things? type `yes` to go on", plan.changes.len()));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
}
