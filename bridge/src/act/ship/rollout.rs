//! Waiting for a rollout, truthfully: what counts is what the controller says about the generation we applied, and a
//! failure is told in the pods' own words.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::objects::deployment_key;
use super::{ShipError, ShipPorts, ShipRequest};
use crate::image::PushedImage;
use crate::manifest::selector;
use crate::port::{Cluster, Event, ObjectKind, PortError, Time, Watch};
use crate::spec::Team;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// One look at a Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Look {
    /// New pods alone serve.
    Done { wanted: u32 },
    /// Not yet.
    Waiting {
        ready: u32,
        wanted: u32,
        /// Why, as far as the Deployment itself says.
        why: Option<String>,
    },
    /// The Deployment has another image than ours.
    Superseded(String),
}

/// Waits until the pods of `pushed` alone serve.
pub(super) async fn wait<M, I, C: Cluster, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    team: &Team,
    pushed: &PushedImage,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<(), ShipError> {
    let began = ports.time.now();
    let mut told = None;
    loop {
        let (ready, wanted, why) = match look(request, team, pushed, ports).await? {
            Look::Done { wanted } => {
                ports.watch.event(Event::Rollout { ready: wanted, wanted, waiting: None });
                return Ok(());
            }
            Look::Superseded(image) => {
                return Err(ShipError::Superseded { service: request.service.name.clone(), image });
            }
            Look::Waiting { ready, wanted, why } => (ready, wanted, why),
        };
        let reason = match pods_reason(request, team, pushed, ports).await {
            Some(reason) => Some(reason),
            None => why,
        };
        let after = Duration::try_from(ports.time.now().duration_since(began)).unwrap_or_default();
        if after >= request.rollout_deadline {
            let reason = reason.unwrap_or_else(|| format!("{ready} of {wanted} new pods are ready"));
            return Err(ShipError::RollOut { service: request.service.name.clone(), after, reason });
        }
        let now = Event::Rollout { ready, wanted, waiting: reason };
        if told.as_ref() != Some(&now) {
            ports.watch.event(now.clone());
            told = Some(now);
        }
        ports.time.sleep(PAUSE).await;
    }
}

/// Looks at the Deployment. A look that fails for the moment is a look that saw nothing; the deadline bounds how often.
async fn look<M, I, C: Cluster, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    team: &Team,
    pushed: &PushedImage,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<Look, ShipError> {
    let nothing =
        |why: String| Look::Waiting { ready: 0, wanted: request.service.scaling.min, why: Some(why) };
    match ports.cluster.get(&deployment_key(team, request.service)).await {
        Ok(Some(deployment)) => Ok(judge(&deployment, &pushed.reference)),
        Ok(None) => Ok(nothing("the Deployment is gone".to_owned())),
        Err(error) if error.is_transient() => Ok(nothing(error.to_string())),
        Err(error) => Err(ShipError::Port { step: "roll-out", source: error }),
    }
}

/// What a Deployment says about its rollout.
fn judge(deployment: &Value, image: &str) -> Look {
    let number = |pointer: &str| {
        deployment.pointer(pointer).and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok()).unwrap_or(0)
    };
    let wanted = deployment.pointer("/spec/replicas").map_or(1, |_| number("/spec/replicas"));
    let declared = deployment.pointer("/spec/template/spec/containers/0/image").and_then(Value::as_str);
    if let Some(other) = declared.filter(|declared| *declared != image) {
        return Look::Superseded(other.to_owned());
    }
    let generation = deployment.pointer("/metadata/generation").and_then(Value::as_u64).unwrap_or(0);
    let observed = deployment.pointer("/status/observedGeneration").and_then(Value::as_u64).unwrap_or(0);
    if observed < generation {
        return Look::Waiting { ready: 0, wanted, why: None };
    }
    let (total, updated) = (number("/status/replicas"), number("/status/updatedReplicas"));
    let available = number("/status/availableReplicas");
    if updated >= wanted && total <= updated && available >= updated {
        return Look::Done { wanted };
    }
    let old = total.saturating_sub(updated);
    Look::Waiting { ready: available.saturating_sub(old).min(updated), wanted, why: conditions(deployment) }
}

/// The Deployment's conditions that tell of trouble: no progress, pods that cannot be created.
fn conditions(deployment: &Value) -> Option<String> {
    let conditions = deployment.pointer("/status/conditions")?.as_array()?;
    conditions.iter().find_map(|condition| {
        let text = |name: &str| condition.get(name).and_then(Value::as_str).unwrap_or_default();
        let trouble = match text("type") {
            "Progressing" => text("status") == "False",
            "ReplicaFailure" => text("status") == "True",
            _ => false,
        };
        trouble.then(|| format!("{}: {}", text("reason"), text("message")))
    })
}

/// Why the new pods are not ready, in their own words or in those of the events about them. Not being allowed to read
/// either is no reason to fail.
async fn pods_reason<M, I, C: Cluster, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    team: &Team,
    pushed: &PushedImage,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Option<String> {
    let labels = selector(request.bridge, request.service);
    let pods = list(ports.cluster, "Pod", team, &labels).await.ok()?;
    let new: Vec<&Value> = pods
        .iter()
        .filter(|pod| {
            pod.pointer("/spec/containers/0/image").and_then(Value::as_str) == Some(&pushed.reference)
        })
        .collect();
    if let Some(reason) = new.iter().find_map(|pod| pod_reason(pod)) {
        return Some(reason);
    }
    let unready = new.iter().find(|pod| !is_ready(pod))?;
    let name = unready.pointer("/metadata/name").and_then(Value::as_str)?;
    let events = list(ports.cluster, "Event", team, &BTreeMap::new()).await.ok()?;
    events.iter().rev().find_map(|event| event_reason(event, name))
}

async fn list<C: Cluster>(
    cluster: &C,
    kind: &str,
    team: &Team,
    labels: &BTreeMap<String, String>,
) -> Result<Vec<Value>, PortError> {
    let kind = ObjectKind { api_version: "v1".to_owned(), kind: kind.to_owned() };
    cluster.list(&kind, &team.namespace, labels).await
}

/// What a pod says of its own trouble: a container that waits or has ended, a place not found.
fn pod_reason(pod: &Value) -> Option<String> {
    let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("?");
    let containers = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let waiting = containers.into_iter().flatten().find_map(container_reason);
    let unscheduled = || {
        let conditions = pod.pointer("/status/conditions")?.as_array()?;
        conditions.iter().find_map(|condition| {
            let text = |name: &str| condition.get(name).and_then(Value::as_str).unwrap_or_default();
            (text("type") == "PodScheduled" && text("status") == "False")
                .then(|| format!("{}: {}", text("reason"), text("message")))
        })
    };
    waiting.or_else(unscheduled).map(|reason| format!("pod {name}: {reason}"))
}

fn container_reason(status: &Value) -> Option<String> {
    /// What every healthy pod says on its way.
    const HARMLESS: [&str; 2] = ["ContainerCreating", "PodInitializing"];
    let text = |pointer: &str| status.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let ended = |state: &str| {
        let code = status.pointer(&format!("{state}/exitCode"))?.as_i64()?;
        Some(
            format!(
                "exit code {code} {} {}",
                text(&format!("{state}/reason")),
                text(&format!("{state}/message"))
            )
            .trim_end()
            .to_owned(),
        )
    };
    let reason = text("/state/waiting/reason");
    if reason.is_empty() || HARMLESS.contains(&reason) {
        return ended("/state/terminated");
    }
    let message = text("/state/waiting/message");
    let words = if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") };
    Some(match ended("/lastState/terminated") {
        Some(ended) => format!("{words} (last time: {ended})"),
        None => words,
    })
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        condition.get("type").and_then(Value::as_str) == Some("Ready")
            && condition.get("status").and_then(Value::as_str) == Some("True")
    })
}

fn event_reason(event: &Value, pod: &str) -> Option<String> {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let about = text("/involvedObject/kind") == "Pod" && text("/involvedObject/name") == pod;
    (about && text("/type") == "Warning")
        .then(|| format!("pod {pod}: {}: {}", text("/reason"), text("/message")))
}

#[cfg(test)]
mod tests;
