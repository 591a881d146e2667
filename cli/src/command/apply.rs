//! `gangplank apply`: preflight, then the plan, change by change.

use bridge::act::{self, ApplyError};
use bridge::plan::{Plan, needs};
use bridge::port::SetUp;
use clouds::Administrator;

use super::{connect, plan};
use crate::args::Administrate;
use crate::context::Context;
use crate::edge::SystemTime;
use crate::output::{Progress, print};
use crate::report::{Exit, Failure, refused_set_up};

/// Makes the changes that `plan` shows.
pub async fn run(context: &Context, flags: &Administrate) -> Result<Exit, Failure> {
    let administrator = connect::administrator(context, flags).await?;
    let seen = plan::look(context, &administrator).await?;
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
    let report = act::apply(&context.bridge, &seen.facts, &seen.plan, &administrator, &SystemTime, &progress)
        .await
        .map_err(|error| stopped(&error, "apply"))?;
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
pub(super) fn stopped(error: &ApplyError, command: &str) -> Failure {
    let failure = Failure::failed("the plan was not carried out in full").because(error);
    let failure = match error {
        ApplyError::Obstacles(_) => failure,
        ApplyError::Outdated { source, .. } | ApplyError::Failed { source, .. } => failure.answered(source),
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
