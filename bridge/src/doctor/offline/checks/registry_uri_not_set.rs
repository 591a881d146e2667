//! MLflow looks into a local folder, since nobody told it which registry to ask.

use super::super::case::Case;
use crate::finding::{Confidence, Finding, cause};

const VARIABLES: [&str; 2] = ["MLFLOW_REGISTRY_URI", "MLFLOW_TRACKING_URI"];

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    if !case.says(&["mlflow"]) {
        return None;
    }
    let local = case.says(&["filestore", "file_store", "file:///", "mlruns"]);
    let set: Vec<(&str, String)> = VARIABLES.iter().filter_map(|name| case.variable(name)).collect();
    if set.iter().any(|(value, _)| value.starts_with("azureml://"))
        && case.variable("MLFLOW_REGISTRY_URI").is_some_and(|it| it.0.starts_with("azureml"))
        || !local
    {
        return None;
    }
    let (found, origin) = set.first().map_or_else(
        || ("no MLFLOW_REGISTRY_URI: the local file store".to_owned(), case.talk()),
        |(value, origin)| ((*value).to_owned(), origin.clone()),
    );
    let shown = !case.variables().is_empty();
    Some(
        Finding::new("client/registry-uri-not-set", cause::CREDENTIAL_SOURCE, "MLflow looks into a local folder in place of Azure ML's registry")
            .expected("azureml://LOCATION.api.azureml.ms/mlflow/v1.0/…", "MLFLOW_REGISTRY_URI, or mlflow.set_registry_uri")
            .found(found, origin)
            .confidence(if shown { Confidence::Certain } else { Confidence::Likely })
            .mend("see the workspace's own", "az ml workspace show --name WORKSPACE --resource-group RESOURCE_GROUP --query mlflow_tracking_uri")
            .advice("call `mlflow.set_registry_uri` in the step itself: a step gets the tracking URI by itself, and the registry's not"),
    )
}
