//! How a service is reached, and by whom.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{PORT, PORT_NAME, Rendering, selector};
use crate::spec::Expose;

/// Label that every namespace carries with its own name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

pub(super) fn service(rendering: &Rendering<'_>) -> Service {
    let mut metadata = rendering.metadata();
    if rendering.service.expose == Expose::Internal {
        metadata
            .annotations
            .get_or_insert_default()
            .insert("networking.gke.io/load-balancer-type".to_owned(), "Internal".to_owned());
    }
    let kind = match rendering.service.expose {
        Expose::Cluster => "ClusterIP",
        Expose::Internal | Expose::Public => "LoadBalancer",
    };
    Service {
        metadata,
        spec: Some(ServiceSpec {
            type_: Some(kind.to_owned()),
            selector: Some(selector(rendering.bridge, rendering.service)),
            ports: Some(vec![ServicePort {
                name: Some(PORT_NAME.to_owned()),
                port: i32::from(PORT),
                target_port: Some(IntOrString::String(PORT_NAME.to_owned())),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

/// Admits callers to the service's port and to nothing else.
pub(super) fn policy(rendering: &Rendering<'_>) -> NetworkPolicy {
    let port = NetworkPolicyPort {
        port: Some(IntOrString::Int(i32::from(rendering.container_port()))),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    };
    NetworkPolicy {
        metadata: rendering.metadata(),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(labelled(selector(rendering.bridge, rendering.service))),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule {
                ports: Some(vec![port]),
                from: callers(rendering),
            }]),
            egress: None,
        }),
    }
}

/// Who may call; `None` is everybody, for a service behind a load balancer, whose callers come from anywhere.
fn callers(rendering: &Rendering<'_>) -> Option<Vec<NetworkPolicyPeer>> {
    match rendering.service.expose {
        Expose::Internal | Expose::Public => return None,
        Expose::Cluster => {}
    }
    let own =
        NetworkPolicyPeer { pod_selector: Some(LabelSelector::default()), ..NetworkPolicyPeer::default() };
    let named = rendering.team.callers.iter().map(|namespace| NetworkPolicyPeer {
        namespace_selector: Some(labelled(namespace_named(namespace))),
        ..NetworkPolicyPeer::default()
    });
    // The API server's proxy, through which we score a sample, reaches pods by these agents.
    let proxy = NetworkPolicyPeer {
        namespace_selector: Some(labelled(namespace_named("kube-system"))),
        pod_selector: Some(labelled(BTreeMap::from([(
            "k8s-app".to_owned(),
            "konnectivity-agent".to_owned(),
        )]))),
        ip_block: None,
    };
    Some(std::iter::once(own).chain(named).chain([proxy]).collect())
}

fn namespace_named(name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(NAMESPACE_NAME.to_owned(), name.to_owned())])
}

fn labelled(labels: BTreeMap<String, String>) -> LabelSelector {
    LabelSelector { match_labels: Some(labels), ..LabelSelector::default() }
}
