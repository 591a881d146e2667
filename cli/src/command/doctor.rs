//! `gangplank doctor`: walks the identity chain and names the first broken link.

use bridge::act;
use bridge::doctor::{Diagnosis, Walk};
use bridge::port::Time;
use bridge::spec::Team;

use super::connect;
use crate::context::Context;
use crate::edge::SystemTime;
use crate::output::print;
use crate::report::{Exit, Failure};

/// Prints the diagnosis; denied if there is a finding.
pub async fn run(context: &Context, team: Option<&str>) -> Result<Exit, Failure> {
    let diagnosis = examine(context, team).await?;
    print(context.format, &diagnosis);
    Ok(if diagnosis.findings.is_empty() { Exit::Fine } else { Exit::Denied })
}

/// Walks the chain for one team.
pub async fn examine(context: &Context, team: Option<&str>) -> Result<Diagnosis, Failure> {
    let team = chosen(context, team)?;
    let probe = connect::probe(context)?;
    let walk = Walk { bridge: &context.bridge, team, now: SystemTime.now() };
    Ok(act::doctor::examine(&walk, &probe).await)
}

fn chosen<'a>(context: &'a Context, named: Option<&str>) -> Result<&'a Team, Failure> {
    let teams = &context.bridge.teams;
    let team = match named {
        Some(name) => teams.iter().find(|team| team.name == name),
        None => teams.first(),
    };
    team.ok_or_else(|| {
        let known: Vec<&str> = teams.iter().map(|team| team.name.as_str()).collect();
        Failure::usage(format!("the bridge file declares no team `{}`", named.unwrap_or_default()))
            .hint(format!("the teams are: {}", known.join(", ")))
    })
}
