//! The fields of a deployment that nothing on GKE answers to, whatever they hold, each with the reason.

use crate::file::tree::Content;

const READ_ONLY: &str = "read-only in Azure ML";
const INTERNAL: &str = "internal to Azure ML";
const REGISTERED_VERSION: &str = "the registered version says it itself";
const NOT_WHAT_RUNS: &str = "says nothing about what runs";

/// The field, as a path, and the reason.
const REASONS: [(&str, &str); 43] = [
    (
        "app_insights_enabled",
        "pods log to Cloud Logging and metrics go to Cloud Monitoring; nothing is sent to Application Insights",
    ),
    (
        "code_configuration",
        "no scoring script is run beside the model: our scorer serves ONNX files itself, and an image of one's own \
         (`runtime.image`) holds its own code",
    ),
    ("creation_context", READ_ONLY),
    (
        "data_collector",
        "requests and answers are not collected; put a collector in front of the service where that is needed",
    ),
    (
        "egress_public_network_access",
        "what pods may reach is decided by the NetworkPolicy of the team's namespace, not by the service",
    ),
    ("environment.build", "images are not built on the way; build it, push it and name it by its digest"),
    ("environment.conda_file", "packages are not installed on the way: they must be in the image"),
    ("environment.creation_context", READ_ONLY),
    ("environment.datastore", "images are not built on the way"),
    ("environment.description", NOT_WHAT_RUNS),
    ("environment.id", READ_ONLY),
    ("environment.name", NOT_WHAT_RUNS),
    ("environment.os_type", "pods run on Linux"),
    ("environment.properties", INTERNAL),
    ("environment.tags", NOT_WHAT_RUNS),
    ("environment.version", NOT_WHAT_RUNS),
    ("id", READ_ONLY),
    (
        "instance_type",
        "names a size of Azure's machines; say `resources` in the bridge file, the cluster finds the machine",
    ),
    ("model.creation_context", READ_ONLY),
    ("model.datastore", "the files come from the registered version"),
    ("model.description", REGISTERED_VERSION),
    ("model.flavors", REGISTERED_VERSION),
    ("model.id", READ_ONLY),
    ("model.job_name", READ_ONLY),
    ("model.latest_version", READ_ONLY),
    ("model.path", "the files come from the registered version"),
    ("model.properties", INTERNAL),
    ("model.stage", REGISTERED_VERSION),
    ("model.tags", REGISTERED_VERSION),
    ("model.type", REGISTERED_VERSION),
    ("model.utc_time_created", READ_ONLY),
    ("model_mount_path", "the model lies where `AZUREML_MODEL_DIR` says, which the image sets"),
    ("private_network_connection", "who can reach the service is `expose` in the bridge file"),
    ("properties", INTERNAL),
    ("provisioning_state", READ_ONLY),
    (
        "request_settings",
        "nothing in front of the pods queues or cuts off requests: the autoscaler adds pods, and time limits belong to \
         the caller or to the gateway",
    ),
    ("resources.limits.nvidia.com/gpu", NO_GPU),
    ("resources.requests.nvidia.com/gpu", NO_GPU),
    (
        "resources.limits.cpu",
        "a CPU limit would throttle answers while the node idles; the request is what is set aside",
    ),
    (
        "environment.inference_config.scoring_route.path",
        "callers reach every path of the service; its own is theirs to know",
    ),
    (
        "scale_settings.polling_interval",
        "the cluster's autoscaler looks every 15 seconds, for all services alike",
    ),
    ("type", "the service runs in the bridge's cluster, whichever endpoint the file was written for"),
    ("$schema", "tells editors which fields there are"),
];
const NO_GPU: &str = "pods are given no graphics processors";

/// Why a field is not carried over, if nothing answers to it. A switch that is off asks for nothing.
pub(super) fn reason(path: &str, value: &Content) -> Option<&'static str> {
    let (_, reason) = REASONS.iter().find(|(field, _)| *field == path)?;
    Some(if matches!(value, Content::Bool(false)) { OFF } else { reason })
}

const OFF: &str = "off, which is how it is here";
