//! The seeded machines that log in by other ways than a secret or the cluster's issuer, and where they come from.

use super::{LOCATION, Machine, PROJECT, RESOURCE_GROUP, SUBSCRIPTION, WORKSPACE};

/// A managed identity: a service principal without an application of the tenant's own.
pub struct Managed {
    /// Display name.
    pub name: &'static str,
    /// Client id.
    pub client_id: &'static str,
    /// Object id of the service principal: `oid` and `sub` of its tokens.
    pub object_id: &'static str,
}

/// A data scientist: a user of the tenant who holds nothing, logged in with `az` by `dana.env`. Her object id.
pub const DANA_OBJECT_ID: &str = "6d2e0f81-405c-4e3b-9f7d-1c8b2f3e4d51";
/// Her user principal name.
pub const DANA: &str = "dana@harbour.example";

/// The system-assigned identity of the host that the instance metadata service plays: the workspace's compute `hold`.
pub const HOLD: Managed = Managed {
    name: "quay/computes/hold",
    client_id: "4f1a2b3c-5d6e-4f70-8a91-b2c3d4e5f601",
    object_id: "5a2b3c4d-6e7f-4081-9ba2-c3d4e5f60712",
};

/// A user-assigned identity that the host has, too.
pub const TRAINER: Managed = Managed {
    name: "trainer",
    client_id: "6b3c4d5e-7f80-4192-8cb3-d4e5f6071823",
    object_id: "7c4d5e6f-8091-42a3-9dc4-e5f607182934",
};

/// Comes from GitHub Actions: trusts GitHub's issuer for the branch `main` of the repository below.
pub const GITHUB_CI: Machine = Machine {
    name: "github-ci",
    client_id: "8d5e6f70-91a2-43b4-8ed5-f60718293a45",
    application_object_id: "9e6f7081-a2b3-44c5-9fe6-0718293a4b56",
    object_id: "af708192-b3c4-45d6-80f7-18293a4b5c67",
};

/// Comes from Azure Pipelines: trusts Azure DevOps' issuer for the service connection below.
pub const DEVOPS_CI: Machine = Machine {
    name: "devops-ci",
    client_id: "b08192a3-c4d5-46e7-9108-293a4b5c6d78",
    application_object_id: "c192a3b4-d5e6-47f8-8219-3a4b5c6d7e89",
    object_id: "d2a3b4c5-e6f7-4809-932a-4b5c6d7e8f9a",
};

/// Logs in with a certificate.
pub const CERTIFICATE_CI: Machine = Machine {
    name: "certificate-ci",
    client_id: "e3b4c5d6-f708-491a-843b-5c6d7e8f9aab",
    application_object_id: "f4c5d6e7-0819-4a2b-954c-6d7e8f9aabbc",
    object_id: "05d6e7f8-192a-4b3c-865d-7e8f9aabbccd",
};

/// Comes from Google: trusts Google's issuer for the service account of the cluster's nodes.
pub const GOOGLE_CI: Machine = Machine {
    name: "google-ci",
    client_id: "16e7f809-2a3b-4c4d-976e-8f9aabbccdde",
    application_object_id: "27f8091a-3b4c-4d5e-887f-9aabbccddeef",
    object_id: "38091a2b-4c5d-4e6f-9980-abbccddeef01",
};

/// An application of another tenant, open to all tenants, that nobody has taken into this one.
pub const FOREIGN_APPLICATION: &str = "7c4d5e6f-8091-42a3-8dc4-ef0112233445";

/// Owner and repository of the workflow that runs on GitHub, each with its immutable id.
pub const GITHUB_OWNER: (&str, u64) = ("harbour-org", 7_710_429);
/// See [`GITHUB_OWNER`].
pub const GITHUB_REPOSITORY: (&str, u64) = ("quay-models", 884_120_573);
/// Azure DevOps organisation, with its id.
pub const DEVOPS_ORGANISATION: (&str, &str) = ("harbour-devops", "491a2b3c-5d6e-4f70-8a91-bccddeef0112");
/// Azure DevOps project, with its id.
pub const DEVOPS_PROJECT: (&str, &str) = ("quay", "5a2b3c4d-6e7f-4081-9ba2-cddeef011223");
/// Service connection, with its id.
pub const DEVOPS_CONNECTION: (&str, &str) = ("harbour-azure", "6b3c4d5e-7f80-4192-8cb3-deef01122334");

/// Resource id of the compute whose identity is [`HOLD`].
pub fn hold_resource_id() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourcegroups/{RESOURCE_GROUP}/providers/\
         Microsoft.MachineLearningServices/workspaces/{WORKSPACE}/computes/hold"
    )
}

/// Resource id of [`TRAINER`].
pub fn trainer_resource_id() -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/resourcegroups/{RESOURCE_GROUP}/providers/\
         Microsoft.ManagedIdentity/userAssignedIdentities/{}",
        TRAINER.name
    )
}

/// The zone that Google's metadata server reports.
pub fn zone() -> String {
    format!("{LOCATION}-a")
}

/// The pool of the cluster's own service accounts.
pub fn workload_pool() -> String {
    format!("{PROJECT}.svc.id.goog")
}
