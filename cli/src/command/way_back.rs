//! `gangplank doctor --workload` and `gangplank render --workload`: the way back, from a pod on GKE to Azure.

use std::time::Duration;

use bridge::act::Purpose;
use bridge::act::way_back::knock;
use bridge::doctor::way_back::{Seen, View, WayBack};
use bridge::manifest;
use bridge::spec::{Team, Via, Workload};
use bridge::want::placed;
use identity::source::SourceName;

use super::{connect, plan};
use crate::args::{Administrate, Doctor, Format};
use crate::context::Context;
use crate::edge::SystemTime;
use crate::output::{Progress, out, print_value};
use crate::report::{Exit, Failure};

/// Looks at a workload's way with an administrator's eyes, and as the pod where it runs inside one.
pub(super) async fn examine(context: &Context, name: &str, flags: &Doctor) -> Result<WayBack, Failure> {
    let (workload, team) = chosen(context, name)?;
    let seen = eyes(context, &flags.administrate).await;
    let clouds = seen.as_ref().map(borrowed).map_err(Clone::clone);
    let pod = pod(context, workload, seen.as_ref().ok());
    let shown = match &pod {
        Ok(pod) => pod.shown().await,
        Err(why) => Err(why.clone()),
    };
    let mut view = View { bridge: &context.bridge, workload, team, clouds, pod: shown };
    if let Ok(pod) = &pod {
        let progress = Progress::new(context.format);
        knock(&mut view, pod, Duration::from_secs(flags.wait), &SystemTime, &progress).await;
    }
    let way = view.examine();
    let Some(hop) = &flags.hop else { return Ok(way) };
    way.until(hop).map_err(|known| {
        Failure::usage(format!("workload `{name}` has no link `{hop}`"))
            .hint(format!("the links are: {}", known.join(", ")))
    })
}

/// Prints what a pod of the workload needs, as a patch for its Deployment.
pub(super) async fn render(context: &Context, name: &str, container: &str) -> Result<Exit, Failure> {
    let (workload, _) = chosen(context, name)?;
    let flags = Administrate { kubeconfig: None, context: None };
    let seen = eyes(context, &flags).await.map_err(|why| {
        Failure::failed("the workload's client id could not be looked up")
            .hint(format!("it takes an administrator's log-ins: {why}"))
    })?;
    let place = placed(&context.bridge, &seen.facts).into_iter().find(|it| it.workload == workload);
    let shard = place.and_then(|place| seen.facts.shards.get(&place.identity));
    let Some(shard) = shard else {
        return Err(Failure::failed(format!("workload `{name}` has no managed identity yet"))
            .hint("`gangplank apply` makes it"));
    };
    let patch = manifest::workload_patch(&context.bridge, workload, &shard.client_id, container);
    match context.format {
        Format::Json => print_value(&patch),
        Format::Human | Format::Yaml => {
            let patch = manifest::to_yaml(std::slice::from_ref(&patch));
            out(&patch.map_err(|error| Failure::failed(error.to_string()))?);
        }
    }
    Ok(Exit::Fine)
}

fn chosen<'a>(context: &'a Context, name: &str) -> Result<(&'a Workload, &'a Team), Failure> {
    let bridge = &context.bridge;
    let workload = bridge.workload(name);
    workload.and_then(|workload| Some((workload, bridge.team(&workload.team)?))).ok_or_else(|| {
        let known: Vec<&str> = bridge.workloads.iter().map(|workload| workload.name.as_str()).collect();
        let failure = Failure::usage(format!("the bridge file declares no workload `{name}`"));
        if known.is_empty() {
            failure.hint("workloads are declared under `workloads`")
        } else {
            failure.hint(format!("the workloads are: {}", known.join(", ")))
        }
    })
}

/// What an administrator sees, or why there is nobody to see it.
async fn eyes(context: &Context, flags: &Administrate) -> Result<plan::Seen, String> {
    let blind = |failure: Failure| {
        let all: Vec<String> = std::iter::once(failure.what).chain(failure.causes).collect();
        format!("not seen with an administrator's eyes: {}", all.join(": "))
    };
    let administrator = connect::administrator(context, flags).await.map_err(blind)?;
    plan::look(context, &Purpose::Declared { adopt: Vec::new() }, &administrator).await.map_err(blind)
}

fn borrowed(seen: &plan::Seen) -> Seen<'_> {
    Seen { facts: &seen.facts, inventory: &seen.inventory, plan: &seen.plan }
}

/// The pod we are in. Another log-in than the workload's says nothing about it.
fn pod(context: &Context, workload: &Workload, seen: Option<&plan::Seen>) -> Result<clouds::Pod, String> {
    let variable = |name: &str| {
        let found = context.environment.get(name).filter(|value| !value.is_empty());
        found.ok_or_else(|| format!("not inside a pod of the workload: `{name}` is not set"))
    };
    if workload.via == Via::Cluster {
        variable("AZURE_FEDERATED_TOKEN_FILE")?;
    }
    let client_id = variable("AZURE_CLIENT_ID")?;
    if let Some(seen) = seen {
        let place = placed(&context.bridge, &seen.facts).into_iter().find(|it| it.workload == workload);
        let shard = place.and_then(|place| seen.facts.shards.get(&place.identity));
        if shard.is_none_or(|shard| !shard.client_id.eq_ignore_ascii_case(client_id)) {
            return Err(format!(
                "not inside a pod of the workload: `AZURE_CLIENT_ID` is `{client_id}`, which is not its identity"
            ));
        }
    }
    let log_in = match workload.via {
        Via::Cluster => SourceName::WorkloadIdentity,
        Via::Google => SourceName::Google,
    };
    connect::pod(context, log_in)
}
