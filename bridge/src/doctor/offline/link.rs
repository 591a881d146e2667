//! The links of all chains, and which of them an error text says was refused.

use serde::Serialize;

use super::case::Case;

/// One link, in the order in which chains are walked. No chain has all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Link {
    /// Something is set up: an object is written.
    SetUp,
    /// The client's own settings, before anything is sent.
    Client,
    /// A pod's mapping to an identity: labels, annotations, the metadata server.
    Pod,
    /// Entra gives a token.
    Entra,
    /// Google's STS takes a token.
    Exchange,
    /// Acting as a Google service account.
    Impersonation,
    /// A call to a Google API.
    GoogleApi,
    /// Artifact Registry, docker, the kubelet's pull.
    Registry,
    /// The API server of a GKE cluster.
    Cluster,
    /// Azure's container registry.
    ContainerRegistry,
    /// Azure ML and Azure's resource manager.
    AzureMl,
    /// Azure Storage.
    Storage,
}

/// What stands in a text → the link that was refused. The first that is found counts, so what is said by one service
/// only stands before what several say.
const SAID: &[(&[&str], Link)] = &[
    (&["federatedidentitycredentialswrites", "issuer and subject combination already exists"], Link::SetUp),
    (
        &["add-iam-policy-binding", "could not create a role assignment", "workloadidentitypools.create"],
        Link::SetUp,
    ),
    (
        &["must reference one of the provider's claims", "constraints/iam.workloadidentitypoolproviders"],
        Link::SetUp,
    ),
    (&["must specify exactly one of", "actions_id_token_request", "id-token: write"], Link::Client),
    (&["aadsts500011", "aadsts650057"], Link::Entra),
    (&["aadsts"], Link::Entra),
    (&["identitybindingtoken", "idbindtoken", "metadataserverexception", "computemetadata"], Link::Pod),
    (
        &["metadata-flavor", "metadata endpoint", "gke-metadata-server", "metadata error", "metadata server"],
        Link::Pod,
    ),
    (
        &[
            "could not find default credentials",
            "could not load the default credentials",
            "defaultcredentialserror",
        ],
        Link::Pod,
    ),
    (
        &[
            "missing iam policy binding on the target",
            "azure_* env",
            "projected token volume",
            "no credentialed accounts",
        ],
        Link::Pod,
    ),
    (
        &[
            "google cloud federated token",
            "invalid_target",
            "invalid value for \"audience\"",
            "invalid value for \\\"audience",
        ],
        Link::Exchange,
    ),
    (
        &["in id token", "audience in jwt", "stale to sign-in", "given credential", "mapped attribute"],
        Link::Exchange,
    ),
    (&["credential's issuer", "verify the id token signature", "specified identity issuer"], Link::Exchange),
    (
        &[
            "credentials api has not been used",
            "getaccesstoken",
            "google cloud access token",
            "oauth 2.0 access token",
        ],
        Link::Impersonation,
    ),
    (&["impersonated credentials", "unknown service account", "generateaccesstoken"], Link::Impersonation),
    (&["artifactregistry.", "docker.pkg.dev", "gcr.io"], Link::Registry),
    (
        &["no match for platform", "exec format error", "anonymous token", "must support amd64"],
        Link::Registry,
    ),
    (
        &["azurecr.io", "acr/firewall", "for acr", "acr refresh token", "authentication required"],
        Link::ContainerRegistry,
    ),
    (
        &[
            "container.clusters.",
            "is forbidden: user",
            "gke-gcloud-auth-plugin",
            "grant extra privileges",
            "server api group",
        ],
        Link::Cluster,
    ),
    (
        &[
            "project lookup error",
            "get-credentials",
            "i/o timeout",
            "cannot list resource",
            "cannot create resource",
        ],
        Link::Cluster,
    ),
    (
        &[
            "keybasedauthentication",
            "key based authentication",
            "authorizationpermissionmismatch",
            "storage account",
        ],
        Link::Storage,
    ),
    (
        &[
            "authorizationfailure",
            "blob.core.windows.net",
            "azure.storage",
            "datastore",
            "not authorized to perform this operation",
        ],
        Link::Storage,
    ),
    (
        &["machinelearningservices", "modelnotfound", "azure ml", "azureml", "mlflow", "online endpoint"],
        Link::AzureMl,
    ),
    (
        &[
            "managedidentitycredential",
            "has not been assigned to this resource",
            "authorizationfailed",
            "managed identity token",
        ],
        Link::AzureMl,
    ),
    (&["permission", "denied on resource", "permissiondenied", "permission_denied"], Link::GoogleApi),
];

/// The links that were said to be refused, most telling first.
pub(super) fn said(case: &Case<'_>) -> Vec<Link> {
    let mut links = Vec::new();
    for (needles, link) in SAID {
        if case.says(needles) && !links.contains(link) {
            links.push(*link);
        }
    }
    links
}
