//! Google's predefined roles, as far as Gangplank and its sandbox touch them, with the permissions of the services they
//! touch: `artifactregistry`, `container`, `iam`, `resourcemanager`. Other services' permissions are left out.
//! Sources: the role reference, `https://cloud.google.com/iam/docs/roles-permissions/SERVICE`, one page a service.

use super::permissions::{
    ACT_AS, CLUSTER_READ, CLUSTER_WRITE, GET_ACCESS_TOKEN, KUBERNETES_RBAC_READ, KUBERNETES_RBAC_WRITE,
    KUBERNETES_READ, KUBERNETES_SECRET_READ, KUBERNETES_WRITE, POOL_READ, POOL_WRITE, PROJECT_GET,
    PROJECT_POLICY, PROJECT_READ, REPOSITORY_ADMINISTER, REPOSITORY_DELETE, REPOSITORY_POLICY,
    REPOSITORY_PUSH, REPOSITORY_READ, SERVICE_ACCOUNT_CREATE, SERVICE_ACCOUNT_POLICY, SERVICE_ACCOUNT_READ,
    SERVICE_ACCOUNT_READ_ONE, SERVICE_ACCOUNT_WRITE, SIGN,
};

/// A role and its permissions, in groups that roles share.
pub struct Role {
    /// `roles/…`.
    pub name: &'static str,
    groups: &'static [&'static [&'static str]],
}

/// The permissions of a predefined role; nothing for a role that is not known here.
pub fn permissions_of(role: &str) -> Option<Vec<&'static str>> {
    let role = ROLES.iter().find(|known| known.name == role)?;
    Some(role.groups.iter().flat_map(|group| group.iter().copied()).collect())
}

/// Every role that is known here.
pub const ROLES: &[Role] = &[
    // https://cloud.google.com/iam/docs/roles-overview#basic
    // Owner holds no `iam.serviceAccounts.getAccessToken`: acting as a service account is granted on its own.
    Role {
        name: "roles/owner",
        groups: &[
            PROJECT_READ,
            PROJECT_POLICY,
            SERVICE_ACCOUNT_READ,
            SERVICE_ACCOUNT_WRITE,
            SERVICE_ACCOUNT_POLICY,
            ACT_AS,
            POOL_READ,
            POOL_WRITE,
            REPOSITORY_READ,
            REPOSITORY_PUSH,
            REPOSITORY_DELETE,
            REPOSITORY_ADMINISTER,
            REPOSITORY_POLICY,
            CLUSTER_READ,
            CLUSTER_WRITE,
            KUBERNETES_READ,
            KUBERNETES_SECRET_READ,
            KUBERNETES_WRITE,
            KUBERNETES_RBAC_READ,
            KUBERNETES_RBAC_WRITE,
        ],
    },
    Role {
        name: "roles/editor",
        groups: &[
            PROJECT_READ,
            SERVICE_ACCOUNT_READ,
            SERVICE_ACCOUNT_WRITE,
            ACT_AS,
            POOL_READ,
            REPOSITORY_READ,
            REPOSITORY_PUSH,
            REPOSITORY_DELETE,
            REPOSITORY_ADMINISTER,
            CLUSTER_READ,
            CLUSTER_WRITE,
            KUBERNETES_READ,
            KUBERNETES_SECRET_READ,
            KUBERNETES_WRITE,
            KUBERNETES_RBAC_READ,
        ],
    },
    Role {
        name: "roles/viewer",
        groups: &[
            PROJECT_READ,
            SERVICE_ACCOUNT_READ,
            POOL_READ,
            REPOSITORY_READ,
            CLUSTER_READ,
            KUBERNETES_READ,
            KUBERNETES_RBAC_READ,
        ],
    },
    // https://cloud.google.com/artifact-registry/docs/access-control#roles
    Role { name: "roles/artifactregistry.reader", groups: &[REPOSITORY_READ] },
    Role { name: "roles/artifactregistry.writer", groups: &[REPOSITORY_READ, REPOSITORY_PUSH] },
    Role {
        name: "roles/artifactregistry.repoAdmin",
        groups: &[REPOSITORY_READ, REPOSITORY_PUSH, REPOSITORY_DELETE],
    },
    Role {
        name: "roles/artifactregistry.admin",
        groups: &[
            REPOSITORY_READ,
            REPOSITORY_PUSH,
            REPOSITORY_DELETE,
            REPOSITORY_ADMINISTER,
            REPOSITORY_POLICY,
        ],
    },
    // https://cloud.google.com/iam/docs/roles-permissions/container
    Role { name: "roles/container.clusterViewer", groups: &[CLUSTER_READ, PROJECT_GET] },
    Role {
        name: "roles/container.viewer",
        groups: &[CLUSTER_READ, KUBERNETES_READ, KUBERNETES_RBAC_READ, PROJECT_GET],
    },
    Role {
        name: "roles/container.developer",
        groups: &[
            CLUSTER_READ,
            KUBERNETES_READ,
            KUBERNETES_SECRET_READ,
            KUBERNETES_WRITE,
            KUBERNETES_RBAC_READ,
            PROJECT_GET,
        ],
    },
    Role { name: "roles/container.clusterAdmin", groups: &[CLUSTER_READ, CLUSTER_WRITE, PROJECT_GET] },
    Role {
        name: "roles/container.admin",
        groups: &[
            CLUSTER_READ,
            CLUSTER_WRITE,
            KUBERNETES_READ,
            KUBERNETES_SECRET_READ,
            KUBERNETES_WRITE,
            KUBERNETES_RBAC_READ,
            KUBERNETES_RBAC_WRITE,
            PROJECT_GET,
        ],
    },
    Role { name: "roles/container.defaultNodeServiceAccount", groups: &[] },
    // https://cloud.google.com/iam/docs/roles-permissions/iam
    Role { name: "roles/iam.workloadIdentityUser", groups: &[SERVICE_ACCOUNT_READ_ONE, GET_ACCESS_TOKEN] },
    Role {
        name: "roles/iam.serviceAccountTokenCreator",
        groups: &[SERVICE_ACCOUNT_READ_ONE, GET_ACCESS_TOKEN, SIGN, PROJECT_GET],
    },
    Role { name: "roles/iam.serviceAccountUser", groups: &[SERVICE_ACCOUNT_READ_ONE, ACT_AS, PROJECT_GET] },
    Role { name: "roles/iam.serviceAccountViewer", groups: &[SERVICE_ACCOUNT_READ, PROJECT_GET] },
    Role {
        name: "roles/iam.serviceAccountCreator",
        groups: &[SERVICE_ACCOUNT_READ_ONE, SERVICE_ACCOUNT_CREATE, PROJECT_GET],
    },
    Role {
        name: "roles/iam.serviceAccountAdmin",
        groups: &[SERVICE_ACCOUNT_READ, SERVICE_ACCOUNT_WRITE, SERVICE_ACCOUNT_POLICY, PROJECT_GET],
    },
    Role { name: "roles/iam.workloadIdentityPoolViewer", groups: &[POOL_READ, PROJECT_GET] },
    Role { name: "roles/iam.workloadIdentityPoolAdmin", groups: &[POOL_READ, POOL_WRITE, PROJECT_GET] },
    // https://cloud.google.com/iam/docs/roles-permissions/resourcemanager
    Role { name: "roles/browser", groups: &[PROJECT_READ] },
    Role { name: "roles/resourcemanager.projectIamAdmin", groups: &[PROJECT_READ, PROJECT_POLICY] },
    // https://cloud.google.com/iam/docs/roles-permissions/logging and monitoring: nodes carry them, we use nothing of them.
    Role { name: "roles/logging.logWriter", groups: &[] },
    Role { name: "roles/monitoring.metricWriter", groups: &[] },
];
