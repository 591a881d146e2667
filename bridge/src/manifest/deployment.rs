//! The Deployment of a service and the account its pods run as.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, HTTPGetAction, Lifecycle,
    LifecycleHandler, PodSecurityContext, PodSpec, PodTemplateSpec, Probe, ResourceRequirements,
    SeccompProfile, SecurityContext, ServiceAccount, SleepAction, TopologySpreadConstraint, Volume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{PORT_NAME, Rendering, labels, selector};
use crate::spec::{ProbeTuning, Runtime};

/// User and group of the pods: `nonroot` of distroless images, and of ours.
const USER: i64 = 65532;
/// A stopping pod answers this long, until every load balancer has taken it out.
const DRAIN_SECONDS: i64 = 5;
/// Time to stop, draining included.
const GRACE_SECONDS: i64 = 30;
/// A model may take this many seconds to load before its container is started anew.
const LOAD_SECONDS: i32 = 600;
/// The container's name.
const CONTAINER: &str = "model";

/// The pods' account. It has no rights and its token is not mounted.
pub(super) fn service_account(rendering: &Rendering<'_>) -> ServiceAccount {
    ServiceAccount {
        metadata: rendering.metadata(),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}

pub(super) fn deployment(rendering: &Rendering<'_>) -> Deployment {
    let selector = selector(rendering.bridge, rendering.service);
    let pod_metadata = ObjectMeta {
        labels: Some(labels(rendering.bridge, rendering.team, rendering.service)),
        ..ObjectMeta::default()
    };
    Deployment {
        metadata: rendering.versioned(rendering.metadata()),
        spec: Some(DeploymentSpec {
            replicas: rendering.replicas.map(|count| i32::try_from(count).unwrap_or(i32::MAX)),
            selector: LabelSelector { match_labels: Some(selector), ..LabelSelector::default() },
            // No pod goes before its successor answers: the old version serves throughout.
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(IntOrString::Int(1)),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
            }),
            template: PodTemplateSpec {
                metadata: Some(rendering.versioned(pod_metadata)),
                spec: Some(pod(rendering)),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

fn pod(rendering: &Rendering<'_>) -> PodSpec {
    PodSpec {
        service_account_name: Some(rendering.service.name.clone()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            ..PodSecurityContext::default()
        }),
        topology_spread_constraints: (rendering.service.scaling.min > 1).then(|| vec![spread(rendering)]),
        volumes: scratch(rendering).map(|(volume, _)| vec![volume]),
        containers: vec![container(rendering)],
        ..PodSpec::default()
    }
}

fn container(rendering: &Rendering<'_>) -> Container {
    let tuning = &rendering.service.tuning;
    Container {
        name: CONTAINER.to_owned(),
        image: Some(rendering.image.to_owned()),
        // Said because the default differs for pinned images only by habit; a digest never changes.
        image_pull_policy: Some("IfNotPresent".to_owned()),
        ports: Some(vec![ContainerPort {
            name: Some(PORT_NAME.to_owned()),
            container_port: i32::from(rendering.container_port()),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        resources: Some(resources(rendering)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            read_only_root_filesystem: Some(true),
            run_as_non_root: Some(true),
            ..SecurityContext::default()
        }),
        env: env(rendering),
        startup_probe: Some(tuned(probe(1, LOAD_SECONDS), &tuning.startup)),
        readiness_probe: Some(tuned(probe(2, 3), &tuning.readiness)),
        liveness_probe: Some(tuned(probe(10, 6), &tuning.liveness)),
        // `sleep` needs no shell in the image.
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction { seconds: DRAIN_SECONDS }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        volume_mounts: scratch(rendering).map(|(_, mount)| vec![mount]),
        ..Container::default()
    }
}

fn resources(rendering: &Rendering<'_>) -> ResourceRequirements {
    let asked = &rendering.service.resources;
    let memory = ("memory".to_owned(), Quantity(asked.memory.clone()));
    ResourceRequirements {
        requests: Some(BTreeMap::from([("cpu".to_owned(), Quantity(asked.cpu.clone())), memory.clone()])),
        // No limit on CPU: it would throttle answers while the node idles.
        limits: Some(BTreeMap::from([memory])),
        claims: None,
    }
}

fn env(rendering: &Rendering<'_>) -> Option<Vec<EnvVar>> {
    let variable = |(name, value): (&String, &String)| EnvVar {
        name: name.clone(),
        value: Some(value.clone()),
        ..EnvVar::default()
    };
    let all: Vec<EnvVar> = rendering.service.tuning.env.iter().map(variable).collect();
    (!all.is_empty()).then_some(all)
}

/// What a deployment file says goes before our own choice.
fn tuned(probe: Probe, tuning: &ProbeTuning) -> Probe {
    let number = |value: Option<u32>| value.map(|value| i32::try_from(value).unwrap_or(i32::MAX));
    let http_get =
        probe.http_get.map(|action| HTTPGetAction { path: tuning.path.clone().or(action.path), ..action });
    Probe {
        http_get,
        initial_delay_seconds: number(tuning.initial_delay).or(probe.initial_delay_seconds),
        period_seconds: number(tuning.period).or(probe.period_seconds),
        timeout_seconds: number(tuning.timeout).or(probe.timeout_seconds),
        success_threshold: number(tuning.success_threshold).or(probe.success_threshold),
        failure_threshold: number(tuning.failure_threshold).or(probe.failure_threshold),
        ..probe
    }
}

fn probe(period: i32, failures: i32) -> Probe {
    Probe {
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        http_get: Some(HTTPGetAction {
            path: Some("/".to_owned()),
            port: IntOrString::String(PORT_NAME.to_owned()),
            ..HTTPGetAction::default()
        }),
        timeout_seconds: Some(2),
        ..Probe::default()
    }
}

/// Somewhere to write for images that are not ours; Python servers do not start without `/tmp`.
fn scratch(rendering: &Rendering<'_>) -> Option<(Volume, VolumeMount)> {
    match rendering.service.runtime {
        Runtime::Auto | Runtime::Onnx => None,
        Runtime::Image { .. } | Runtime::Package { .. } => Some((
            Volume {
                name: "tmp".to_owned(),
                empty_dir: Some(EmptyDirVolumeSource::default()),
                ..Volume::default()
            },
            VolumeMount { name: "tmp".to_owned(), mount_path: "/tmp".to_owned(), ..VolumeMount::default() },
        )),
    }
}

fn spread(rendering: &Rendering<'_>) -> TopologySpreadConstraint {
    TopologySpreadConstraint {
        max_skew: 1,
        topology_key: "kubernetes.io/hostname".to_owned(),
        // A crowded service is better than a missing one.
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(LabelSelector {
            match_labels: Some(selector(rendering.bridge, rendering.service)),
            ..LabelSelector::default()
        }),
        ..TopologySpreadConstraint::default()
    }
}
