//! `gangplank apply`: preflight, then the plan, change by change.

use bridge::act::{self, ApplyError};
use bridge::plan::{Plan, needs};
use bridge::port::SetUp as _;
use clouds::Administrator;

use super::{connect, plan};
use crate::args::SetUp;
use crate::context::Context;
use crate::edge::SystemTime;
use crate::output::{Progress, print};
use crate::report::{Exit, Failure, refused_set_up};

/// Makes the changes that `plan` shows.
pub async fn run(context: &Context, flags: &SetUp) -> Result<Exit, Failure> {
    let administrator = connect::administrator(context, &flags.administrate).await?;
    let purpose = plan::purpose(flags);
    let seen = plan::look(context, &purpose, &administrator).await?;
    if !seen.plan.obstacles.is_empty() {
        print(context.format, &seen.plan);
        return Err(Failure::denied("something is in the way of the plan; nothing was changed"));
    }
    if seen.plan.is_empty() {
        print(context.format, &seen.plan);
        return Ok(Exit::Fine);
    }
    preflight(context, &administrator, &seen.plan).await?;
    let progress = Progress::new(context.format);
    let edge = (&SystemTime, &progress);
    let report = act::carry_out(&context.bridge, &seen, &purpose, &administrator, edge)
        .await
        .map_err(|error| stopped(context, &error, "apply"))?;
    drop(progress);
    print(context.format, &report);
    Ok(Exit::Fine)
}

/// Names every right the log-ins lack, before anything is written.
pub(super) async fn preflight(
    context: &Context,
    administrator: &Administrator,
    plan: &Plan,
) -> Result<(), Failure> {
    let missing = administrator
        .missing(&context.bridge, &needs(plan))
        .await
        .map_err(|error| refused_set_up("ask what the log-ins may do", &error))?;
    if missing.is_empty() {
        return Ok(());
    }
    print(context.format, &missing);
    Err(Failure::denied(format!("{} rights are missing; nothing was changed", missing.len())))
}

/// An act that stopped, worded.
pub(super) fn stopped(context: &Context, error: &ApplyError, command: &str) -> Failure {
    let failure = Failure::failed("the plan was not carried out in full").because(error);
    let failure = match error {
        ApplyError::Obstacles(_) => failure,
        ApplyError::Unshown { changes, obstacles, .. } => {
            let keys = changes.iter().map(|change| format!("{} `{}`", change.action.verb(), change.key));
            let in_the_way = obstacles.iter().map(|obstacle| format!("`{}` is in the way", obstacle.key));
            let all: Vec<String> = keys.chain(in_the_way).collect();
            failure.hint(format!("look at what is new with `gangplank plan`: {}", all.join(", ")))
        }
        ApplyError::Outdated { source, .. } | ApplyError::Failed { source, .. } => {
            failure.answered(source).constrained(&context.bridge, source)
        }
    };
    match error.report() {
        Some(report) => failure.hint(format!(
            "{} changes are made, {} are left: `gangplank {command}` goes on",
            report.done.len(),
            report.left.len()
        )),
        None => failure,
    }
}
