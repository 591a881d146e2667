//! Google's predefined roles, as far as Gangplank and its sandbox touch them, with the permissions of the services they
//! touch: `artifactregistry`, `container`, `iam`, `resourcemanager`. Other services' permissions are left out.
//! Sources: the role reference, `https://cloud.google.com/iam/docs/roles-permissions/SERVICE`, one page a service.

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

const PROJECT_GET: &[&str] = &["resourcemanager.projects.get", "resourcemanager.projects.list"];
const PROJECT_READ: &[&str] = &[
    "resourcemanager.projects.get",
    "resourcemanager.projects.list",
    "resourcemanager.projects.getIamPolicy",
];
const PROJECT_POLICY: &[&str] = &["resourcemanager.projects.setIamPolicy"];

const SERVICE_ACCOUNT_READ_ONE: &[&str] = &["iam.serviceAccounts.get", "iam.serviceAccounts.list"];
const SERVICE_ACCOUNT_READ: &[&str] =
    &["iam.serviceAccounts.get", "iam.serviceAccounts.list", "iam.serviceAccounts.getIamPolicy"];
const SERVICE_ACCOUNT_CREATE: &[&str] = &["iam.serviceAccounts.create"];
const SERVICE_ACCOUNT_WRITE: &[&str] = &[
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.update",
    "iam.serviceAccounts.delete",
    "iam.serviceAccounts.undelete",
    "iam.serviceAccounts.enable",
    "iam.serviceAccounts.disable",
];
const SERVICE_ACCOUNT_POLICY: &[&str] = &["iam.serviceAccounts.setIamPolicy"];
const ACT_AS: &[&str] = &["iam.serviceAccounts.actAs"];
const GET_ACCESS_TOKEN: &[&str] =
    &["iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken"];
const SIGN: &[&str] = &[
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccounts.signJwt",
    "iam.serviceAccounts.implicitDelegation",
];

const POOL_READ: &[&str] = &[
    "iam.workloadIdentityPools.get",
    "iam.workloadIdentityPools.list",
    "iam.workloadIdentityPoolProviders.get",
    "iam.workloadIdentityPoolProviders.list",
];
const POOL_WRITE: &[&str] = &[
    "iam.workloadIdentityPools.create",
    "iam.workloadIdentityPools.update",
    "iam.workloadIdentityPools.delete",
    "iam.workloadIdentityPools.undelete",
    "iam.workloadIdentityPoolProviders.create",
    "iam.workloadIdentityPoolProviders.update",
    "iam.workloadIdentityPoolProviders.delete",
    "iam.workloadIdentityPoolProviders.undelete",
];

const REPOSITORY_READ: &[&str] = &[
    "artifactregistry.repositories.get",
    "artifactregistry.repositories.list",
    "artifactregistry.repositories.downloadArtifacts",
    "artifactregistry.repositories.listEffectiveTags",
    "artifactregistry.repositories.listTagBindings",
    "artifactregistry.repositories.readViaVirtualRepository",
    "artifactregistry.dockerimages.get",
    "artifactregistry.dockerimages.list",
    "artifactregistry.files.get",
    "artifactregistry.files.list",
    "artifactregistry.files.download",
    "artifactregistry.packages.get",
    "artifactregistry.packages.list",
    "artifactregistry.tags.get",
    "artifactregistry.tags.list",
    "artifactregistry.versions.get",
    "artifactregistry.versions.list",
    "artifactregistry.locations.get",
    "artifactregistry.locations.list",
];
const REPOSITORY_PUSH: &[&str] = &[
    "artifactregistry.repositories.uploadArtifacts",
    "artifactregistry.tags.create",
    "artifactregistry.tags.update",
];
const REPOSITORY_DELETE: &[&str] = &[
    "artifactregistry.repositories.deleteArtifacts",
    "artifactregistry.packages.delete",
    "artifactregistry.tags.delete",
    "artifactregistry.versions.delete",
];
const REPOSITORY_ADMINISTER: &[&str] = &[
    "artifactregistry.repositories.create",
    "artifactregistry.repositories.update",
    "artifactregistry.repositories.delete",
    "artifactregistry.repositories.getIamPolicy",
];
const REPOSITORY_POLICY: &[&str] = &["artifactregistry.repositories.setIamPolicy"];

const CLUSTER_READ: &[&str] =
    &["container.clusters.get", "container.clusters.list", "container.clusters.connect"];
const CLUSTER_WRITE: &[&str] = &[
    "container.clusters.create",
    "container.clusters.update",
    "container.clusters.delete",
    "container.clusters.getCredentials",
];

const KUBERNETES_READ: &[&str] = &[
    "container.configMaps.get",
    "container.configMaps.list",
    "container.deployments.get",
    "container.deployments.list",
    "container.deployments.getStatus",
    "container.endpoints.get",
    "container.endpoints.list",
    "container.endpointSlices.get",
    "container.endpointSlices.list",
    "container.events.get",
    "container.events.list",
    "container.horizontalPodAutoscalers.get",
    "container.horizontalPodAutoscalers.list",
    "container.jobs.get",
    "container.jobs.list",
    "container.namespaces.get",
    "container.namespaces.list",
    "container.networkPolicies.get",
    "container.networkPolicies.list",
    "container.nodes.get",
    "container.nodes.list",
    "container.podDisruptionBudgets.get",
    "container.podDisruptionBudgets.list",
    "container.pods.get",
    "container.pods.list",
    "container.pods.getLogs",
    "container.pods.getStatus",
    "container.replicaSets.get",
    "container.replicaSets.list",
    "container.resourceQuotas.get",
    "container.resourceQuotas.list",
    "container.serviceAccounts.get",
    "container.serviceAccounts.list",
    "container.services.get",
    "container.services.list",
    "container.statefulSets.get",
    "container.statefulSets.list",
    "container.thirdPartyObjects.get",
    "container.thirdPartyObjects.list",
];
const KUBERNETES_SECRET_READ: &[&str] = &["container.secrets.get", "container.secrets.list"];
const KUBERNETES_RBAC_READ: &[&str] = &[
    "container.clusterRoles.get",
    "container.clusterRoles.list",
    "container.clusterRoleBindings.get",
    "container.clusterRoleBindings.list",
    "container.roles.get",
    "container.roles.list",
    "container.roleBindings.get",
    "container.roleBindings.list",
];
const KUBERNETES_RBAC_WRITE: &[&str] = &[
    "container.clusterRoles.create",
    "container.clusterRoles.update",
    "container.clusterRoles.delete",
    "container.clusterRoles.bind",
    "container.clusterRoles.escalate",
    "container.clusterRoleBindings.create",
    "container.clusterRoleBindings.update",
    "container.clusterRoleBindings.delete",
    "container.roles.create",
    "container.roles.update",
    "container.roles.delete",
    "container.roles.bind",
    "container.roles.escalate",
    "container.roleBindings.create",
    "container.roleBindings.update",
    "container.roleBindings.delete",
];
const KUBERNETES_WRITE: &[&str] = &[
    "container.configMaps.create",
    "container.configMaps.update",
    "container.configMaps.delete",
    "container.deployments.create",
    "container.deployments.update",
    "container.deployments.delete",
    "container.deployments.getScale",
    "container.deployments.updateScale",
    "container.events.create",
    "container.events.update",
    "container.horizontalPodAutoscalers.create",
    "container.horizontalPodAutoscalers.update",
    "container.horizontalPodAutoscalers.delete",
    "container.jobs.create",
    "container.jobs.update",
    "container.jobs.delete",
    "container.namespaces.create",
    "container.namespaces.update",
    "container.namespaces.delete",
    "container.networkPolicies.create",
    "container.networkPolicies.update",
    "container.networkPolicies.delete",
    "container.podDisruptionBudgets.create",
    "container.podDisruptionBudgets.update",
    "container.podDisruptionBudgets.delete",
    "container.pods.create",
    "container.pods.update",
    "container.pods.delete",
    "container.pods.exec",
    "container.pods.attach",
    "container.pods.portForward",
    "container.pods.proxy",
    "container.replicaSets.create",
    "container.replicaSets.update",
    "container.replicaSets.delete",
    "container.resourceQuotas.create",
    "container.resourceQuotas.update",
    "container.resourceQuotas.delete",
    "container.secrets.create",
    "container.secrets.update",
    "container.secrets.delete",
    "container.serviceAccounts.create",
    "container.serviceAccounts.update",
    "container.serviceAccounts.delete",
    "container.serviceAccounts.createToken",
    "container.services.create",
    "container.services.update",
    "container.services.delete",
    "container.services.proxy",
    "container.statefulSets.create",
    "container.statefulSets.update",
    "container.statefulSets.delete",
    "container.thirdPartyObjects.create",
    "container.thirdPartyObjects.update",
    "container.thirdPartyObjects.delete",
];
