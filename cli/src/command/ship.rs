//! `gangplank ship`: carries a model version over and waits until it answers.

use std::path::Path;

use bridge::act::ship::{self as act, ShipError, ShipPorts, ShipRequest};
use bridge::port::{Cluster, PortError};
use bridge::resolve::ResolveError;
use bridge::shipment::{Record, Shipment};
use bridge::spec::{ModelRef, Runtime, Service, VersionRef};
use bytes::Bytes;
use serde::Serialize;

use super::picked::{Picked, WithDeployment, pick};
use super::{connect, sealed};
use crate::args::{Format, Ship};
use crate::context::{Context, unreadable};
use crate::edge::{self, SystemTime};
use crate::output::{Progress, print, print_data};
use crate::report::{Exit, Failure, refused};

/// Ships and prints the record.
pub async fn run(context: &Context, flags: &Ship) -> Result<Exit, Failure> {
    let picked = pick(context, flags.model.as_deref(), flags.service.as_deref(), &flags.from)?;
    let shipment = carry(context, flags, &picked).await?;
    match &picked.adapted {
        Some(deployment) if context.format != Format::Human => {
            print_data(context.format, &WithDeployment { deployment, rest: Shipped { shipment } });
        }
        _ => print(context.format, &shipment),
    }
    Ok(Exit::Fine)
}

/// Ships one model version.
pub async fn ship(context: &Context, flags: &Ship) -> Result<Shipment, Failure> {
    let picked = pick(context, flags.model.as_deref(), flags.service.as_deref(), &flags.from)?;
    carry(context, flags, &picked).await
}

/// A shipment beside the deployment that asked for it.
#[derive(Debug, Serialize)]
struct Shipped {
    shipment: Shipment,
}

async fn carry(context: &Context, flags: &Ship, picked: &Picked<'_>) -> Result<Shipment, Failure> {
    let (service, team) = (picked.service.as_ref(), picked.team);
    require_scorer(service, flags.scorer.as_deref())?;
    let sample = sample(context, service, flags.sample.as_deref())?;
    let caller = connect::carrier(context, Some(&team.name), flags.scorer.as_deref(), flags.transfer)?;
    let models = caller
        .models_of(&picked.model)
        .await
        .map_err(|error| refused("find the model's registry", &error))?;
    let request = ShipRequest {
        bridge: &context.bridge,
        service,
        model: picked.model.clone(),
        sample,
        who: caller.principal().await.map_err(|error| refused("cross from Entra to Google", &error))?,
        rollout_deadline: flags.timeout,
        seals: sealed::seals(context, &flags.seals, service)?,
    };
    let cluster = caller.cluster().await.map_err(|error| unreached(&team.name, &error))?;
    let progress = Progress::new(context.format);
    let ports = ShipPorts {
        models: &models,
        images: caller.images(),
        cluster: &cluster,
        time: &SystemTime,
        watch: &progress,
    };
    Box::pin(act::ship(&request, ports)).await.map_err(|error| failed(&error))
}

/// The newest shipment on record of the service that serves a model.
pub async fn last(context: &Context, model: &str) -> Result<Option<Shipment>, Failure> {
    let (service, team) = context.service(model, None)?;
    let caller = connect::caller(context, Some(&team.name), None)?;
    let cluster = caller.cluster().await.map_err(|error| refused("reach the cluster", &error))?;
    let found =
        cluster.get(&Record::key(team, service)).await.map_err(|error| refused("read the record", &error))?;
    let Some(config_map) = found else { return Ok(None) };
    let record = Record::read(&config_map).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(record.shipments.into_iter().next())
}

/// The model as typed.
pub(super) fn reference(typed: &str) -> Result<ModelRef, Failure> {
    ModelRef::parse(typed).map_err(|error| {
        Failure::usage(format!("`{typed}` names no model version"))
            .because(&error)
            .hint("write NAME, NAME:7, NAME@latest or NAME@TAG=VALUE")
    })
}

/// The version typed; the bridge file's where none was.
pub(super) fn chosen(named: ModelRef, typed: &str, service: &Service) -> ModelRef {
    let bare = named.version == VersionRef::Latest && typed == named.name;
    if bare { service.model.clone() } else { named }
}

/// A shipment that did not arrive, worded.
pub(super) fn failed(error: &ShipError) -> Failure {
    let failure = Failure::failed("the model was not shipped").because(error);
    match error {
        ShipError::Port { source, .. } => failure.answered(source),
        ShipError::Resolve(error) => unresolved(failure, error),
        ShipError::Unsigned { .. } => Failure { exit: Exit::Denied, ..failure }
            .hint("`cosign sign --key …` signs the base; `signedBy` of the service's runtime demands it"),
        // Only a declaration helps.
        ShipError::Unserved { .. } => Failure { exit: Exit::Usage, ..failure },
        _ => failure,
    }
}

/// A reference that names nothing is the user's to correct; a service's refusal is not.
pub(super) fn unresolved(failure: Failure, error: &ResolveError) -> Failure {
    match error {
        ResolveError::Source(source) => failure.answered(source),
        ResolveError::NotTheTeams { .. } => Failure { exit: Exit::Usage, ..failure }
            .hint("`teams[].models` in the bridge file says which models a team may serve"),
        ResolveError::OtherWorkspace { .. } => Failure { exit: Exit::Usage, ..failure }
            .hint("a bridge carries models of one workspace; those of others come by an Azure ML registry"),
        ResolveError::NoModel { .. } | ResolveError::NoVersion { .. } | ResolveError::NoTagged { .. } => {
            Failure { exit: Exit::Usage, ..failure }.hint("`gangplank models [NAME]` lists what there is")
        }
    }
}

/// The scorer's executable, if the service needs one. Said before anything is begun.
pub(super) fn require_scorer(service: &Service, named: Option<&Path>) -> Result<(), Failure> {
    if !matches!(service.runtime, Runtime::Auto | Runtime::Onnx) {
        return Ok(());
    }
    if let Some(path) = edge::scorer(named).filter(|path| path.is_file()) {
        return match edge::is_linux_executable(&path) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::usage(format!("`{}` is no 64-bit Linux executable", path.display()))
                .hint("a pod has to run it: `cargo xtask scorer` builds one, or take it from a release")),
            Err(error) => Err(unreadable(&error)),
        };
    }
    Err(Failure::usage(format!(
        "service `{}` is served by our scorer, whose executable is not found",
        service.name
    ))
    .hint("name it with --scorer or GANGPLANK_SCORER, or put `gangplank-scorer` beside `gangplank`"))
}

fn sample(context: &Context, service: &Service, named: Option<&Path>) -> Result<Option<Bytes>, Failure> {
    let declared = || service.sample.as_ref().map(|sample| context.folder.join(sample));
    let Some(path) = named.map(Path::to_owned).or_else(declared) else { return Ok(None) };
    match edge::read(&path) {
        Ok(bytes) => Ok(Some(Bytes::from(bytes))),
        Err(error) => Err(unreadable(&error).hint(
            "--sample, or the service's `sample` in the bridge file, names it; relative to that file there",
        )),
    }
}

/// The cluster is looked up and spoken to as the team's service account, so becoming it comes first.
fn unreached(team: &str, error: &PortError) -> Failure {
    if error.service == identity::Hop::Impersonation.service() {
        refused(&format!("act as the service account of team `{team}`"), error)
    } else {
        refused("reach the cluster", error)
    }
}
