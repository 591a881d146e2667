//! `gangplank plan`: what has to change on both clouds, as a value.

pub(super) use bridge::act::Seen;
use bridge::act::{self, LookError, Purpose};
use clouds::Administrator;

use super::connect;
use crate::args::SetUp;
use crate::context::Context;
use crate::output::{print, say};
use crate::report::{Exit, Failure, refused_set_up};

/// Prints the plan; drift unless it is empty.
pub async fn run(context: &Context, flags: &SetUp) -> Result<Exit, Failure> {
    let administrator = connect::administrator(context, &flags.administrate).await?;
    let seen = look(context, &purpose(flags), &administrator).await?;
    print(context.format, &seen.plan);
    if !seen.plan.changes.is_empty() && seen.plan.obstacles.is_empty() {
        let mut command = vec!["gangplank apply".to_owned()];
        command.extend(flags.adopt.iter().map(|key| format!("--adopt '{key}'")));
        say(&format!("`{}` makes these changes", command.join(" ")));
    }
    Ok(if seen.plan.is_empty() { Exit::Fine } else { Exit::Drift })
}

/// What `plan` and `apply` are for.
pub(super) fn purpose(flags: &SetUp) -> Purpose {
    Purpose::Declared { adopt: flags.adopt.clone() }
}

/// Reads both clouds and compares them with the bridge file.
pub(super) async fn look(
    context: &Context,
    purpose: &Purpose,
    administrator: &Administrator,
) -> Result<Seen, Failure> {
    let bridge = &context.bridge;
    act::look(bridge, purpose, administrator).await.map_err(|problem| match &problem {
        LookError::Facts(error) => {
            refused_set_up("read the facts of both clouds", error).constrained(bridge, error)
        }
        LookError::Inventory(error) => {
            refused_set_up("read what is set up on both clouds", error).constrained(bridge, error)
        }
        LookError::Key(unknown) => {
            let failure = Failure::usage(unknown.to_string());
            match &unknown.nearest {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`gangplank plan` prints the keys of what is in the way"),
            }
        }
    })
}
