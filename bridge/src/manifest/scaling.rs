//! How many pods a service has, and how many of them may be taken away at once.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec,
    MetricTarget, ResourceMetricSource,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Rendering, selector};

/// The autoscaler, unless the count is fixed.
pub(super) fn autoscaler(rendering: &Rendering<'_>) -> Option<HorizontalPodAutoscaler> {
    let scaling = &rendering.service.scaling;
    if scaling.min == scaling.max {
        return None;
    }
    Some(HorizontalPodAutoscaler {
        metadata: rendering.metadata(),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name: rendering.service.name.clone(),
            },
            min_replicas: Some(count(scaling.min)),
            max_replicas: count(scaling.max),
            metrics: Some(vec![MetricSpec {
                type_: "Resource".to_owned(),
                resource: Some(ResourceMetricSource {
                    name: "cpu".to_owned(),
                    target: MetricTarget {
                        type_: "Utilization".to_owned(),
                        average_utilization: Some(count(scaling.cpu_percent)),
                        ..MetricTarget::default()
                    },
                }),
                ..MetricSpec::default()
            }]),
            behavior: None,
        }),
        status: None,
    })
}

/// The disruption budget. A single pod gets none: a budget over it would only block the draining of its node.
pub(super) fn budget(rendering: &Rendering<'_>) -> Option<PodDisruptionBudget> {
    (rendering.service.scaling.min > 1).then(|| PodDisruptionBudget {
        metadata: rendering.metadata(),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(LabelSelector {
                match_labels: Some(selector(rendering.bridge, rendering.service)),
                ..LabelSelector::default()
            }),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    })
}

fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
