//! Google's permissions in the groups that predefined roles share, as far as Gangplank and its sandbox touch them.
//! Sources: `https://cloud.google.com/iam/docs/roles-permissions/SERVICE`, one page a service; what was compared says [`super::roles`].
//!
//! Permissions on pools and providers have two spellings: roles list `iam.googleapis.com/workloadIdentityPools.create`, while IAM
//! refuses in the name of `iam.workloadIdentityPools.create` (`https://github.com/hashicorp/terraform-provider-google/issues/17508`).
//! Here stands the latter. No source says which of the two `testIamPermissions` takes; others' code that asks it has the former.

pub(super) const PROJECT_GET_ONE: &[&str] = &["resourcemanager.projects.get"];
pub(super) const PROJECT_GET: &[&str] = &["resourcemanager.projects.get", "resourcemanager.projects.list"];
pub(super) const PROJECT_READ: &[&str] = &[
    "resourcemanager.projects.get",
    "resourcemanager.projects.list",
    "resourcemanager.projects.getIamPolicy",
];
/// Without `list`, unlike what reads projects.
pub(super) const PROJECT_POLICY_READ: &[&str] =
    &["resourcemanager.projects.get", "resourcemanager.projects.getIamPolicy"];
pub(super) const PROJECT_POLICY: &[&str] = &["resourcemanager.projects.setIamPolicy"];

pub(super) const SERVICE_ACCOUNT_READ_ONE: &[&str] = &["iam.serviceAccounts.get", "iam.serviceAccounts.list"];
pub(super) const SERVICE_ACCOUNT_READ: &[&str] =
    &["iam.serviceAccounts.get", "iam.serviceAccounts.list", "iam.serviceAccounts.getIamPolicy"];
pub(super) const SERVICE_ACCOUNT_CREATE: &[&str] = &["iam.serviceAccounts.create"];
pub(super) const SERVICE_ACCOUNT_WRITE: &[&str] = &[
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.update",
    "iam.serviceAccounts.delete",
    "iam.serviceAccounts.enable",
    "iam.serviceAccounts.disable",
];
/// What `roles/editor` lacks.
pub(super) const SERVICE_ACCOUNT_POLICY: &[&str] =
    &["iam.serviceAccounts.setIamPolicy", "iam.serviceAccounts.undelete"];
pub(super) const ACT_AS: &[&str] = &["iam.serviceAccounts.actAs"];
pub(super) const GET_ACCESS_TOKEN: &[&str] =
    &["iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken"];
pub(super) const SIGN: &[&str] = &[
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccounts.signJwt",
    "iam.serviceAccounts.implicitDelegation",
];

pub(super) const SIGN_WITH_KEY: &[&str] = &["cloudkms.cryptoKeyVersions.useToSign"];
pub(super) const VIEW_PUBLIC_KEY: &[&str] = &["cloudkms.cryptoKeyVersions.viewPublicKey"];
pub(super) const CRYPTO_KEY_POLICY: &[&str] =
    &["cloudkms.cryptoKeys.getIamPolicy", "cloudkms.cryptoKeys.setIamPolicy"];

pub(super) const POOL_READ: &[&str] = &[
    "iam.workloadIdentityPools.get",
    "iam.workloadIdentityPools.list",
    "iam.workloadIdentityPoolProviders.get",
    "iam.workloadIdentityPoolProviders.list",
];
pub(super) const POOL_WRITE: &[&str] = &[
    "iam.workloadIdentityPools.create",
    "iam.workloadIdentityPools.update",
    "iam.workloadIdentityPools.delete",
    "iam.workloadIdentityPools.undelete",
    "iam.workloadIdentityPoolProviders.create",
    "iam.workloadIdentityPoolProviders.update",
    "iam.workloadIdentityPoolProviders.delete",
    "iam.workloadIdentityPoolProviders.undelete",
];

pub(super) const REPOSITORY_READ: &[&str] = &[
    "artifactregistry.attachments.get",
    "artifactregistry.attachments.list",
    "artifactregistry.dockerimages.get",
    "artifactregistry.dockerimages.list",
    "artifactregistry.files.download",
    "artifactregistry.files.get",
    "artifactregistry.files.list",
    "artifactregistry.locations.get",
    "artifactregistry.locations.list",
    "artifactregistry.mavenartifacts.get",
    "artifactregistry.mavenartifacts.list",
    "artifactregistry.npmpackages.get",
    "artifactregistry.npmpackages.list",
    "artifactregistry.packages.get",
    "artifactregistry.packages.list",
    "artifactregistry.projectsettings.get",
    "artifactregistry.pythonpackages.get",
    "artifactregistry.pythonpackages.list",
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.repositories.get",
    "artifactregistry.repositories.list",
    "artifactregistry.repositories.listEffectiveTags",
    "artifactregistry.repositories.listTagBindings",
    "artifactregistry.repositories.readViaVirtualRepository",
    "artifactregistry.rules.get",
    "artifactregistry.rules.list",
    "artifactregistry.tags.get",
    "artifactregistry.tags.list",
    "artifactregistry.versions.get",
    "artifactregistry.versions.list",
];
pub(super) const REPOSITORY_PUSH: &[&str] = &[
    "artifactregistry.aptartifacts.create",
    "artifactregistry.attachments.create",
    "artifactregistry.files.update",
    "artifactregistry.files.upload",
    "artifactregistry.kfpartifacts.create",
    "artifactregistry.packages.update",
    "artifactregistry.repositories.uploadArtifacts",
    "artifactregistry.tags.create",
    "artifactregistry.tags.update",
    "artifactregistry.yumartifacts.create",
];
pub(super) const REPOSITORY_DELETE: &[&str] = &[
    "artifactregistry.attachments.delete",
    "artifactregistry.files.delete",
    "artifactregistry.packages.delete",
    "artifactregistry.repositories.deleteArtifacts",
    "artifactregistry.rules.create",
    "artifactregistry.rules.delete",
    "artifactregistry.rules.update",
    "artifactregistry.tags.delete",
    "artifactregistry.versions.delete",
    "artifactregistry.versions.update",
];
/// `roles/viewer` has it, `roles/artifactregistry.reader` has not.
pub(super) const REPOSITORY_POLICY_READ: &[&str] = &["artifactregistry.repositories.getIamPolicy"];
pub(super) const REPOSITORY_ADMINISTER: &[&str] = &[
    "artifactregistry.projectsettings.update",
    "artifactregistry.repositories.create",
    "artifactregistry.repositories.delete",
    "artifactregistry.repositories.update",
];
/// What `roles/editor` lacks.
pub(super) const REPOSITORY_POLICY: &[&str] = &[
    "artifactregistry.repositories.createTagBinding",
    "artifactregistry.repositories.deleteTagBinding",
    "artifactregistry.repositories.setIamPolicy",
];

pub(super) const CLUSTER_READ: &[&str] =
    &["container.clusters.get", "container.clusters.list", "container.clusters.connect"];
pub(super) const CLUSTER_WRITE: &[&str] =
    &["container.clusters.create", "container.clusters.update", "container.clusters.delete"];
/// `roles/container.developer` and `roles/container.clusterViewer` have it not.
pub(super) const CLUSTER_OPERATIONS: &[&str] = &["container.operations.get", "container.operations.list"];
/// Only for clusters that still give out client certificates or passwords; `roles/container.clusterAdmin` has it not.
pub(super) const CLUSTER_CREDENTIALS: &[&str] = &["container.clusters.getCredentials"];

pub(super) const REPOSITORY_CREATE_ON_PUSH: &[&str] = &["artifactregistry.repositories.createOnPush"];

pub(super) const GET_ID_TOKEN: &[&str] = &["iam.serviceAccounts.getOpenIdToken"];
pub(super) const KEYS_READ: &[&str] = &["iam.serviceAccountKeys.get", "iam.serviceAccountKeys.list"];
pub(super) const KEYS: &[&str] = &[
    "iam.serviceAccountKeys.get",
    "iam.serviceAccountKeys.list",
    "iam.serviceAccountKeys.create",
    "iam.serviceAccountKeys.delete",
    "iam.serviceAccountKeys.enable",
    "iam.serviceAccountKeys.disable",
];
pub(super) const DENY_READ: &[&str] = &["iam.denypolicies.get", "iam.denypolicies.list"];
pub(super) const DENY_WRITE: &[&str] =
    &["iam.denypolicies.create", "iam.denypolicies.update", "iam.denypolicies.delete"];

pub(super) const OBJECT_GET: &[&str] = &["storage.objects.get"];
pub(super) const OBJECT_LIST: &[&str] = &["storage.objects.list"];
pub(super) const OBJECTS_READ: &[&str] = &["storage.objects.get", "storage.objects.list"];
pub(super) const OBJECTS_CREATE: &[&str] = &["storage.objects.create"];
pub(super) const OBJECTS_CHANGE: &[&str] = &["storage.objects.update", "storage.objects.delete"];
pub(super) const OBJECTS_POLICY: &[&str] = &["storage.objects.getIamPolicy", "storage.objects.setIamPolicy"];
pub(super) const BUCKET_GET: &[&str] = &["storage.buckets.get"];
pub(super) const BUCKETS_LIST: &[&str] = &["storage.buckets.list"];
pub(super) const BUCKETS_READ: &[&str] = &["storage.buckets.get", "storage.buckets.list"];
pub(super) const BUCKETS_MAKE: &[&str] = &["storage.buckets.create", "storage.buckets.delete"];
/// What no basic role has on a project.
pub(super) const BUCKETS_ADMINISTER: &[&str] =
    &["storage.buckets.update", "storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"];

pub(super) const SECRET_ACCESS: &[&str] = &["secretmanager.versions.access"];
pub(super) const SERVICE_READ: &[&str] = &["serviceusage.services.get", "serviceusage.services.list"];
pub(super) const SERVICE_USE: &[&str] = &["serviceusage.services.use"];
pub(super) const SERVICE_SWITCH: &[&str] =
    &["serviceusage.services.enable", "serviceusage.services.disable", "serviceusage.operations.get"];
