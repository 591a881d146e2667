//! What `az` prints, and Microsoft Graph and the resource manager answer.

use serde_json::Value;

use super::kind::{Kind, Test, has, has_any, text};

pub(super) const TESTS: &[(Kind, Test)] = &[
    (Kind::FederatedCredential, federated_credential),
    (Kind::RoleAssignment, |it| {
        either(it, &["principalId"]) && either_any(it, &["roleDefinitionName", "roleDefinitionId"])
    }),
    (Kind::ServicePrincipal, |it| has_any(it, &["servicePrincipalType", "servicePrincipalNames"])),
    (Kind::Application, application),
    (Kind::ContainerRegistry, |it| {
        of_type(it, "Microsoft.ContainerRegistry/registries") || either(it, &["loginServer"])
    }),
    (Kind::StorageAccount, |it| {
        of_type(it, "Microsoft.Storage/storageAccounts")
            || either_any(it, &["allowSharedKeyAccess", "primaryEndpoints"])
    }),
    (Kind::AksCluster, |it| {
        of_type(it, "Microsoft.ContainerService/managedClusters")
            || either_any(it, &["oidcIssuerProfile", "identityProfile"])
    }),
    (Kind::Datastore, datastore),
    (Kind::AzureIdentity, azure_identity),
    (Kind::Model, model),
    (Kind::Workspace, |it| {
        of_type(it, "Microsoft.MachineLearningServices/workspaces")
            || has_any(it, &["mlflow_tracking_uri", "mlFlowTrackingUri"])
    }),
    (Kind::Tag, |it| has(it, &["digest"]) && (has(it, &["name", "createdTime"]) || has(it, &["tags"]))),
];

/// Whether the fields are there, at the top or below `properties`, where the resource manager has them.
fn either(value: &Value, names: &[&str]) -> bool {
    has(value, names) || value.get("properties").is_some_and(|inner| has(inner, names))
}

fn either_any(value: &Value, names: &[&str]) -> bool {
    has_any(value, names) || value.get("properties").is_some_and(|inner| has_any(inner, names))
}

fn of_type(value: &Value, wanted: &str) -> bool {
    text(value, "type").eq_ignore_ascii_case(wanted)
}

fn federated_credential(value: &Value) -> bool {
    either(value, &["issuer", "audiences"]) && either_any(value, &["subject", "claimsMatchingExpression"])
}

fn application(value: &Value) -> bool {
    let marks = [
        "identifierUris",
        "signInAudience",
        "requestedAccessTokenVersion",
        "accessTokenAcceptedVersion",
        "appRoles",
    ];
    has(value, &["appId"]) && has_any(value, &marks)
}

fn datastore(value: &Value) -> bool {
    let named = ["azure_blob", "azure_file", "azure_data_lake_gen2", "azure_data_lake_gen1"];
    named.contains(&text(value, "type").to_ascii_lowercase().as_str())
        || either(value, &["datastoreType"])
        || text(value, "id").contains("/datastores/")
}

fn azure_identity(value: &Value) -> bool {
    let id = text(value, "id").to_ascii_lowercase();
    let machine = [
        "/computes/",
        "/onlineendpoints/",
        "/batchendpoints/",
        "/virtualmachines/",
        "/userassignedidentities/",
    ];
    machine.iter().any(|it| id.contains(it))
        || has(value, &["principalId", "clientId"])
        || has(value, &["identity"]) && has_any(value, &["type", "auth_mode", "provisioning_state", "name"])
}

fn model(value: &Value) -> bool {
    has(value, &["name", "version"])
        && (text(value, "id").contains("/models/")
            || text(value, "id").starts_with("azureml:")
            || text(value, "type").ends_with("_model"))
}
