//! `gangplank whoami`: which log-in is used and why, and who that is on both sides.

use super::connect;
use crate::context::Context;
use crate::output::print;
use crate::report::{Exit, Failure};

/// Crosses over and prints who one is; a no on the way is printed, too.
pub async fn run(context: &Context) -> Result<Exit, Failure> {
    let who = connect::who(context).await?;
    print(context.format, &who);
    Ok(match who.refusal() {
        None => Exit::Fine,
        Some(refusal) if refusal.passes => Exit::Failed,
        Some(_) => Exit::Denied,
    })
}
