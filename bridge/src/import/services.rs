//! Services: what shipping left in the teams' namespaces. A service that is not declared would be taken away.

use std::collections::BTreeSet;

use serde_json::Value;

use super::teams::{Objects, label, text};
use super::{LeftOut, Survey, Trust};
use crate::convention::BRIDGE_LABEL;
use crate::manifest::SERVICE_LABEL;
use crate::spec::{Expose, ModelRef, Resources, Runtime, Scaling, Service, Team, Tuning, VersionRef};

/// A service, as far as its pods tell.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) service: Service,
    /// Whether our own scorer serves it; what else does is not told.
    pub(super) scorer: bool,
    /// Whether its pods have environment variables, which only a deployment file of Azure ML's gives them.
    pub(super) tuned: bool,
}

/// The annotation of the internal load balancer:
/// <https://cloud.google.com/kubernetes-engine/docs/how-to/internal-load-balancing>.
const BALANCER: &str = "networking.gke.io/load-balancer-type";

/// Percent of the request that the autoscaler aims at where nothing says otherwise.
const CPU_PERCENT: u32 = 70;

/// All services of the bridge, by namespace and name.
pub(super) fn services(
    survey: &Survey,
    trust: &Trust,
    teams: &[Team],
    left_out: &mut Vec<LeftOut>,
) -> Vec<Found> {
    let objects = Objects::of(survey);
    let mut all = Vec::new();
    for team in teams {
        let kinds = ["Deployment", "Service", "ConfigMap", "HorizontalPodAutoscaler"];
        let ours = kinds.into_iter().flat_map(|kind| objects.within(kind, &team.namespace));
        let ours = ours.filter(|it| label(it, BRIDGE_LABEL) == trust.name);
        let names: BTreeSet<&str> =
            ours.map(|it| label(it, SERVICE_LABEL)).filter(|name| !name.is_empty()).collect();
        for name in names {
            match service(&objects, team, name) {
                Some(found) => {
                    if !found.scorer {
                        left_out.push(LeftOut::new(
                            format!("what serves `{name}` of team `{}`", team.name),
                            "its pods do not run our scorer, and do not say which image or environment theirs was made from; \
                             write `runtime`, unless what the version's files call for is right",
                        ));
                    }
                    if found.tuned {
                        left_out.push(LeftOut::new(
                            format!("environment variables of `{name}` of team `{}`", team.name),
                            "they come from a deployment file of Azure ML's: ship with it again, `ship --deployment FILE`",
                        ));
                    }
                    all.push(found);
                }
                None => left_out.push(LeftOut::new(
                    format!("the objects of service `{name}` in namespace `{}`", team.namespace),
                    "there is no Deployment that says which model it serves; a plan takes them away",
                )),
            }
        }
    }
    all
}

fn service(objects: &Objects<'_>, team: &Team, name: &str) -> Option<Found> {
    let find = |kind| objects.within(kind, &team.namespace).find(|it| text(it, "/metadata/name") == name);
    let deployment = find("Deployment")?;
    let container = deployment.pointer("/spec/template/spec/containers/0")?;
    let requests =
        |key: &str| container.pointer("/resources/requests")?.get(key)?.as_str().map(str::to_owned);
    let volumes = deployment.pointer("/spec/template/spec/volumes").and_then(Value::as_array);
    // Ours alone writes nowhere.
    let scorer = volumes.is_none_or(Vec::is_empty);
    let variables = container.get("env").and_then(Value::as_array);
    Some(Found {
        service: Service {
            name: name.to_owned(),
            team: team.name.clone(),
            model: model(deployment)?,
            // What is not our scorer, the version's files call for.
            runtime: if scorer { Runtime::Onnx } else { Runtime::Auto },
            scaling: scaling(deployment, find("HorizontalPodAutoscaler")),
            expose: find("Service").map_or(Expose::Cluster, expose),
            resources: Resources { cpu: requests("cpu")?, memory: requests("memory")? },
            sample: None,
            tuning: Tuning::default(),
        },
        scorer,
        tuned: variables.is_some_and(|all| !all.is_empty()),
    })
}

/// The model version that is served now.
fn model(deployment: &Value) -> Option<ModelRef> {
    let note = |name: &str| {
        let notes = deployment.pointer("/metadata/annotations")?.get(format!("gangplank.dev/{name}"))?;
        notes.as_str()
    };
    let asset = note("asset-id").filter(|id| id.starts_with("azureml://registries/"));
    if let Some(model) = asset.and_then(|id| ModelRef::parse(id).ok()) {
        return Some(model);
    }
    let model =
        ModelRef::in_workspace(note("model-name")?, VersionRef::Exact(note("model-version")?.to_owned()));
    ModelRef::parse(&model.to_string()).ok()
}

fn scaling(deployment: &Value, autoscaler: Option<&Value>) -> Scaling {
    let number = |object: &Value, pointer: &str| {
        object.pointer(pointer).and_then(Value::as_u64).and_then(|it| u32::try_from(it).ok())
    };
    let Some(autoscaler) = autoscaler else {
        let count = number(deployment, "/spec/replicas").unwrap_or(1).max(1);
        return Scaling { min: count, max: count, cpu_percent: CPU_PERCENT };
    };
    let min = number(autoscaler, "/spec/minReplicas").unwrap_or(1).max(1);
    Scaling {
        min,
        max: number(autoscaler, "/spec/maxReplicas").unwrap_or(min).max(min),
        cpu_percent: number(autoscaler, "/spec/metrics/0/resource/target/averageUtilization")
            .unwrap_or(CPU_PERCENT),
    }
}

fn expose(service: &Value) -> Expose {
    if text(service, "/spec/type") != "LoadBalancer" {
        return Expose::Cluster;
    }
    let annotations = service.pointer("/metadata/annotations").and_then(|it| it.get(BALANCER));
    match annotations.and_then(Value::as_str) {
        Some(kind) if kind.eq_ignore_ascii_case("internal") => Expose::Internal,
        _ => Expose::Public,
    }
}
