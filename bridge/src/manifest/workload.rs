//! What a pod of a workload needs to become its managed identity: a patch for its Deployment.

use serde_json::{Value, json};

use crate::spec::{AzureCloud, Bridge, Via, Workload};

/// Where the token is, and the names that Azure's libraries know:
/// <https://azure.github.io/azure-workload-identity/docs/topics/self-managed-clusters/examples/kind.html>.
const FOLDER: &str = "/var/run/secrets/azure/tokens";
const FILE: &str = "azure-identity-token";

/// How long the token lives, in seconds; the node renews it in good time. Pods read it anew each time.
const LIFETIME: i64 = 3600;

/// A strategic-merge patch: the service account, the token as a projected volume, and the variables that Azure's
/// libraries and `gangplank` read. Works without a webhook in the cluster.
pub fn workload_patch(bridge: &Bridge, workload: &Workload, client_id: &str, container: &str) -> Value {
    let file = format!("{FOLDER}/{FILE}");
    let mut variables = vec![
        ("AZURE_CLIENT_ID", client_id),
        ("AZURE_TENANT_ID", bridge.azure.tenant.as_str()),
        ("AZURE_AUTHORITY_HOST", authority(bridge)),
    ];
    match workload.via {
        Via::Cluster => variables.push(("AZURE_FEDERATED_TOKEN_FILE", &file)),
        Via::Google => variables.push(("GANGPLANK_AS", "google")),
    }
    let variables: Vec<Value> =
        variables.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let (mounts, volumes) = match workload.via {
        Via::Cluster => (
            json!([{ "name": FILE, "mountPath": FOLDER, "readOnly": true }]),
            json!([{ "name": FILE, "projected": { "sources": [{ "serviceAccountToken": {
                "audience": bridge.token_exchange_audience(),
                "expirationSeconds": LIFETIME,
                "path": FILE,
            } }] } }]),
        ),
        Via::Google => (json!([]), json!([])),
    };
    let container = json!({ "name": container, "env": variables, "volumeMounts": mounts });
    let pod = json!({
        "serviceAccountName": workload.service_account,
        "volumes": volumes,
        "containers": [container],
    });
    json!({ "spec": { "template": { "spec": pod } } })
}

fn authority(bridge: &Bridge) -> &str {
    bridge.endpoints.entra.as_deref().unwrap_or(match bridge.azure.cloud {
        AzureCloud::Public => "https://login.microsoftonline.com",
        AzureCloud::UsGovernment => "https://login.microsoftonline.us",
        AzureCloud::China => "https://login.partner.microsoftonline.cn",
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::manifest::{fixture, refuse_secrets};
    use crate::spec::WorkloadRight;

    #[test]
    fn patches() {
        for (via, cloud, audience) in [
            (Via::Cluster, AzureCloud::Public, "api://AzureADTokenExchange"),
            (Via::Cluster, AzureCloud::China, "api://AzureADTokenExchangeChina"),
            (Via::Google, AzureCloud::Public, ""),
        ] {
            let mut bridge = fixture::bridge();
            bridge.azure.cloud = cloud;
            let workload = Workload {
                name: "taster".to_owned(),
                team: "cellar".to_owned(),
                service_account: "reader".to_owned(),
                may: BTreeSet::from([WorkloadRight::ReadModels]),
                via,
            };
            let patch = workload_patch(&bridge, &workload, "client", "app");
            let pod = &patch["spec"]["template"]["spec"];
            assert_eq!(pod["serviceAccountName"], "reader");
            let token = &pod["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
            assert_eq!(token["audience"].as_str().unwrap_or_default(), audience);
            assert!(refuse_secrets(std::slice::from_ref(&patch)).is_ok());
            let names: Vec<&str> = pod["containers"][0]["env"]
                .as_array()
                .unwrap()
                .iter()
                .map(|variable| variable["name"].as_str().unwrap())
                .collect();
            let last = if via == Via::Cluster { "AZURE_FEDERATED_TOKEN_FILE" } else { "GANGPLANK_AS" };
            assert_eq!(names, ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", last]);
        }
    }
}
