//! Ships one model version: from Azure ML to a service that answers. Every step can be run again, so a run that was cut
//! anywhere is finished by the next one with the same result:
//!
//! 0. `verify-base`, where the service demands it: the base is signed with the key that the bridge names;
//! 1. `resolve`: the reference becomes one version that the team may serve;
//! 2. `list-files`: its files become the plan of an image, and say what serves them where the service does not;
//! 3. `push`: the image goes to the registry; blobs that are there stay (a package, which is an image already, is copied in
//!    the place of both: `copy`);
//! 4. `attest`: what is in the image and how it was made is put beside it; `sign`, where a key is named: so are signatures of both and of the image;
//! 5. `render`: the digest becomes Kubernetes objects, none of which carries a secret;
//! 6. `apply`: server-side, after a look that nothing foreign is in the way;
//! 7. `roll-out`: wait until new pods alone serve; the old ones answer until then, and stay if it fails;
//! 8. `score`: a sample goes through the API server's proxy;
//! 9. `record`: the shipment is written down beside the service.

mod attest;
mod base;
mod choose;
mod error;
mod objects;
mod record;
mod retry;
mod rollout;
mod score;
mod sign;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use crate::image::mlflow::MODEL_FILE;
use crate::image::{ASSET_ID, ImagePlan, PushedImage, Seals, package_repository_and_tag, plan_image};
use crate::manifest::{self, Rendering};
use crate::port::{Cluster, Event, ImageStore, ModelSource, ModelVersion, Time, Watch};
use crate::resolve::resolve;
use crate::shipment::Shipment;
use crate::spec::{Bridge, ModelRef, Runtime, Service, Team};

pub use self::error::ShipError;
pub use self::retry::Patience;

/// What to ship, where to, and for whom.
#[derive(Debug, Clone)]
pub struct ShipRequest<'a> {
    /// The bridge.
    pub bridge: &'a Bridge,
    /// The service that will serve it.
    pub service: &'a Service,
    /// Which version; the service's own reference unless the caller named another.
    pub model: ModelRef,
    /// A request body that a healthy service answers with 2xx. Without one, `/` must answer.
    pub sample: Option<Bytes>,
    /// Who ships, as the clouds name the caller; goes into the record.
    pub who: String,
    /// How long the rollout may take.
    pub rollout_deadline: Duration,
    /// What is put beside the image.
    pub seals: Seals,
}

/// The world a shipment crosses.
#[derive(Debug)]
pub struct ShipPorts<'a, M, I, C, T, W> {
    /// Where models live.
    pub models: &'a M,
    /// Where images go.
    pub images: &'a I,
    /// Where services run.
    pub cluster: &'a C,
    /// The clock.
    pub time: &'a T,
    /// Who is told.
    pub watch: &'a W,
}

impl<M, I, C, T, W> Clone for ShipPorts<'_, M, I, C, T, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M, I, C, T, W> Copy for ShipPorts<'_, M, I, C, T, W> {}

/// Ships one model version and returns its record.
pub async fn ship<M, I, C, T, W>(
    request: &ShipRequest<'_>,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<Shipment, ShipError>
where
    M: ModelSource,
    I: ImageStore,
    C: Cluster,
    T: Time,
    W: Watch,
{
    let began = ports.time.now();
    let team = team_of(request)?;
    base::verify(request, ports).await?;
    let version = step_resolve(request, team, ports).await?;
    let (mut pushed, runtime) = step_image(request, &version, ports).await?;
    let testimony = attest::attest(request, &version, &mut pushed, ports).await?;
    sign::sign(request, testimony.as_ref(), &mut pushed, ports).await?;
    let service = Service { runtime, ..request.service.clone() };
    let live = objects::live_replicas(request, team, ports).await?;
    step(ports.watch, "render", &pushed.reference);
    let rendered = manifest::render(&Rendering {
        bridge: request.bridge,
        team,
        service: &service,
        version: &version,
        image: &pushed.reference,
        replicas: Some(objects::replicas(&request.service.scaling, live)),
    })?;
    step(ports.watch, "apply", &format!("{} objects to namespace {}", rendered.len(), team.namespace));
    objects::apply(request.bridge, &rendered, ports).await?;
    objects::drop_unwanted(request, team, &rendered, ports).await?;
    step(ports.watch, "roll-out", &format!("{} to {}", request.service.name, pushed.digest));
    rollout::wait(request, team, &pushed, ports).await?;
    score::score(request, team, ports).await?;
    let urls = score::urls(request, team, ports).await?;
    let when = ports.time.now();
    let shipment = Shipment {
        id: Shipment::id_of(&pushed.digest, when),
        service: request.service.name.clone(),
        namespace: team.namespace.clone(),
        model: version.name,
        version: version.version,
        asset_id: version.asset_id,
        image: pushed.reference,
        digest: pushed.digest,
        when,
        who: request.who.clone(),
        took_ms: u64::try_from(when.duration_since(began).as_millis()).unwrap_or_default(),
        urls,
    };
    record::record(request, team, shipment, ports).await
}

/// The first half of a shipment alone: the image of one model version, pushed. Needs no cluster.
pub async fn pack<M, I, T, W>(
    request: &ShipRequest<'_>,
    ports: ShipPorts<'_, M, I, (), T, W>,
) -> Result<PushedImage, ShipError>
where
    M: ModelSource,
    I: ImageStore,
    T: Time,
    W: Watch,
{
    let team = team_of(request)?;
    base::verify(request, ports).await?;
    let version = step_resolve(request, team, ports).await?;
    let (mut pushed, _) = step_image(request, &version, ports).await?;
    let testimony = attest::attest(request, &version, &mut pushed, ports).await?;
    sign::sign(request, testimony.as_ref(), &mut pushed, ports).await?;
    Ok(pushed)
}

fn team_of<'a>(request: &ShipRequest<'a>) -> Result<&'a Team, ShipError> {
    let name = &request.service.team;
    request
        .bridge
        .team(name)
        .ok_or_else(|| ShipError::NoTeam { service: request.service.name.clone(), team: name.clone() })
}

async fn step_resolve<M: ModelSource, I, C, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    team: &Team,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<ModelVersion, ShipError> {
    step(ports.watch, "resolve", &request.model.to_string());
    let patience = Patience::new(ports.time, ports.watch);
    let outcome = patience.retry("resolve", || resolve(&request.model, team, ports.models)).await?;
    Ok(outcome)
}

/// The image in our registry, and the runtime that it turned out to be.
async fn step_image<M: ModelSource, I: ImageStore, C, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    version: &ModelVersion,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<(PushedImage, Runtime), ShipError> {
    let runtime = &request.service.runtime;
    let Runtime::Package { environment, version: number } = runtime else {
        let plan = step_list(request, version, ports).await?;
        let chosen = if *runtime == Runtime::Auto { Runtime::Onnx } else { runtime.clone() };
        return Ok((step_push(&plan, ports).await?, chosen));
    };
    step(ports.watch, "copy", &format!("package {environment}:{number}"));
    let patience = Patience::new(ports.time, ports.watch);
    let package = patience
        .retry("copy", || ports.models.environment(environment, number))
        .await
        .map_err(ShipError::at("copy"))?;
    let (repository, tag) =
        package_repository_and_tag(request.bridge, &request.service.team, &version.name, &version.version);
    let pushed = patience
        .retry("copy", || ports.images.copy(&package.image, &repository, &tag, ports.watch))
        .await
        .map_err(ShipError::at("copy"))?;
    let port = package.port.unwrap_or(manifest::PACKAGE_PORT);
    Ok((pushed, Runtime::Image { image: package.image, port, signed_by: None }))
}

async fn step_list<M: ModelSource, I, C, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    version: &ModelVersion,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<ImagePlan, ShipError> {
    step(ports.watch, "list-files", &format!("{}:{}", version.name, version.version));
    let patience = Patience::new(ports.time, ports.watch);
    let files = patience
        .retry("list-files", || ports.models.files(version))
        .await
        .map_err(ShipError::at("list-files"))?;
    let mut plan = plan_image(request.bridge, request.service, version, &files)?;
    if let Some(file) = choose::onnx_file(request.service, version, &files, ports).await? {
        plan.env.insert(MODEL_FILE.to_owned(), file);
    }
    Ok(plan)
}

async fn step_push<M: ModelSource, I: ImageStore, C, T: Time, W: Watch>(
    plan: &ImagePlan,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<PushedImage, ShipError> {
    step(ports.watch, "push", &format!("{}:{}", plan.repository, plan.tag));
    manifest::refuse_secrets(&[annotations(plan)])?;
    let patience = Patience::new(ports.time, ports.watch);
    let found = patience
        .retry("push", || ports.images.find(&plan.repository, &plan.tag))
        .await
        .map_err(ShipError::at("push"))?;
    if let Some(image) = found {
        require_same_asset(plan, &image.annotations)?;
    }
    // Pushing again what is there sends nothing but the manifest, so there is no second, untested way through.
    patience
        .retry("push", || ports.images.push(plan, ports.models, ports.watch))
        .await
        .map_err(ShipError::at("push"))
}

/// The image's annotations in the shape that the secret gate names well.
fn annotations(plan: &ImagePlan) -> serde_json::Value {
    serde_json::json!({
        "kind": "Image",
        "metadata": {"name": format!("{}:{}", plan.repository, plan.tag), "annotations": plan.annotations},
    })
}

fn require_same_asset(plan: &ImagePlan, there: &BTreeMap<String, String>) -> Result<(), ShipError> {
    let (ours, theirs) = (plan.annotations.get(ASSET_ID), there.get(ASSET_ID));
    let same = ours.zip(theirs).is_some_and(|(ours, theirs)| ours.eq_ignore_ascii_case(theirs));
    if same {
        return Ok(());
    }
    Err(ShipError::TagTaken {
        repository: plan.repository.clone(),
        tag: plan.tag.clone(),
        holder: theirs.map_or_else(|| "something that is no model".to_owned(), |id| format!("`{id}`")),
    })
}

fn step<W: Watch>(watch: &W, name: &str, detail: &str) {
    watch.event(Event::Step { name: name.to_owned(), detail: detail.to_owned() });
}

#[cfg(test)]
mod tests;
