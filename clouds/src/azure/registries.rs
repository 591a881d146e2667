//! Azure ML registries: where one is. A registry is named without its subscription and group; Azure ML's discovery service,
//! which azure-ai-ml asks too, knows them.

use bridge::port::{PortError, PortResult, Refused};
use serde::Deserialize;

use super::rest::{Rest, encoded};
use crate::error;

/// How the service is called in errors.
pub(super) const SERVICE: &str = "Azure ML registry";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Discovered {
    subscription_id: Option<String>,
    resource_group: Option<String>,
}

/// The ARM id of a registry.
pub(super) async fn scope(discovery: &Rest, registry: &str) -> PortResult<String> {
    let path = format!("/registrymanagement/v1.0/registries/{}/discovery", encoded(registry));
    let found: Discovered = discovery.get(&path).await.map_err(|refused| named(registry, refused))?;
    let (Some(subscription), Some(group)) = (found.subscription_id, found.resource_group) else {
        let problem = format!("the discovery service does not say where registry `{registry}` is");
        return Err(error::own(SERVICE, Refused::Invalid, problem));
    };
    Ok(format!(
        "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.MachineLearningServices/registries/{}",
        encoded(&subscription),
        encoded(&group),
        encoded(registry)
    ))
}

/// A refusal that says which registry, and what would help.
fn named(registry: &str, refused: PortError) -> PortError {
    let help = match refused.kind {
        // The name is the bridge file's: nothing is wrong with the service.
        Refused::NotFound => {
            let message = format!("there is no registry `{registry}`");
            return error::own(SERVICE, Refused::NotFound, message);
        }
        Refused::Denied => {
            "; the caller needs `AzureML Registry User` on it, which `gangplank apply` gives to those who ship a \
             service whose model is in it"
        }
        _ => "",
    };
    PortError { message: format!("registry `{registry}`: {}{help}", refused.message), ..refused }
}
