//! Putting a service's objects into the cluster: how many pods, whose objects, in which order.

use serde_json::Value;

use super::retry::Patience;
use super::{ShipError, ShipPorts, ShipRequest};
use crate::convention::{BRIDGE_LABEL, MANAGED_BY, MANAGED_BY_LABEL};
use crate::port::{Cluster, ObjectKey, ObjectKind, PortResult, Time, Watch};
use crate::resource::KubernetesObject;
use crate::spec::{Bridge, Scaling, Service, Team};

/// The Deployment of a service.
pub(super) fn deployment_key(team: &Team, service: &Service) -> ObjectKey {
    key("apps/v1", "Deployment", team, service)
}

/// The Service of a service.
pub(super) fn service_key(team: &Team, service: &Service) -> ObjectKey {
    key("v1", "Service", team, service)
}

fn key(api_version: &str, kind: &str, team: &Team, service: &Service) -> ObjectKey {
    ObjectKey {
        kind: ObjectKind { api_version: api_version.to_owned(), kind: kind.to_owned() },
        namespace: Some(team.namespace.clone()),
        name: service.name.clone(),
    }
}

/// Reads one object, patiently.
pub(super) async fn get<M, I, C: Cluster, T: Time, W: Watch>(
    step: &str,
    key: &ObjectKey,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> PortResult<Option<Value>> {
    Patience::new(ports.time, ports.watch).retry(step, || ports.cluster.get(key)).await
}

/// How many pods the live Deployment wants, if there is one.
pub(super) async fn live_replicas<M, I, C: Cluster, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    team: &Team,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<Option<u32>, ShipError> {
    let live = get("render", &deployment_key(team, request.service), ports).await;
    let live = live.map_err(ShipError::at("render"))?;
    Ok(live.and_then(|live| live.pointer("/spec/replicas")?.as_u64()?.try_into().ok()))
}

/// How many pods to declare: what the autoscaler has chosen, within the bounds. Declaring none would let the API server
/// fall back to one pod, and declaring the least would take pods away under load.
pub(super) fn replicas(scaling: &Scaling, live: Option<u32>) -> u32 {
    live.unwrap_or(scaling.min).clamp(scaling.min, scaling.max.max(scaling.min))
}

/// Kinds that come and go with how a service scales.
const OPTIONAL: [(&str, &str); 2] =
    [("autoscaling/v2", "HorizontalPodAutoscaler"), ("policy/v1", "PodDisruptionBudget")];

/// Takes away what the service asked for once and no longer does. An autoscaler that stayed would fight the fixed count;
/// one that is not ours stays.
pub(super) async fn drop_unwanted<M, I, C: Cluster, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    team: &Team,
    rendered: &[Value],
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<(), ShipError> {
    for (api_version, kind) in OPTIONAL {
        if rendered.iter().any(|object| object.get("kind").and_then(Value::as_str) == Some(kind)) {
            continue;
        }
        let key = key(api_version, kind, team, request.service);
        let live = get("apply", &key, ports).await.map_err(ShipError::at("apply"))?;
        if live.is_some_and(|live| is_ours(request.bridge, &live)) {
            Patience::new(ports.time, ports.watch)
                .retry("apply", || ports.cluster.delete(&key))
                .await
                .map_err(ShipError::at("apply"))?;
        }
    }
    Ok(())
}

/// Applies objects in order, after a look at all of them that none is somebody else's.
pub(super) async fn apply<M, I, C: Cluster, T: Time, W: Watch>(
    bridge: &Bridge,
    objects: &[Value],
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<(), ShipError> {
    for object in objects {
        let Some(key) = (KubernetesObject { object: object.clone() }).object_key() else { continue };
        let live = get("apply", &key, ports).await.map_err(ShipError::at("apply"))?;
        if live.is_some_and(|live| !is_ours(bridge, &live)) {
            return Err(ShipError::Foreign { key, bridge: bridge.name.clone() });
        }
    }
    for object in objects {
        Patience::new(ports.time, ports.watch)
            .retry("apply", || ports.cluster.apply(object))
            .await
            .map_err(ShipError::at("apply"))?;
    }
    Ok(())
}

/// Whether a live object carries the mark of our bridge.
pub(super) fn is_ours(bridge: &Bridge, live: &Value) -> bool {
    let label = |name: &str| live.pointer("/metadata/labels")?.get(name)?.as_str();
    label(BRIDGE_LABEL) == Some(&bridge.name) && label(MANAGED_BY_LABEL) == Some(MANAGED_BY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_autoscalers_choice_stays_within_bounds() {
        let scaling = |min, max| Scaling { min, max, cpu_percent: 70 };
        for (min, max, live, expected) in
            [(2, 6, None, 2), (2, 6, Some(1), 2), (2, 6, Some(4), 4), (2, 6, Some(9), 6), (3, 3, Some(1), 3)]
        {
            assert_eq!(replicas(&scaling(min, max), live), expected, "{min} {max} {live:?}");
        }
    }
}
