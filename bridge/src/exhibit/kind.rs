//! What a document is, told by its shape.

use serde::Serialize;
use serde_json::Value;

use super::{azure, client, google, kubernetes};

/// What an exhibit shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A token's claims (`/claims`) and, where it was given whole, its header (`/header`).
    Token,
    /// What Google says of an access token of its own (`tokeninfo`).
    TokenInfo,
    /// A workload identity pool.
    Pool,
    /// A provider of a pool.
    Provider,
    /// An IAM policy.
    Policy,
    /// A deny policy of Google's.
    DenyPolicy,
    /// A Google service account.
    GoogleServiceAccount,
    /// A Google API that is switched on, or off.
    EnabledService,
    /// A Google project.
    Project,
    /// A GKE cluster.
    GkeCluster,
    /// An entry of Google's audit log.
    AuditEntry,
    /// A repository of Artifact Registry.
    Repository,
    /// A tag of an image in a registry.
    Tag,
    /// A federated identity credential.
    FederatedCredential,
    /// An Azure role assignment.
    RoleAssignment,
    /// An application registration: manifest or `az ad app show`.
    Application,
    /// A service principal.
    ServicePrincipal,
    /// An Azure container registry.
    ContainerRegistry,
    /// An Azure storage account.
    StorageAccount,
    /// A datastore of Azure ML.
    Datastore,
    /// A compute, endpoint, or user-assigned identity of Azure.
    AzureIdentity,
    /// An Azure Kubernetes cluster.
    AksCluster,
    /// A model of Azure ML.
    Model,
    /// An Azure ML workspace.
    Workspace,
    /// An object of the cluster, by its `kind`.
    Kubernetes,
    /// A kubeconfig.
    Kubeconfig,
    /// Docker's `config.json`.
    DockerConfig,
    /// A file that Google's client libraries read: `external_account` and others.
    CredentialFile,
    /// A request for a token: Google's STS, Entra, or an Azure container registry.
    TokenRequest,
    /// The body of a `generateAccessToken` request.
    ImpersonationRequest,
    /// The platforms that an image is for.
    Image,
    /// A key set.
    Keys,
    /// A discovery document.
    Discovery,
    /// A workflow of GitHub Actions.
    Workflow,
    /// Environment variables, versions, and facts about the machine.
    Environment,
    /// A bridge file.
    Bridge,
    /// What the doctor tried, and how it went.
    Attempts,
    /// What somebody was told when it failed.
    ErrorText,
}

impl Kind {
    /// The kind in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::TokenInfo => "access token's info",
            Self::Pool => "pool",
            Self::Provider => "provider",
            Self::Policy => "IAM policy",
            Self::DenyPolicy => "deny policy",
            Self::GoogleServiceAccount => "Google service account",
            Self::EnabledService => "Google API",
            Self::Project => "Google project",
            Self::GkeCluster => "GKE cluster",
            Self::AuditEntry => "audit log entry",
            Self::Repository => "Artifact Registry repository",
            Self::Tag => "image tag",
            Self::FederatedCredential => "federated credential",
            Self::RoleAssignment => "role assignment",
            Self::Application => "application",
            Self::ServicePrincipal => "service principal",
            Self::ContainerRegistry => "Azure container registry",
            Self::StorageAccount => "storage account",
            Self::Datastore => "datastore",
            Self::AzureIdentity => "Azure identity",
            Self::AksCluster => "AKS cluster",
            Self::Model => "model",
            Self::Workspace => "Azure ML workspace",
            Self::Kubernetes => "Kubernetes object",
            Self::Kubeconfig => "kubeconfig",
            Self::DockerConfig => "docker's config",
            Self::CredentialFile => "credential file",
            Self::TokenRequest => "token request",
            Self::ImpersonationRequest => "impersonation request",
            Self::Image => "image platforms",
            Self::Keys => "key set",
            Self::Discovery => "discovery document",
            Self::Workflow => "workflow",
            Self::Environment => "environment",
            Self::Bridge => "bridge file",
            Self::Attempts => "attempts",
            Self::ErrorText => "error text",
        }
    }
}

/// Knows one kind by its shape.
pub(super) type Test = fn(&Value) -> bool;

/// The kind of one document or one item of a list. The first test that holds wins, so the sharper stand first.
pub(super) fn of(value: &Value) -> Option<Kind> {
    let families = [kubernetes::TESTS, google::TESTS, azure::TESTS, client::TESTS];
    let mut tests = families.iter().flat_map(|family| family.iter());
    tests.find(|(_, test)| test(value)).map(|(kind, _)| *kind)
}

/// Whether an object has all of these fields.
pub(super) fn has(value: &Value, names: &[&str]) -> bool {
    names.iter().all(|name| value.get(name).is_some())
}

/// Whether an object has one of these fields.
pub(super) fn has_any(value: &Value, names: &[&str]) -> bool {
    names.iter().any(|name| value.get(name).is_some())
}

/// A field that is a text.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
