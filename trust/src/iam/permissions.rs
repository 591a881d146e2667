//! Google's permissions in the groups that predefined roles share, as far as Gangplank and its sandbox touch them.
//! Sources: `https://cloud.google.com/iam/docs/roles-permissions/SERVICE`, one page a service.

pub(super) const PROJECT_GET: &[&str] = &["resourcemanager.projects.get", "resourcemanager.projects.list"];
pub(super) const PROJECT_READ: &[&str] = &[
    "resourcemanager.projects.get",
    "resourcemanager.projects.list",
    "resourcemanager.projects.getIamPolicy",
];
pub(super) const PROJECT_POLICY: &[&str] = &["resourcemanager.projects.setIamPolicy"];

pub(super) const SERVICE_ACCOUNT_READ_ONE: &[&str] = &["iam.serviceAccounts.get", "iam.serviceAccounts.list"];
pub(super) const SERVICE_ACCOUNT_READ: &[&str] =
    &["iam.serviceAccounts.get", "iam.serviceAccounts.list", "iam.serviceAccounts.getIamPolicy"];
pub(super) const SERVICE_ACCOUNT_CREATE: &[&str] = &["iam.serviceAccounts.create"];
pub(super) const SERVICE_ACCOUNT_WRITE: &[&str] = &[
    "iam.serviceAccounts.create",
    "iam.serviceAccounts.update",
    "iam.serviceAccounts.delete",
    "iam.serviceAccounts.undelete",
    "iam.serviceAccounts.enable",
    "iam.serviceAccounts.disable",
];
pub(super) const SERVICE_ACCOUNT_POLICY: &[&str] = &["iam.serviceAccounts.setIamPolicy"];
pub(super) const ACT_AS: &[&str] = &["iam.serviceAccounts.actAs"];
pub(super) const GET_ACCESS_TOKEN: &[&str] =
    &["iam.serviceAccounts.getAccessToken", "iam.serviceAccounts.getOpenIdToken"];
pub(super) const SIGN: &[&str] = &[
    "iam.serviceAccounts.signBlob",
    "iam.serviceAccounts.signJwt",
    "iam.serviceAccounts.implicitDelegation",
];

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
pub(super) const REPOSITORY_PUSH: &[&str] = &[
    "artifactregistry.repositories.uploadArtifacts",
    "artifactregistry.tags.create",
    "artifactregistry.tags.update",
];
pub(super) const REPOSITORY_DELETE: &[&str] = &[
    "artifactregistry.repositories.deleteArtifacts",
    "artifactregistry.packages.delete",
    "artifactregistry.tags.delete",
    "artifactregistry.versions.delete",
];
pub(super) const REPOSITORY_ADMINISTER: &[&str] = &[
    "artifactregistry.repositories.create",
    "artifactregistry.repositories.update",
    "artifactregistry.repositories.delete",
    "artifactregistry.repositories.getIamPolicy",
];
pub(super) const REPOSITORY_POLICY: &[&str] = &["artifactregistry.repositories.setIamPolicy"];

pub(super) const CLUSTER_READ: &[&str] =
    &["container.clusters.get", "container.clusters.list", "container.clusters.connect"];
pub(super) const CLUSTER_WRITE: &[&str] = &[
    "container.clusters.create",
    "container.clusters.update",
    "container.clusters.delete",
    "container.clusters.getCredentials",
];

pub(super) const KUBERNETES_READ: &[&str] = &[
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
    "container.cronJobs.get",
    "container.cronJobs.list",
    "container.daemonSets.get",
    "container.daemonSets.list",
    "container.ingresses.get",
    "container.ingresses.list",
    "container.leases.get",
    "container.leases.list",
    "container.limitRanges.get",
    "container.limitRanges.list",
    "container.persistentVolumeClaims.get",
    "container.persistentVolumeClaims.list",
    "container.replicationControllers.get",
    "container.replicationControllers.list",
    "container.persistentVolumes.get",
    "container.persistentVolumes.list",
    "container.horizontalPodAutoscalers.getStatus",
    "container.jobs.getStatus",
    "container.namespaces.getStatus",
    "container.nodes.getStatus",
    "container.services.getStatus",
    "container.statefulSets.getStatus",
    "container.replicaSets.getStatus",
    "container.podDisruptionBudgets.getStatus",
];
pub(super) const KUBERNETES_SECRET_READ: &[&str] = &["container.secrets.get", "container.secrets.list"];
pub(super) const KUBERNETES_RBAC_READ: &[&str] = &[
    "container.clusterRoles.get",
    "container.clusterRoles.list",
    "container.clusterRoleBindings.get",
    "container.clusterRoleBindings.list",
    "container.roles.get",
    "container.roles.list",
    "container.roleBindings.get",
    "container.roleBindings.list",
];
pub(super) const KUBERNETES_RBAC_WRITE: &[&str] = &[
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
pub(super) const KUBERNETES_WRITE: &[&str] = &[
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
    "container.cronJobs.create",
    "container.cronJobs.update",
    "container.cronJobs.delete",
    "container.daemonSets.create",
    "container.daemonSets.update",
    "container.daemonSets.delete",
    "container.ingresses.create",
    "container.ingresses.update",
    "container.ingresses.delete",
    "container.leases.create",
    "container.leases.update",
    "container.leases.delete",
    "container.limitRanges.create",
    "container.limitRanges.update",
    "container.limitRanges.delete",
    "container.persistentVolumeClaims.create",
    "container.persistentVolumeClaims.update",
    "container.persistentVolumeClaims.delete",
    "container.replicationControllers.create",
    "container.replicationControllers.update",
    "container.replicationControllers.delete",
    "container.pods.evict",
    "container.deployments.updateStatus",
    "container.jobs.updateStatus",
    "container.pods.updateStatus",
    "container.services.updateStatus",
    "container.statefulSets.updateStatus",
    "container.replicaSets.updateStatus",
    "container.replicaSets.getScale",
    "container.replicaSets.updateScale",
    "container.statefulSets.getScale",
    "container.statefulSets.updateScale",
];

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
pub(super) const BUCKETS_WRITE: &[&str] =
    &["storage.buckets.create", "storage.buckets.update", "storage.buckets.delete"];

pub(super) const SECRET_ACCESS: &[&str] = &["secretmanager.versions.access"];
pub(super) const SERVICE_READ: &[&str] = &["serviceusage.services.get", "serviceusage.services.list"];
pub(super) const SERVICE_USE: &[&str] = &["serviceusage.services.use"];
