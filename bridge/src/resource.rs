//! The things a bridge declares on the two clouds and in the cluster. One type serves as the wish and as the
//! observation: a field stands here exactly if we declare it, so drift is inequality and defaults never count.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::port::{ObjectKey, ObjectKind};

/// Names one resource across plans and inventories, for example `google/service-account/gp-fraud`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ResourceKey(pub String);

impl std::fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value that may hold `${application.appId}`, `${identity.NAME.clientId}` and the like until the thing named exists;
/// resolved by [`crate::plan::Outputs::resolve`].
pub type LateText = String;

/// One thing we declare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Resource {
    /// The Entra application whose tokens Google is told to accept.
    Application(Application),
    /// The application's service principal in its home tenant.
    ServicePrincipal(ServicePrincipal),
    /// A caller may use one of the application's roles.
    AppRoleAssignment(AppRoleAssignment),
    /// A user-assigned managed identity that workloads become.
    ManagedIdentity(ManagedIdentity),
    /// A workload's token is taken for such an identity.
    FederatedCredential(FederatedCredential),
    /// A caller may do something in Azure.
    RoleAssignment(RoleAssignment),
    /// The workload identity pool.
    Pool(Pool),
    /// The pool's OIDC provider.
    Provider(Provider),
    /// A Google service account of one team.
    ServiceAccount(ServiceAccount),
    /// Members of one role on one Google resource.
    Grant(Grant),
    /// The Artifact Registry repository.
    Repository(Repository),
    /// Any Kubernetes object.
    Kubernetes(KubernetesObject),
}

/// An Entra application registration. Marked by the tag `gangplank:BRIDGE`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Application {
    /// Display name; how the application is found again, together with the mark.
    pub display_name: String,
    /// `api://TENANT/SLUG(display name)`: predictable, so that callers can ask for it without reading Graph.
    pub identifier_uri: String,
    /// `api.requestedAccessTokenVersion`; we declare 2.
    pub token_version: u8,
    /// App roles that callers can hold, by value.
    pub app_roles: BTreeMap<String, AppRole>,
    /// The delegated permission by which people cross. Declared only if the bridge lets people across.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delegated: Option<DelegatedPermission>,
    /// Whether tokens carry the caller's security groups (`groupMembershipClaims: SecurityGroup`; without: null).
    /// Declared only if the bridge lets a group across, because groups make tokens larger and vanish above 200.
    pub group_claims: bool,
}

/// One app role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppRole {
    /// The role's GUID, derived from tenant, application and value so that two runs agree.
    pub id: String,
    /// Shown to administrators.
    pub display_name: String,
    /// Who can hold it.
    pub allowed_member_types: BTreeSet<MemberType>,
}

/// Who can hold an app role, as Graph says it: <https://learn.microsoft.com/graph/api/resources/approle>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MemberType {
    /// Service principals.
    Application,
    /// People, and groups of them.
    User,
}

impl MemberType {
    /// As Graph writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "Application",
            Self::User => "User",
        }
    }
}

/// A delegated permission of the application (a scope): by it, a client that is preauthorised acts for a person.
/// <https://learn.microsoft.com/graph/api/resources/permissionscope>
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DelegatedPermission {
    /// The permission's GUID, derived from tenant and application so that two runs agree.
    pub id: String,
    /// What tokens carry in `scp`.
    pub value: String,
    /// Shown to administrators.
    pub display_name: String,
    /// Who may consent to further clients, `User` or `Admin`; we declare `Admin`, so that nobody lets in a client of their own.
    pub consent: String,
    /// Whether it counts. Graph removes only what was switched off before.
    pub enabled: bool,
    /// Client ids of the applications that need no consent.
    pub clients: BTreeSet<String>,
}

/// The service principal of the application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServicePrincipal {
    /// `${application.appId}`.
    pub app_id: LateText,
}

/// Assigns an app role of our application to a principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppRoleAssignment {
    /// Object id of the assignee: a service principal, a user or a group.
    pub principal_id: String,
    /// The role's GUID.
    pub app_role_id: String,
    /// The role's value, for people.
    pub role: String,
}

/// A user-assigned managed identity, marked by the tag `gangplank`. One holds the credentials of at most twenty
/// workloads, all of one team and with the same rights: whatever it may do, each of them may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManagedIdentity {
    /// Name, `gp-BRIDGE-N`.
    pub name: String,
    /// ARM id of the resource group it lies in.
    pub resource_group: String,
    /// The team of its workloads; a tag.
    pub team: String,
    /// What its workloads may do, joined by commas; a tag.
    pub rights: String,
}

/// A federated identity credential of a managed identity. Carries no mark of its own: what belongs to an identity of ours
/// is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FederatedCredential {
    /// The managed identity, by name.
    pub identity: String,
    /// ARM id of the resource group that the identity lies in.
    pub resource_group: String,
    /// Name within the identity: the workload's. Never changes.
    pub name: String,
    /// Issuer of the workload's token, exactly.
    pub issuer: String,
    /// Subject of the workload's token, exactly. May hold `${account.ID.uniqueId}`.
    pub subject: LateText,
    /// Audience of the workload's token, exactly one.
    pub audiences: Vec<String>,
}

/// An Azure role assignment. Named by a GUID derived from scope, role and principal, so that it is idempotent;
/// marked by its description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleAssignment {
    /// GUID name of the assignment.
    pub name: String,
    /// ARM scope.
    pub scope: String,
    /// GUID of the built-in role definition.
    pub role_definition: String,
    /// The role's name, for people.
    pub role: String,
    /// Object id of the principal. May hold `${identity.NAME.principalId}`.
    pub principal_id: LateText,
    /// `ServicePrincipal`, `User` or `Group`.
    pub principal_type: String,
}

/// A workload identity pool, marked by its description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pool {
    /// Pool id, 4 to 32 characters.
    pub id: String,
    /// Whether exchanges are stopped.
    pub disabled: bool,
}

/// An OIDC provider of a pool, marked by its description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// The pool it belongs to.
    pub pool: String,
    /// Provider id.
    pub id: String,
    /// Issuer, exactly as tokens carry it.
    pub issuer: String,
    /// Audiences it admits. May hold `${application.appId}`.
    pub audiences: Vec<LateText>,
    /// Google attribute → CEL expression.
    pub mapping: BTreeMap<String, String>,
    /// CEL condition that admits only declared identities.
    pub condition: String,
    /// Whether keys were uploaded, which then count in the place of the issuer's; we declare none.
    pub uploaded_keys: bool,
    /// Whether exchanges are stopped.
    pub disabled: bool,
}

/// A Google service account, marked by its description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ServiceAccount {
    /// Account id, the part before the `@`.
    pub id: String,
    /// Display name.
    pub display_name: String,
}

/// Which Google resource a grant is on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "on", content = "name", rename_all = "kebab-case")]
pub enum GrantTarget {
    /// The project.
    Project,
    /// A service account, by account id.
    ServiceAccount(String),
    /// The Artifact Registry repository, by its id.
    Repository(String),
}

/// The members of one role on one Google resource, as far as they are ours: principals of our pool, service accounts we
/// made, and the cluster's node identity. Other members of the same role are nobody's drift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// Where.
    pub target: GrantTarget,
    /// `roles/…`.
    pub role: String,
    /// IAM member strings.
    pub members: BTreeSet<String>,
}

/// An Artifact Registry repository of format DOCKER, marked by a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repository {
    /// Repository id.
    pub id: String,
    /// Region.
    pub location: String,
}

/// A Kubernetes object, marked by the label `app.kubernetes.io/managed-by: gangplank`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KubernetesObject {
    /// The object as we declare it; observed: as the API server stores it.
    pub object: Value,
}

impl RoleAssignment {
    /// The name of the assignment of this role to this principal in this place.
    pub fn name_of(scope: &str, role_definition: &str, principal_id: &str) -> String {
        crate::name::guid(&["role-assignment", scope, role_definition, principal_id])
    }
}

impl KubernetesObject {
    /// What names this object, or `None` if it has no kind or no name.
    pub fn object_key(&self) -> Option<ObjectKey> {
        let text = |pointer: &str| self.object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Some(ObjectKey {
            kind: ObjectKind { api_version: text("/apiVersion")?, kind: text("/kind")? },
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name")?,
        })
    }
}

/// The key of a role assignment.
pub(crate) fn role_key(role: &str, scope: &str, principal_id: &str) -> String {
    format!("azure/role/{role}/{}/{principal_id}", scope_name(scope))
}

/// What an ARM scope is called in a key: its last name, a container's with its account's before it.
fn scope_name(scope: &str) -> String {
    let parts: Vec<&str> = scope.trim_end_matches('/').split('/').collect();
    match parts.as_slice() {
        [.., account, "blobServices", "default", "containers", container] => format!("{account}.{container}"),
        [.., last] => (*last).to_owned(),
        [] => String::new(),
    }
}

impl Resource {
    /// The name of this resource in plans.
    pub fn key(&self) -> ResourceKey {
        ResourceKey(match self {
            Self::Application(it) => format!("entra/application/{}", it.display_name),
            Self::ServicePrincipal(_) => "entra/service-principal".to_owned(),
            Self::AppRoleAssignment(it) => format!("entra/app-role/{}/{}", it.role, it.principal_id),
            Self::ManagedIdentity(it) => format!("azure/managed-identity/{}", it.name),
            Self::FederatedCredential(it) => {
                format!("azure/federated-credential/{}/{}", it.identity, it.name)
            }
            Self::RoleAssignment(it) => role_key(&it.role, &it.scope, &it.principal_id),
            Self::Pool(it) => format!("google/pool/{}", it.id),
            Self::Provider(it) => format!("google/provider/{}/{}", it.pool, it.id),
            Self::ServiceAccount(it) => format!("google/service-account/{}", it.id),
            Self::Grant(it) => match &it.target {
                GrantTarget::Project => format!("google/grant/project/{}", it.role),
                GrantTarget::ServiceAccount(id) => format!("google/grant/service-account/{id}/{}", it.role),
                GrantTarget::Repository(id) => format!("google/grant/repository/{id}/{}", it.role),
            },
            Self::Repository(it) => format!("google/repository/{}/{}", it.location, it.id),
            Self::Kubernetes(it) => match it.object_key() {
                Some(key) => match key.namespace {
                    Some(namespace) => format!("kubernetes/{}/{namespace}/{}", key.kind.kind, key.name),
                    None => format!("kubernetes/{}/{}", key.kind.kind, key.name),
                },
                None => "kubernetes/unnamed".to_owned(),
            },
        })
    }
}
