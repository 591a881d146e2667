//! The seeded world: two teams, two models with two versions each, the people and machines that act. Every id here is
//! made up; nothing outside the sandbox knows them.

mod identities;

pub use identities::*;

/// Entra tenant.
pub const TENANT: &str = "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10";
/// Its name, as Entra's refusals show it.
pub const TENANT_NAME: &str = "Harbour";
/// Azure subscription.
pub const SUBSCRIPTION: &str = "7d9b2f40-1c3e-4a5d-8b6f-2e0c9a8d5b31";
/// Resource group.
pub const RESOURCE_GROUP: &str = "rg-quay";
/// Azure ML workspace.
pub const WORKSPACE: &str = "quay";
/// Storage account of the workspace's default datastore.
pub const STORAGE_ACCOUNT: &str = "quaystore";
/// Its container.
pub const CONTAINER: &str = "azureml-blobstore-quay";
/// The workspace's datastore for what jobs leave behind; not the default one.
pub const ARTIFACT_DATASTORE: &str = "workspaceartifactstore";
/// Its container, in the same account.
pub const ARTIFACT_CONTAINER: &str = "azureml";
/// Azure ML registry: models shared between workspaces.
pub const ML_REGISTRY: &str = "quay-shared";
/// The registry's own storage account, which nobody has a role on: it is read by the registry's leave alone.
pub const ML_REGISTRY_ACCOUNT: &str = "quaysharedstore";
/// Its container.
pub const ML_REGISTRY_CONTAINER: &str = "quay-shared-assets";
/// The environment that holds the package of `breast-cancer` 2: name and version.
pub const PACKAGE_ENVIRONMENT: (&str, &str) = ("breast-cancer-package", "1");
/// Azure container registry of the workspace; images there are named `quayacr.azurecr.io/…`.
pub const CONTAINER_REGISTRY: &str = "quayacr";
/// The repository of the one image there, a model package; Azure ML names them by a hash.
pub const PACKAGED_REPOSITORY: &str = "azureml/azureml_5f2d0c7e9b184a3d8c6e1f0a2b3c4d5e";
/// Display name of the application that the ready-made bridge file declares.
pub const APPLICATION: &str = "gangplank-bridge";
/// Azure region.
pub const REGION: &str = "westeurope";

/// Google project id.
pub const PROJECT: &str = "harbour-sandbox";
/// Google project number.
pub const PROJECT_NUMBER: &str = "412907655821";
/// Google region.
pub const LOCATION: &str = "europe-west4";
/// GKE cluster.
pub const CLUSTER: &str = "ship";
/// The service account that the cluster's node runs as.
pub const NODE_SERVICE_ACCOUNT: &str = "ship-nodes@harbour-sandbox.iam.gserviceaccount.com";
/// The administrator, a Google user with `roles/owner` on the project.
pub const GOOGLE_ADMIN: &str = "admin@harbour.example";

/// An application with a service principal in the tenant.
pub struct Machine {
    /// Display name.
    pub name: &'static str,
    /// Application (client) id.
    pub client_id: &'static str,
    /// Object id of the application.
    pub application_object_id: &'static str,
    /// Object id of the service principal: `oid` and `sub` of its tokens.
    pub object_id: &'static str,
}

/// The administrator on the Azure side: a user, logged in with `az`.
pub const AZURE_ADMIN_OBJECT_ID: &str = "5c1d9e70-3f4b-4d2a-8e6c-0b7a1f2d3c40";
/// Her user principal name.
pub const AZURE_ADMIN: &str = "admin@harbour.example";

/// Deploys for team oncology; logs in with a federated credential that trusts the cluster's issuer, subject
/// `system:serviceaccount:ci:oncology-ci`.
pub const ONCOLOGY_CI: Machine = Machine {
    name: "oncology-ci",
    client_id: "a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01",
    application_object_id: "b2e1d4c3-8c75-4f2a-8d69-e31f708b9c02",
    object_id: "c3d2e5f4-9d86-403b-9e7a-f42081ac0d03",
};

/// Deploys for team cellar by the app role `Cellar.Deployer`; logs in with a client secret.
pub const CELLAR_CI: Machine = Machine {
    name: "cellar-ci",
    client_id: "d4c3f6a5-ae97-414c-8f8b-0531920d1e04",
    application_object_id: "e5b4a7b6-bfa8-425d-909c-164203ae2f05",
    object_id: "f6a5b8c7-c0b9-436e-81ad-275314bf3006",
};

/// A stranger: in the tenant, but declared nowhere; logs in with a client secret.
pub const STRANGER: Machine = Machine {
    name: "stranger",
    client_id: "07b6c9d8-d1ca-447f-92be-386425c04107",
    application_object_id: "18c7dae9-e2db-4580-83cf-497536d15208",
    object_id: "29d8ebfa-f3ec-4691-94d0-5a8647e26309",
};

/// A group whose only member is [`ONCOLOGY_CI`].
pub const ONCOLOGY_GROUP: &str = "3ad9fc0b-04fd-47a2-a5e1-6b97f358e410";

/// One seeded model version.
pub struct SeededModel {
    /// Azure ML name.
    pub name: &'static str,
    /// Version.
    pub version: &'static str,
    /// Azure ML tags.
    pub tags: &'static [(&'static str, &'static str)],
    /// Files: path below the version's root, bytes.
    pub files: &'static [(&'static str, &'static [u8])],
}

/// One file below `models/`.
macro_rules! file {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/", $path))
    };
}

/// The seeded models: real ones, trained by `models/train.py` on datasets that ship inside scikit-learn.
pub const MODELS: &[SeededModel] = &[
    SeededModel {
        name: "breast-cancer",
        version: "1",
        tags: &[("stage", "production"), ("framework", "onnx"), ("algorithm", "logistic-regression")],
        files: &[
            ("labels.json", file!("breast-cancer/1/labels.json")),
            ("model.onnx", file!("breast-cancer/1/model.onnx")),
        ],
    },
    SeededModel {
        name: "breast-cancer",
        version: "2",
        tags: &[("stage", "candidate"), ("framework", "onnx"), ("algorithm", "neural-network")],
        files: &[
            ("labels.json", file!("breast-cancer/2/labels.json")),
            ("model.onnx", file!("breast-cancer/2/model.onnx")),
            ("notes/über view.md", file!("breast-cancer/2/notes/über view.md")),
        ],
    },
    SeededModel {
        name: "Wine_Cultivar",
        version: "1",
        tags: &[("stage", "archived"), ("framework", "onnx"), ("algorithm", "logistic-regression")],
        files: &[
            ("labels.json", file!("Wine_Cultivar/1/labels.json")),
            ("model.onnx", file!("Wine_Cultivar/1/model.onnx")),
        ],
    },
    SeededModel {
        name: "Wine_Cultivar",
        version: "2",
        tags: &[("stage", "production"), ("framework", "onnx"), ("algorithm", "neural-network")],
        files: &[
            ("labels.json", file!("Wine_Cultivar/2/labels.json")),
            ("model.onnx", file!("Wine_Cultivar/2/model.onnx")),
        ],
    },
];

/// A model that a job registered: its files lie in [`ARTIFACT_DATASTORE`].
pub const JOB_MODEL: SeededModel = SeededModel {
    name: "breast-cancer-job",
    version: "1",
    tags: &[("stage", "trial"), ("framework", "onnx")],
    files: &[
        ("labels.json", file!("breast-cancer/2/labels.json")),
        ("model.onnx", file!("breast-cancer/2/model.onnx")),
    ],
};

/// The models of [`ML_REGISTRY`].
pub const REGISTRY_MODELS: &[SeededModel] = &[
    SeededModel {
        name: "breast-cancer-shared",
        version: "1",
        tags: &[("framework", "onnx")],
        files: &[
            ("labels.json", file!("breast-cancer/1/labels.json")),
            ("model.onnx", file!("breast-cancer/1/model.onnx")),
        ],
    },
    SeededModel {
        name: "breast-cancer-shared",
        version: "2",
        tags: &[("framework", "onnx")],
        files: &[
            ("labels.json", file!("breast-cancer/2/labels.json")),
            ("model.onnx", file!("breast-cancer/2/model.onnx")),
        ],
    },
];

/// For each model a request of a few rows that it was not trained on.
pub const SAMPLES: &[(&str, &[u8])] = &[
    ("breast-cancer", file!("breast-cancer/sample.json")),
    ("Wine_Cultivar", file!("Wine_Cultivar/sample.json")),
];

/// For each model scikit-learn's own answers to its sample: version → `classes` and `probabilities`.
pub const EXPECTED: &[(&str, &[u8])] = &[
    ("breast-cancer", file!("breast-cancer/expected.json")),
    ("Wine_Cultivar", file!("Wine_Cultivar/expected.json")),
];

/// Key ring of the key in Cloud KMS that images can be signed with.
pub const KEY_RING: &str = "gangplank";
/// That key.
pub const SIGNING_KEY: &str = "images";
/// Its version.
pub const SIGNING_KEY_VERSION: &str = "1";
