//! `gangplank export terraform`: what the bridge wants, for Terraform and OpenTofu.

use bridge::plan::Plan;
use bridge::port::SetUp as _;

use super::connect;
use crate::args::Administrate;
use crate::context::Context;
use crate::output::{out, print};
use crate::report::{Exit, Failure, refused_set_up};

/// Prints one file. What Terraform will not make is looked up with an administrator's log-ins; nothing is changed.
pub(super) async fn run(context: &Context, flags: &Administrate) -> Result<Exit, Failure> {
    let bridge = &context.bridge;
    let administrator = connect::administrator(context, flags).await?;
    let facts = administrator.facts(bridge).await.map_err(|error| {
        refused_set_up("read the facts of both clouds", &error).constrained(bridge, &error)
    })?;
    match bridge::export::terraform(bridge, &facts) {
        Ok(text) => {
            out(&text);
            Ok(Exit::Fine)
        }
        Err(obstacles) => {
            print(context.format, &Plan { obstacles, ..Plan::default() });
            Err(Failure::denied("something is in the way of the bridge; nothing was exported"))
        }
    }
}
