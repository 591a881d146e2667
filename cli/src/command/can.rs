//! `gangplank can`: whether somebody may do something, and by which rule.

use bridge::act;
use bridge::can::{Collected, Question, Unclear, Who, Wish, caller_among};
use bridge::port::Time;
use clouds::Sight;

use super::{connect, evidence};
use crate::args::{Can, Common};
use crate::context::Context;
use crate::edge::SystemTime;
use crate::output::{print, say};
use crate::report::{Exit, Failure};

/// Stands for whoever the token among the evidence is.
const TOKEN: &str = "token";

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

/// Answers from files. The bridge file is the one among them, else the one that is named or lies here.
pub async fn from_evidence(common: &Common, flags: &Can) -> Result<Exit, Failure> {
    let exhibits = evidence::exhibits(&flags.evidence, None)?;
    for unread in &exhibits.unread {
        say(&format!("`{}` is left out: {}", unread.file, unread.why));
    }
    let bridge = match exhibits.bridge() {
        Some(Ok(bridge)) => bridge,
        Some(Err(unread)) => {
            let problem = format!("`{}` cannot be read: {}", unread.file, unread.why);
            return Err(
                Failure::usage(problem).hint("correct the bridge file, or leave it out of the evidence")
            );
        }
        None => Context::load(common)?.bridge,
    };
    let (namespace, name) = (flags.namespace.as_deref(), flags.name.as_deref());
    let wish = Wish::parse(&bridge, &flags.verb, &flags.what, namespace, name).map_err(unclear)?;
    let who = match flags.who.as_str() {
        TOKEN => Who::known(TOKEN, caller_among(&exhibits).ok_or_else(no_caller)?),
        typed => Who::new(typed),
    };
    let question = Question { bridge: &bridge, who, wish, now: SystemTime.now() };
    let seen = Collected { exhibits: &exhibits, bridge: &bridge };
    let verdict = act::can::ask(&question, &seen).await.map_err(unclear)?;
    print(common.output, &verdict);
    Ok(if verdict.allowed { Exit::Fine } else { Exit::Denied })
}

fn no_caller() -> Failure {
    Failure::usage("who is `token`: the evidence makes nobody, or several, of it").hint(
        "give one token's claims and the provider that takes it; or name WHO as IAM does, `principal://…`",
    )
}

fn unclear(problem: Unclear) -> Failure {
    Failure::usage(problem.problem).hint(problem.hint)
}
