//! The Kubernetes objects that serve one model version: rendered as values, checked for secrets, printed as YAML.

mod deployment;
mod network;
mod scaling;
mod secret_gate;
mod workload;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use crate::convention::BRIDGE_LABEL;
use crate::name::{LABEL_MAX, slug};
use crate::port::ModelVersion;
use crate::spec::{Bridge, Service, Team};

pub(crate) use self::secret_gate::kind_of as secret_kind;
pub use self::secret_gate::{Leak, LeakKind, refuse_secrets};
pub use self::workload::workload_patch;

/// Port of the Service, named [`PORT_NAME`].
pub const PORT: u16 = 8080;
/// Name of the port, on the Service and in the container.
pub const PORT_NAME: &str = "http";
/// Label that names the service.
pub const SERVICE_LABEL: &str = "gangplank.dev/service";

/// The port that our own scorer listens on.
const SCORER_PORT: u16 = 5001;
/// The port of Azure ML's inference server, where an environment does not say another.
pub const PACKAGE_PORT: u16 = 5001;

/// Everything the objects of a service depend on.
#[derive(Debug, Clone, Copy)]
pub struct Rendering<'a> {
    /// The bridge.
    pub bridge: &'a Bridge,
    /// The team the service belongs to.
    pub team: &'a Team,
    /// The service.
    pub service: &'a Service,
    /// The model version to serve.
    pub version: &'a ModelVersion,
    /// The image, pinned: `HOST/PATH@sha256:…`.
    pub image: &'a str,
    /// Pods to declare. `None` leaves the count to the autoscaler, for objects that something else applies; whoever
    /// applies server-side declares one, since leaving out a count that was declared before resets it to 1.
    pub replicas: Option<u32>,
}

/// Why objects cannot be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The image is named by a tag, which can change under running pods.
    #[error("image `{0}` is not pinned, expected `HOST/PATH@sha256:` and 64 hexadecimal digits")]
    Unpinned(String),
    /// An object would carry a secret.
    #[error(transparent)]
    Leak(#[from] Leak),
    /// An object has no JSON or YAML form.
    #[error("cannot write {what}: {problem}")]
    Unwritable {
        /// Which object.
        what: String,
        /// What is wrong.
        problem: String,
    },
}

/// Renders the objects of a service, in the order to apply them. None of them carries a secret.
pub fn render(rendering: &Rendering<'_>) -> Result<Vec<Value>, RenderError> {
    require_pinned(rendering.image)?;
    let mut objects = vec![
        value("ServiceAccount", &deployment::service_account(rendering))?,
        value("NetworkPolicy", &network::policy(rendering))?,
        value("Service", &network::service(rendering))?,
        value("Deployment", &deployment::deployment(rendering))?,
    ];
    if let Some(autoscaler) = scaling::autoscaler(rendering) {
        objects.push(value("HorizontalPodAutoscaler", &autoscaler)?);
    }
    if let Some(budget) = scaling::budget(rendering) {
        objects.push(value("PodDisruptionBudget", &budget)?);
    }
    refuse_secrets(&objects)?;
    Ok(objects)
}

/// Objects as one YAML text, a document each.
pub fn to_yaml(objects: &[Value]) -> Result<String, RenderError> {
    // Folding would put long image references on lines of their own, where nobody greps for them.
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false, min_fold_chars: usize::MAX };
    let mut text = String::new();
    for object in objects {
        let document = serde_saphyr::to_string_with_options(object, options.clone()).map_err(|error| {
            RenderError::Unwritable {
                what: object.get("kind").and_then(Value::as_str).unwrap_or("an object").to_owned(),
                problem: error.to_string(),
            }
        })?;
        text.push_str("---\n");
        text.push_str(document.trim_end());
        text.push('\n');
    }
    Ok(text)
}

/// The labels of everything that belongs to a service.
pub fn labels(bridge: &Bridge, team: &Team, service: &Service) -> BTreeMap<String, String> {
    let mut labels = bridge.team_labels(team);
    labels.extend(
        [
            ("app.kubernetes.io/name", service.name.clone()),
            ("app.kubernetes.io/part-of", bridge.name.clone()),
            ("gangplank.dev/model", slug(&service.model.name, LABEL_MAX).text),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    labels.extend(selector(bridge, service));
    labels
}

/// What selects a service's pods. A Deployment's selector can never change, so nothing that changes between two
/// versions of a model may stand here.
pub fn selector(bridge: &Bridge, service: &Service) -> BTreeMap<String, String> {
    BTreeMap::from([
        (BRIDGE_LABEL.to_owned(), bridge.name.clone()),
        (SERVICE_LABEL.to_owned(), service.name.clone()),
    ])
}

impl Rendering<'_> {
    /// Metadata that every object of the service has.
    fn metadata(&self) -> ObjectMeta {
        ObjectMeta {
            name: Some(self.service.name.clone()),
            namespace: Some(self.team.namespace.clone()),
            labels: Some(labels(self.bridge, self.team, self.service)),
            annotations: Some(BTreeMap::from([(
                "gangplank.dev/model-name".to_owned(),
                self.version.name.clone(),
            )])),
            ..ObjectMeta::default()
        }
    }

    /// Metadata of what changes with the version: the Deployment and its pods.
    fn versioned(&self, mut metadata: ObjectMeta) -> ObjectMeta {
        metadata
            .labels
            .get_or_insert_default()
            .insert("app.kubernetes.io/version".to_owned(), slug(&self.version.version, LABEL_MAX).text);
        metadata.annotations.get_or_insert_default().extend(
            [
                ("gangplank.dev/model-name", &self.version.name),
                ("gangplank.dev/model-version", &self.version.version),
                ("gangplank.dev/asset-id", &self.version.asset_id),
            ]
            .map(|(name, value)| (name.to_owned(), value.clone())),
        );
        metadata.annotations.get_or_insert_default().extend(self.service.tuning.annotations.clone());
        metadata
    }

    fn container_port(&self) -> u16 {
        match &self.service.runtime {
            crate::spec::Runtime::Auto | crate::spec::Runtime::Onnx => SCORER_PORT,
            crate::spec::Runtime::Image { port, .. } => *port,
            crate::spec::Runtime::Package { .. } => PACKAGE_PORT,
        }
    }
}

fn require_pinned(image: &str) -> Result<(), RenderError> {
    let pinned = image.split_once("@sha256:").is_some_and(|(name, digest)| {
        !name.is_empty() && digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    });
    if pinned { Ok(()) } else { Err(RenderError::Unpinned(image.to_owned())) }
}

fn value<T: Serialize>(what: &str, object: &T) -> Result<Value, RenderError> {
    serde_json::to_value(object)
        .map_err(|error| RenderError::Unwritable { what: what.to_owned(), problem: error.to_string() })
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
