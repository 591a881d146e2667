//! The deployment file as it is written, as far as it can be honoured; the other fields are set aside before. What it says
//! is judged elsewhere. The fields are those of `azure-ai-ml`:
//! <https://github.com/Azure/azure-sdk-for-python/tree/main/sdk/ml/azure-ai-ml/azure/ai/ml/_schema/_deployment/online>.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::file::format::TextOrNumber;

/// An online deployment of Azure ML.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeploymentFile {
    /// Name of the deployment.
    pub(super) name: String,
    /// Name of the endpoint it belongs to.
    pub(super) endpoint_name: String,
    /// What it is for.
    pub(super) description: Option<String>,
    /// Tags.
    #[serde(default)]
    pub(super) tags: BTreeMap<String, Plain>,
    /// The model, `azureml:NAME:VERSION` or `azureml:NAME@latest`.
    pub(super) model: Option<ModelFile>,
    /// Environment variables.
    #[serde(default)]
    pub(super) environment_variables: BTreeMap<String, Plain>,
    /// What the model runs in.
    pub(super) environment: Option<EnvironmentFile>,
    /// How many instances.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) instance_count: Option<u32>,
    /// How the number of instances is found.
    pub(super) scale_settings: Option<ScaleFile>,
    /// What one instance takes.
    pub(super) resources: Option<ResourcesFile>,
    /// When an instance is started anew.
    pub(super) liveness_probe: Option<ProbeFile>,
    /// When an instance gets requests.
    pub(super) readiness_probe: Option<ProbeFile>,
}

/// A text, or a number or truth value that stands for its text.
#[derive(Debug, JsonSchema)]
#[schemars(inline, extend("type" = ["string", "number", "boolean"]))]
pub(super) struct Plain(pub(super) String);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        }))
    }
}

/// The model.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ModelFile {
    /// A registered one.
    Registered(String),
    /// One that is given in place.
    Inline(InlineModelFile),
}

/// A model given in place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InlineModelFile {
    /// Name under which it is registered.
    pub(super) name: Option<String>,
    /// Version under which it is registered.
    pub(super) version: Option<TextOrNumber>,
}

/// What the model runs in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum EnvironmentFile {
    /// A registered one.
    Registered(String),
    /// One that is given in place.
    Inline(InlineEnvironmentFile),
}

/// An environment given in place.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InlineEnvironmentFile {
    /// The image.
    pub(super) image: Option<String>,
    /// Where the server answers.
    pub(super) inference_config: Option<InferenceFile>,
}

/// Where the server in an image answers.
#[expect(clippy::struct_field_names, reason = "the names are the file's")]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InferenceFile {
    /// Whether it is alive.
    pub(super) liveness_route: Option<RouteFile>,
    /// Whether it is ready.
    pub(super) readiness_route: Option<RouteFile>,
    /// Where it scores.
    pub(super) scoring_route: Option<RouteFile>,
}

/// A port and a path.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteFile {
    /// The path; the scoring route's is set aside before.
    pub(super) path: Option<String>,
    /// The port.
    #[schemars(range(min = 1, max = 65535))]
    pub(super) port: u16,
}

/// How the number of instances is found.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ScaleFile {
    /// By a fixed number, or by use.
    #[serde(rename = "type")]
    pub(super) kind: ScaleKindFile,
    /// At least.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) min_instances: Option<u32>,
    /// At most.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) max_instances: Option<u32>,
    /// Use to aim at, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub(super) target_utilization_percentage: Option<u32>,
}

/// By what instances are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ScaleKindFile {
    /// `instance_count`.
    Default,
    /// Use.
    TargetUtilization,
}

/// What one instance takes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourcesFile {
    /// What is set aside for it.
    pub(super) requests: Option<AmountsFile>,
    /// What it may not exceed.
    pub(super) limits: Option<AmountsFile>,
}

/// Amounts, as Kubernetes quantities.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AmountsFile {
    /// Processors.
    pub(super) cpu: Option<TextOrNumber>,
    /// Memory.
    pub(super) memory: Option<TextOrNumber>,
}

/// How an instance is looked at. Times are seconds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProbeFile {
    /// Time before the first look.
    #[schemars(range(min = 0))]
    pub(super) initial_delay: Option<u32>,
    /// Time between two looks.
    #[schemars(range(min = 1))]
    pub(super) period: Option<u32>,
    /// Time an answer may take.
    #[schemars(range(min = 1))]
    pub(super) timeout: Option<u32>,
    /// Good looks until it counts as good.
    #[schemars(range(min = 1))]
    pub(super) success_threshold: Option<u32>,
    /// Bad looks until it counts as bad.
    #[schemars(range(min = 1))]
    pub(super) failure_threshold: Option<u32>,
}
