//! `gangplank destroy`: removes what carries our mark, and nothing else.

use std::io::{BufRead, IsTerminal};

use bridge::act::{self, Purpose, Report};

use super::{apply, connect, plan};
use crate::args::{Destroy, Format};
use crate::context::Context;
use crate::edge::SystemTime;
use crate::output::{Human, Progress, print, say};
use crate::report::{Exit, Failure};

/// Removes everything this bridge made.
pub async fn run(context: &Context, flags: &Destroy) -> Result<Exit, Failure> {
    let administrator = connect::administrator(context, &flags.administrate).await?;
    let seen = plan::look(context, &Purpose::Nothing, &administrator).await?;
    let plan = &seen.plan;
    if plan.changes.is_empty() && plan.kept.is_empty() {
        say(&format!("nothing of bridge `{}` is left", context.bridge.name));
        return Ok(nothing_done(context));
    }
    say(plan.human().trim_end());
    if plan.changes.is_empty() {
        return Ok(nothing_done(context));
    }
    if !flags.yes {
        confirm(plan.changes.len()).await?;
    }
    apply::preflight(context, &administrator, plan).await?;
    let progress = Progress::new(context.format);
    let edge = (&SystemTime, &progress);
    let report = act::carry_out(&context.bridge, &seen, &Purpose::Nothing, &administrator, edge)
        .await
        .map_err(|error| apply::stopped(context, &error, "destroy"))?;
    drop(progress);
    print(context.format, &report);
    Ok(Exit::Fine)
}

/// Whoever reads stdout as data gets a document in any case.
fn nothing_done(context: &Context) -> Exit {
    if context.format != Format::Human {
        print(context.format, &Report::default());
    }
    Exit::Fine
}

/// Asks on a terminal. Reading blocks, so it has a thread of its own, and Ctrl-C is heard meanwhile.
async fn confirm(things: usize) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("nothing was destroyed: there is no terminal to ask on")
            .hint("--yes destroys without asking"));
    }
    say(&format!("destroy these {things} things? type `yes` to go on"));
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim() == "yes"
    });
    if answer.await.unwrap_or(false) { Ok(()) } else { Err(Failure::usage("nothing was destroyed")) }
}
