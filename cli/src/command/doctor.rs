//! `gangplank doctor`: walks the identity chain and names the first broken link; or a workload's way back.

use std::time::{Duration, Instant};

use bridge::act;
use bridge::doctor::way_back::WayBack;
use bridge::doctor::{self, Answer, Ask, Diagnosis, Hop, Probe, Sight, Walk};
use bridge::finding::{Finding, Severity};
use bridge::port::Time as _;
use bridge::spec::Team;
use serde::Serialize;

use super::{connect, way_back};
use crate::args::Doctor;
use crate::context::Context;
use crate::edge::SystemTime;
use crate::output::{Human, print, say};
use crate::report::{Exit, Failure};

/// Between two walks of `--watch`.
const PAUSE: Duration = Duration::from_secs(3);

/// What was found on either way.
#[derive(Serialize)]
#[serde(untagged)]
enum Seen {
    Across(Diagnosis),
    Back(WayBack),
}

/// Prints the diagnosis; denied if something is broken. What works and lets in too much is said, and breaks nothing.
pub async fn run(context: &Context, flags: &Doctor) -> Result<Exit, Failure> {
    let began = Instant::now();
    let mut seen = look(context, flags).await?;
    while flags.watch && seen.is_broken() {
        let left = flags.timeout.map(|whole| whole.saturating_sub(began.elapsed()));
        if left.is_some_and(|left| left.is_zero()) {
            break;
        }
        say(&format!("{}; looking again in {} s", seen.in_short(), PAUSE.as_secs()));
        SystemTime.sleep(left.map_or(PAUSE, |left| left.min(PAUSE))).await;
        seen = look(context, flags).await?;
    }
    print(context.format, &seen);
    Ok(if seen.is_broken() { Exit::Denied } else { Exit::Fine })
}

/// Looks once, with fresh tokens.
async fn look(context: &Context, flags: &Doctor) -> Result<Seen, Failure> {
    match &flags.workload {
        Some(workload) => way_back::examine(context, workload, flags).await.map(Seen::Back),
        None => examine(context, flags).await.map(Seen::Across),
    }
}

/// Walks the chain for one team.
pub async fn examine(context: &Context, flags: &Doctor) -> Result<Diagnosis, Failure> {
    let until = flags.hop.as_deref().map(hop).transpose()?;
    let probe = connect::probe(context)?;
    let team = chosen(context, flags.team.as_deref(), &probe).await?;
    let walk = Walk::declared(&context.bridge, team, SystemTime.now()).until(until);
    Ok(act::doctor::examine(&walk, &probe).await)
}

fn hop(name: &str) -> Result<Hop, Failure> {
    Hop::ALL.into_iter().find(|hop| hop.name() == name).ok_or_else(|| {
        let known = Hop::ALL.map(Hop::name).join(", ");
        Failure::usage(format!("there is no hop `{name}`")).hint(format!("the hops are: {known}"))
    })
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

impl Seen {
    fn findings(&self) -> &[Finding] {
        match self {
            Self::Across(diagnosis) => &diagnosis.findings,
            Self::Back(way) => &way.findings,
        }
    }

    fn is_broken(&self) -> bool {
        self.findings().iter().any(|finding| finding.severity == Severity::Error)
    }

    fn in_short(&self) -> String {
        let codes: Vec<&str> = self.findings().iter().map(|finding| finding.code).collect();
        codes.join(", ")
    }
}

impl Human for Seen {
    fn human(&self) -> String {
        match self {
            Self::Across(diagnosis) => diagnosis.human(),
            Self::Back(way) => way.human(),
        }
    }
}
