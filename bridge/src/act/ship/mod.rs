//! Ships one model version: from Azure ML to a service that answers. Every step can be run again, so a run that was cut
//! anywhere is finished by the next one with the same result:
//!
//! 1. `resolve`: the reference becomes one version that the team may serve;
//! 2. `list-files`: its files become the plan of an image;
//! 3. `push`: the image goes to the registry; blobs that are there stay;
//! 4. `render`: the digest becomes Kubernetes objects, none of which carries a secret;
//! 5. `apply`: server-side, after a look that nothing foreign is in the way;
//! 6. `roll-out`: wait until new pods alone serve; the old ones answer until then, and stay if it fails;
//! 7. `score`: a sample goes through the API server's proxy;
//! 8. `record`: the shipment is written down beside the service.

mod objects;
mod record;
mod retry;
mod rollout;
mod score;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use crate::image::{ASSET_ID, ImageError, ImagePlan, PushedImage, plan_image};
use crate::manifest::{self, Leak, RenderError, Rendering};
use crate::port::{
    Cluster, Event, ImageStore, ModelSource, ModelVersion, ObjectKey, PortError, Refused, Time, Watch,
};
use crate::resolve::{ResolveError, resolve};
use crate::shipment::{Shipment, UnreadableRecord};
use crate::spec::{Bridge, ModelRef, Service, Team};

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

/// Why a shipment did not arrive. Whatever it says, the version that served before still does.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShipError {
    /// The service names a team that the bridge does not declare.
    #[error("service `{service}` belongs to team `{team}`, which the bridge does not declare")]
    NoTeam {
        /// The service.
        service: String,
        /// The team.
        team: String,
    },
    /// The reference names no version that the team may serve.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// No image can be made of the version.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The tag is taken by an image of something else.
    #[error(
        "tag `{tag}` of `{repository}` holds an image of {holder}, and pushing would take the tag from it; give the model \
         a repository of its own, or delete that tag"
    )]
    TagTaken {
        /// Repository path.
        repository: String,
        /// The tag.
        tag: String,
        /// The asset id of what is there, or words for an image that is not ours.
        holder: String,
    },
    /// The objects cannot be rendered.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// An object of somebody else has the name that one of ours needs.
    #[error(
        "{} is there and does not belong to bridge `{bridge}`; rename the service, or delete that object",
        described(key)
    )]
    Foreign {
        /// The object in the way.
        key: ObjectKey,
        /// Our bridge.
        bridge: String,
    },
    /// The new pods did not become ready. The old ones still serve.
    #[error(
        "service `{service}`: the new version is not up after {}: {reason}; the version before it still serves",
        spoken(*after)
    )]
    RollOut {
        /// The service.
        service: String,
        /// How long it was waited for.
        after: Duration,
        /// Why, in Kubernetes' words.
        reason: String,
    },
    /// Somebody deployed something else meanwhile.
    #[error("service `{service}` was given another image meanwhile, `{image}`; ship again to take it over")]
    Superseded {
        /// The service.
        service: String,
        /// The image it has now.
        image: String,
    },
    /// The service is up and does not answer the sample.
    #[error("service `{service}` is up but answered {status} to {request}: {answer}")]
    Score {
        /// The service.
        service: String,
        /// The HTTP status.
        status: u16,
        /// What was asked.
        request: String,
        /// The first line of the answer.
        answer: String,
    },
    /// The record is there and cannot be read.
    #[error(transparent)]
    Record(#[from] UnreadableRecord),
    /// A service of the world failed or refused.
    #[error("{step}: {source}")]
    Port {
        /// The step it happened in.
        step: &'static str,
        /// What it said.
        source: PortError,
    },
}

impl From<Leak> for ShipError {
    fn from(leak: Leak) -> Self {
        Self::Render(RenderError::Leak(leak))
    }
}

impl ShipError {
    /// Whether shipping again may succeed without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            // A conflict is a file or an object that changed under us: the next run reads it anew.
            Self::Port { source, .. } | Self::Resolve(ResolveError::Source(source)) => {
                source.is_transient() || source.kind == Refused::Conflict
            }
            Self::Superseded { .. } => true,
            _ => false,
        }
    }

    fn at(step: &'static str) -> impl Fn(PortError) -> Self {
        move |source| Self::Port { step, source }
    }
}

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
    let version = step_resolve(request, team, ports).await?;
    let plan = step_list(request, &version, ports).await?;
    let pushed = step_push(&plan, ports).await?;
    let live = objects::live_replicas(request, team, ports).await?;
    step(ports.watch, "render", &pushed.reference);
    let rendered = manifest::render(&Rendering {
        bridge: request.bridge,
        team,
        service: request.service,
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
    step(ports.watch, "resolve", &request.model.name);
    let patience = Patience::new(ports.time, ports.watch);
    let outcome = patience.retry("resolve", || resolve(&request.model, team, ports.models)).await?;
    Ok(outcome)
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
    Ok(plan_image(request.bridge, request.service, version, &files)?)
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

fn described(key: &ObjectKey) -> String {
    match &key.namespace {
        Some(namespace) => format!("{} `{}` in namespace `{namespace}`", key.kind.kind, key.name),
        None => format!("{} `{}`", key.kind.kind, key.name),
    }
}

fn spoken(length: Duration) -> String {
    let seconds = length.as_secs();
    if seconds >= 60 { format!("{} min {} s", seconds / 60, seconds % 60) } else { format!("{seconds} s") }
}

#[cfg(test)]
mod tests;
