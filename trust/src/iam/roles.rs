//! Google's predefined roles, as far as Gangplank, its sandbox and the faults it knows touch them, with the permissions that
//! its checks ask about: those on repositories, on objects in clusters, on service accounts, keys, pools and deny policies; of
//! projects, clusters, buckets, objects, secrets and services a few. Everything else a role has is left out.
//!
//! Each role names the page that lists it in full. On 2026-11-28 the lists were compared with two collections of what
//! `roles.get` answers, `https://github.com/UnitVectorY-Labs/gcp-iam-catalog` (`iam/`) and
//! `https://github.com/iann0036/iam-dataset` (`gcp/roles/`), whose states are of 2025 and 2026; the newer one counted.

use super::kubernetes::{
    KUBERNETES_DEPLOYMENT_SCALE, KUBERNETES_LOGS, KUBERNETES_RBAC_READ, KUBERNETES_RBAC_WRITE,
    KUBERNETES_READ, KUBERNETES_SECRET_READ, KUBERNETES_TOKEN, KUBERNETES_WRITE,
};
use super::permissions::{
    ACT_AS, BUCKET_GET, BUCKETS_ADMINISTER, BUCKETS_LIST, BUCKETS_MAKE, BUCKETS_READ, CLUSTER_CREDENTIALS,
    CLUSTER_OPERATIONS, CLUSTER_READ, CLUSTER_WRITE, CRYPTO_KEY_POLICY, DENY_READ, DENY_WRITE,
    GET_ACCESS_TOKEN, GET_ID_TOKEN, KEYS, KEYS_READ, OBJECT_GET, OBJECT_LIST, OBJECTS_CHANGE, OBJECTS_CREATE,
    OBJECTS_POLICY, OBJECTS_READ, POOL_READ, POOL_WRITE, PROJECT_GET, PROJECT_GET_ONE, PROJECT_POLICY,
    PROJECT_POLICY_READ, PROJECT_READ, REPOSITORY_ADMINISTER, REPOSITORY_CREATE_ON_PUSH, REPOSITORY_DELETE,
    REPOSITORY_POLICY, REPOSITORY_POLICY_READ, REPOSITORY_PUSH, REPOSITORY_READ, SECRET_ACCESS,
    SERVICE_ACCOUNT_CREATE, SERVICE_ACCOUNT_POLICY, SERVICE_ACCOUNT_READ, SERVICE_ACCOUNT_READ_ONE,
    SERVICE_ACCOUNT_WRITE, SERVICE_READ, SERVICE_SWITCH, SERVICE_USE, SIGN, SIGN_WITH_KEY, VIEW_PUBLIC_KEY,
};

/// A role and its permissions, in groups that roles share.
pub struct Role {
    /// `roles/…`.
    pub name: &'static str,
    /// The page of the role reference that lists its permissions.
    pub source: &'static str,
    groups: &'static [&'static [&'static str]],
}

impl Role {
    /// Its permissions, as far as they are known here.
    pub fn permissions(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.groups.iter().flat_map(|group| group.iter().copied())
    }
}

/// The permissions of a predefined role; nothing for a role that is not known here.
pub fn permissions_of(role: &str) -> Option<Vec<&'static str>> {
    let role = ROLES.iter().find(|known| known.name == role)?;
    Some(role.permissions().collect())
}

/// The roles that give a permission, the one with the fewest permissions first.
pub fn roles_with(permission: &str) -> Vec<&'static Role> {
    let mut roles: Vec<&Role> =
        ROLES.iter().filter(|role| role.permissions().any(|known| known == permission)).collect();
    roles.sort_by_key(|role| role.permissions().count());
    roles
}

/// Every role that is known here.
pub const ROLES: &[Role] = &[
    // Owner holds no `iam.serviceAccounts.getAccessToken`: acting as a service account is granted on its own.
    Role {
        name: "roles/owner",
        source: "https://cloud.google.com/iam/docs/roles-overview#basic",
        groups: &[
            PROJECT_READ,
            PROJECT_POLICY,
            SERVICE_ACCOUNT_READ,
            SERVICE_ACCOUNT_WRITE,
            SERVICE_ACCOUNT_POLICY,
            ACT_AS,
            POOL_READ,
            POOL_WRITE,
            DENY_READ,
            REPOSITORY_READ,
            REPOSITORY_PUSH,
            REPOSITORY_CREATE_ON_PUSH,
            REPOSITORY_DELETE,
            REPOSITORY_POLICY_READ,
            REPOSITORY_ADMINISTER,
            REPOSITORY_POLICY,
            CLUSTER_READ,
            CLUSTER_WRITE,
            CLUSTER_OPERATIONS,
            CLUSTER_CREDENTIALS,
            KUBERNETES_READ,
            KUBERNETES_LOGS,
            KUBERNETES_DEPLOYMENT_SCALE,
            KUBERNETES_SECRET_READ,
            KUBERNETES_WRITE,
            KUBERNETES_TOKEN,
            KUBERNETES_RBAC_READ,
            KUBERNETES_RBAC_WRITE,
            KEYS,
            SERVICE_READ,
            SERVICE_USE,
            SERVICE_SWITCH,
            BUCKETS_LIST,
            BUCKETS_MAKE,
            CRYPTO_KEY_POLICY,
            // Owners use keys, too: <https://cloud.google.com/kms/docs/separation-of-duties>.
            SIGN_WITH_KEY,
            VIEW_PUBLIC_KEY,
            SECRET_ACCESS,
        ],
    },
    Role {
        name: "roles/editor",
        source: "https://cloud.google.com/iam/docs/roles-overview#basic",
        groups: &[
            PROJECT_READ,
            SERVICE_ACCOUNT_READ,
            SERVICE_ACCOUNT_WRITE,
            ACT_AS,
            POOL_READ,
            DENY_READ,
            REPOSITORY_READ,
            REPOSITORY_PUSH,
            REPOSITORY_CREATE_ON_PUSH,
            REPOSITORY_DELETE,
            REPOSITORY_POLICY_READ,
            REPOSITORY_ADMINISTER,
            CLUSTER_READ,
            CLUSTER_WRITE,
            CLUSTER_OPERATIONS,
            CLUSTER_CREDENTIALS,
            KUBERNETES_READ,
            KUBERNETES_LOGS,
            KUBERNETES_DEPLOYMENT_SCALE,
            KUBERNETES_SECRET_READ,
            KUBERNETES_WRITE,
            KUBERNETES_RBAC_READ,
            KEYS,
            SERVICE_READ,
            SERVICE_USE,
            SERVICE_SWITCH,
            BUCKETS_LIST,
            BUCKETS_MAKE,
        ],
    },
    Role {
        name: "roles/viewer",
        source: "https://cloud.google.com/iam/docs/roles-overview#basic",
        groups: &[
            PROJECT_READ,
            SERVICE_ACCOUNT_READ,
            POOL_READ,
            DENY_READ,
            REPOSITORY_READ,
            REPOSITORY_POLICY_READ,
            CLUSTER_READ,
            CLUSTER_OPERATIONS,
            KUBERNETES_READ,
            KUBERNETES_LOGS,
            KUBERNETES_RBAC_READ,
            KEYS_READ,
            SERVICE_READ,
            BUCKETS_LIST,
        ],
    },
    Role {
        name: "roles/cloudkms.signer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/cloudkms",
        groups: &[SIGN_WITH_KEY, PROJECT_GET_ONE],
    },
    Role {
        name: "roles/cloudkms.publicKeyViewer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/cloudkms",
        groups: &[VIEW_PUBLIC_KEY, PROJECT_GET_ONE],
    },
    Role {
        name: "roles/cloudkms.signerVerifier",
        source: "https://cloud.google.com/iam/docs/roles-permissions/cloudkms",
        groups: &[SIGN_WITH_KEY, VIEW_PUBLIC_KEY, PROJECT_GET_ONE],
    },
    Role {
        name: "roles/artifactregistry.reader",
        source: "https://cloud.google.com/iam/docs/roles-permissions/artifactregistry",
        groups: &[REPOSITORY_READ, PROJECT_GET_ONE],
    },
    Role {
        name: "roles/artifactregistry.writer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/artifactregistry",
        groups: &[REPOSITORY_READ, REPOSITORY_PUSH, PROJECT_GET_ONE],
    },
    Role {
        name: "roles/artifactregistry.createOnPushWriter",
        source: "https://cloud.google.com/iam/docs/roles-permissions/artifactregistry",
        groups: &[REPOSITORY_READ, REPOSITORY_PUSH, REPOSITORY_CREATE_ON_PUSH, PROJECT_GET_ONE],
    },
    Role {
        name: "roles/artifactregistry.repoAdmin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/artifactregistry",
        groups: &[REPOSITORY_READ, REPOSITORY_PUSH, REPOSITORY_DELETE, PROJECT_GET_ONE],
    },
    Role {
        name: "roles/artifactregistry.admin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/artifactregistry",
        groups: &[
            REPOSITORY_READ,
            REPOSITORY_PUSH,
            REPOSITORY_DELETE,
            REPOSITORY_POLICY_READ,
            REPOSITORY_ADMINISTER,
            REPOSITORY_POLICY,
            PROJECT_GET_ONE,
        ],
    },
    Role {
        name: "roles/container.clusterViewer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/container",
        groups: &[CLUSTER_READ, PROJECT_GET],
    },
    Role {
        name: "roles/container.viewer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/container",
        groups: &[
            CLUSTER_READ,
            CLUSTER_OPERATIONS,
            KUBERNETES_READ,
            KUBERNETES_DEPLOYMENT_SCALE,
            KUBERNETES_RBAC_READ,
            PROJECT_GET,
        ],
    },
    Role {
        name: "roles/container.developer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/container",
        groups: &[
            CLUSTER_READ,
            KUBERNETES_READ,
            KUBERNETES_LOGS,
            KUBERNETES_DEPLOYMENT_SCALE,
            KUBERNETES_SECRET_READ,
            KUBERNETES_WRITE,
            KUBERNETES_TOKEN,
            KUBERNETES_RBAC_READ,
            PROJECT_GET,
        ],
    },
    Role {
        name: "roles/container.clusterAdmin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/container",
        groups: &[CLUSTER_READ, CLUSTER_WRITE, CLUSTER_OPERATIONS, PROJECT_GET],
    },
    Role {
        name: "roles/container.admin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/container",
        groups: &[
            CLUSTER_READ,
            CLUSTER_OPERATIONS,
            CLUSTER_WRITE,
            CLUSTER_CREDENTIALS,
            KUBERNETES_READ,
            KUBERNETES_LOGS,
            KUBERNETES_DEPLOYMENT_SCALE,
            KUBERNETES_SECRET_READ,
            KUBERNETES_WRITE,
            KUBERNETES_TOKEN,
            KUBERNETES_RBAC_READ,
            KUBERNETES_RBAC_WRITE,
            PROJECT_GET,
        ],
    },
    Role {
        name: "roles/container.defaultNodeServiceAccount",
        source: "https://cloud.google.com/iam/docs/roles-permissions/container",
        groups: &[],
    },
    Role {
        name: "roles/iam.workloadIdentityUser",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[SERVICE_ACCOUNT_READ_ONE, GET_ACCESS_TOKEN],
    },
    Role {
        name: "roles/iam.serviceAccountTokenCreator",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[SERVICE_ACCOUNT_READ_ONE, GET_ACCESS_TOKEN, SIGN, PROJECT_GET],
    },
    Role {
        name: "roles/iam.serviceAccountOpenIdTokenCreator",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[GET_ID_TOKEN],
    },
    Role {
        name: "roles/iam.serviceAccountUser",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[SERVICE_ACCOUNT_READ_ONE, ACT_AS, PROJECT_GET],
    },
    Role {
        name: "roles/iam.serviceAccountViewer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[SERVICE_ACCOUNT_READ, KEYS_READ, PROJECT_GET],
    },
    Role {
        name: "roles/iam.serviceAccountCreator",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[SERVICE_ACCOUNT_READ_ONE, SERVICE_ACCOUNT_CREATE, PROJECT_GET],
    },
    Role {
        name: "roles/iam.serviceAccountAdmin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[SERVICE_ACCOUNT_READ, SERVICE_ACCOUNT_WRITE, SERVICE_ACCOUNT_POLICY, PROJECT_GET],
    },
    Role {
        name: "roles/iam.serviceAccountKeyAdmin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[SERVICE_ACCOUNT_READ_ONE, KEYS, PROJECT_GET],
    },
    Role {
        name: "roles/iam.workloadIdentityPoolViewer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[POOL_READ, PROJECT_GET],
    },
    Role {
        name: "roles/iam.workloadIdentityPoolAdmin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[POOL_READ, POOL_WRITE, PROJECT_GET],
    },
    Role {
        name: "roles/iam.denyReviewer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[DENY_READ],
    },
    Role {
        name: "roles/iam.denyAdmin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/iam",
        groups: &[DENY_READ, DENY_WRITE],
    },
    Role {
        name: "roles/resourcemanager.projectIamAdmin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/resourcemanager",
        groups: &[PROJECT_POLICY_READ, PROJECT_POLICY],
    },
    // Nodes carry these; we use nothing of them.
    Role {
        name: "roles/logging.logWriter",
        source: "https://cloud.google.com/iam/docs/roles-permissions/logging",
        groups: &[],
    },
    Role {
        name: "roles/browser",
        source: "https://cloud.google.com/iam/docs/roles-permissions/resourcemanager",
        groups: &[PROJECT_READ],
    },
    Role {
        name: "roles/monitoring.metricWriter",
        source: "https://cloud.google.com/iam/docs/roles-permissions/monitoring",
        groups: &[],
    },
    Role {
        name: "roles/storage.objectViewer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/storage",
        groups: &[OBJECTS_READ, PROJECT_GET],
    },
    Role {
        name: "roles/storage.objectCreator",
        source: "https://cloud.google.com/iam/docs/roles-permissions/storage",
        groups: &[OBJECTS_CREATE, PROJECT_GET],
    },
    Role {
        name: "roles/storage.objectUser",
        source: "https://cloud.google.com/iam/docs/roles-permissions/storage",
        groups: &[OBJECTS_READ, OBJECTS_CREATE, OBJECTS_CHANGE, PROJECT_GET],
    },
    Role {
        name: "roles/storage.objectAdmin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/storage",
        groups: &[OBJECTS_READ, OBJECTS_CREATE, OBJECTS_CHANGE, OBJECTS_POLICY, PROJECT_GET],
    },
    Role {
        name: "roles/storage.admin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/storage",
        groups: &[
            OBJECTS_READ,
            OBJECTS_CREATE,
            OBJECTS_CHANGE,
            OBJECTS_POLICY,
            BUCKETS_READ,
            BUCKETS_MAKE,
            BUCKETS_ADMINISTER,
            PROJECT_GET,
        ],
    },
    Role {
        name: "roles/storage.legacyObjectReader",
        source: "https://cloud.google.com/iam/docs/roles-permissions/storage",
        groups: &[OBJECT_GET],
    },
    Role {
        name: "roles/storage.legacyBucketReader",
        source: "https://cloud.google.com/iam/docs/roles-permissions/storage",
        groups: &[BUCKET_GET, OBJECT_LIST],
    },
    Role {
        name: "roles/secretmanager.secretAccessor",
        source: "https://cloud.google.com/iam/docs/roles-permissions/secretmanager",
        groups: &[SECRET_ACCESS, PROJECT_GET],
    },
    Role {
        name: "roles/serviceusage.serviceUsageConsumer",
        source: "https://cloud.google.com/iam/docs/roles-permissions/serviceusage",
        groups: &[SERVICE_READ, SERVICE_USE],
    },
    Role {
        name: "roles/serviceusage.serviceUsageAdmin",
        source: "https://cloud.google.com/iam/docs/roles-permissions/serviceusage",
        groups: &[SERVICE_READ, SERVICE_USE, SERVICE_SWITCH],
    },
];
