//! `gangplank doctor`: walks the identity chain and names the first broken link.

use bridge::act;
use bridge::doctor::{self, Answer, Ask, Diagnosis, Probe, Sight, Walk};
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
    let probe = connect::probe(context)?;
    let team = chosen(context, team, &probe).await?;
    let walk = Walk { bridge: &context.bridge, team, now: SystemTime.now() };
    Ok(act::doctor::examine(&walk, &probe).await)
}

/// The team that is named; else the only one there is, or the only one that the caller deploys for.
pub(super) async fn chosen<'a, P: Probe>(
    context: &'a Context,
    named: Option<&str>,
    probe: &P,
) -> Result<&'a Team, Failure> {
    let bridge = &context.bridge;
    match (named, bridge.teams.as_slice()) {
        (Some(name), teams) => teams.iter().find(|team| team.name == name).ok_or_else(|| {
            Failure::usage(format!("the bridge file declares no team `{name}`"))
                .hint(format!("the teams are: {}", names(&bridge.teams)))
        }),
        (None, []) => Err(Failure::usage("the bridge file declares no team, and nobody to ship for")),
        (None, [only]) => Ok(only),
        (None, [first, ..]) => {
            let ask = Ask::EntraToken { scope: format!("{}/.default", bridge.identifier_uri()) };
            let Answer::EntraToken(Sight::Seen(claims)) = probe.fetch(&ask).await else {
                // The chain breaks before it comes to any team.
                return Ok(first);
            };
            match doctor::teams_of(bridge, &claims).as_deref() {
                // Whom nobody declared is turned away before it comes to any team.
                None => Ok(first),
                Some([only]) => Ok(*only),
                Some([]) => Err(unnamed("the caller deploys for no team", &bridge.teams)),
                Some(several) => {
                    Err(unnamed("the caller deploys for several teams", several.iter().copied()))
                }
            }
        }
    }
}

fn unnamed<'t>(why: &str, teams: impl IntoIterator<Item = &'t Team>) -> Failure {
    Failure::usage(format!("{why}, and none is named"))
        .hint(format!("name one with `--team`: {}", names(teams)))
}

fn names<'t>(teams: impl IntoIterator<Item = &'t Team>) -> String {
    let names: Vec<&str> = teams.into_iter().map(|team| team.name.as_str()).collect();
    names.join(", ")
}
