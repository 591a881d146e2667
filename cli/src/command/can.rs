//! `gangplank can`: whether somebody may do something, and by which rule.

use bridge::act;
use bridge::can::{Question, Unclear, Who, Wish};
use bridge::port::Time;
use clouds::Sight;

use super::connect;
use crate::args::Can;
use crate::context::Context;
use crate::edge::SystemTime;
use crate::output::print;
use crate::report::{Exit, Failure};

/// Prints the answer; denied if it is no.
pub async fn run(context: &Context, flags: &Can) -> Result<Exit, Failure> {
    let bridge = &context.bridge;
    let (namespace, name) = (flags.namespace.as_deref(), flags.name.as_deref());
    let wish = Wish::parse(bridge, &flags.verb, &flags.what, namespace, name).map_err(unclear)?;
    let who = Who::new(&flags.who);
    // Whoever is nobody is said so before anybody is asked.
    who.resolve(bridge, None).map_err(unclear)?;
    let administrator = connect::administrator(context, &flags.administrate).await?;
    let question = Question { bridge, who, wish, now: SystemTime.now() };
    let sight = Sight { administrator: &administrator, bridge };
    let verdict = act::can::ask(&question, &sight).await.map_err(unclear)?;
    print(context.format, &verdict);
    Ok(if verdict.allowed { Exit::Fine } else { Exit::Denied })
}

fn unclear(problem: Unclear) -> Failure {
    Failure::usage(problem.problem).hint(problem.hint)
}
