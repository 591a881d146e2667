//! What the Entra tenant holds: applications, service principals, users, groups, app-role assignments. Serialized, each
//! is what Microsoft Graph shows.

mod api;
mod credential;
mod managed;
mod seeded;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::data::is_shown;

pub use api::{Api, PermissionScope, PreAuthorizedApplication};
pub use credential::{FederatedCredential, KeyCredential, Secret};
pub use managed::ManagedIdentity;
pub(crate) use seeded::seeded;

/// The role id of an assignment that gives no particular role.
pub(crate) const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";

/// Everything in the tenant.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Directory {
    /// App registrations.
    pub applications: Vec<Application>,
    /// Service principals: our applications', and those of Microsoft's own services.
    pub service_principals: Vec<ServicePrincipal>,
    /// Managed identities; each has a service principal, and none an application.
    pub managed_identities: Vec<ManagedIdentity>,
    /// Client ids of applications of other tenants that any tenant may take in.
    pub foreign_applications: Vec<String>,
    /// People.
    pub users: Vec<User>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Who holds which app role.
    pub assignments: Vec<AppRoleAssignment>,
}

/// An app registration.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Object id.
    pub id: String,
    /// Client id.
    pub app_id: String,
    /// Display name; not unique.
    pub display_name: String,
    /// When it was registered.
    pub created_date_time: Timestamp,
    /// Names under which tokens can be asked for.
    pub identifier_uris: Vec<String>,
    /// Settings of the application as an API.
    pub api: Api,
    /// Roles that callers can hold.
    pub app_roles: Vec<AppRole>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Who can sign in; always `AzureADMyOrg` here.
    pub sign_in_audience: String,
    /// Whether tokens carry groups.
    pub group_membership_claims: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Secrets it can log in with. Never shown.
    #[serde(default, skip_serializing_if = "is_shown")]
    pub secrets: Vec<Secret>,
    /// Certificates it can log in with.
    #[serde(rename = "keyCredentials")]
    pub certificates: Vec<KeyCredential>,
    /// Outside tokens it can log in with.
    #[serde(default, skip_serializing_if = "is_shown")]
    pub federated_credentials: Vec<FederatedCredential>,
}

/// A role of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRole {
    /// GUID.
    pub id: String,
    /// What tokens carry.
    pub value: Option<String>,
    /// Shown to people.
    pub display_name: String,
    /// Shown to people.
    #[serde(default)]
    pub description: Option<String>,
    /// `User`, `Application`.
    pub allowed_member_types: Vec<String>,
    /// Disabled roles are not in tokens and can be removed.
    #[serde(default = "enabled")]
    pub is_enabled: bool,
}

impl AppRole {
    /// Whether members of this kind can hold it: `User` (and groups of them) or `Application`.
    pub(crate) fn takes(&self, kind: &str) -> bool {
        self.allowed_member_types.iter().any(|allowed| allowed == kind)
    }
}

fn enabled() -> bool {
    true
}

/// A service principal: an application's presence in the tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePrincipal {
    /// Object id: `oid` of its tokens.
    pub id: String,
    /// Client id of its application.
    pub app_id: String,
    /// Display name.
    pub display_name: String,
    /// `Application` or `ManagedIdentity`.
    pub service_principal_type: String,
    /// Whether it can log in.
    pub account_enabled: bool,
    /// Whether callers without any role are refused a token.
    pub app_role_assignment_required: bool,
    /// Whether a Conditional Access policy for workload identities blocks it.
    #[serde(default, skip_serializing_if = "is_shown")]
    pub blocked_by_policy: bool,
    /// Free labels.
    pub tags: Vec<String>,
    /// Client id and identifier URIs.
    pub service_principal_names: Vec<String>,
    /// Roles that callers can hold.
    pub app_roles: Vec<AppRole>,
}

/// A person.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Object id.
    pub id: String,
    /// Log-in name.
    pub user_principal_name: String,
    /// Display name.
    pub display_name: String,
    /// Template ids of directory roles: `wids` of delegated tokens.
    #[serde(default, skip_serializing_if = "is_shown")]
    pub directory_roles: Vec<String>,
}

/// A security group.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Object id.
    pub id: String,
    /// Display name.
    pub display_name: String,
    /// Always true here.
    pub security_enabled: bool,
    /// Object ids of its direct members.
    #[serde(default, skip_serializing_if = "is_shown")]
    pub members: Vec<String>,
}

/// Somebody holds an app role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRoleAssignment {
    /// Id of the assignment.
    pub id: String,
    /// When it was made.
    pub created_date_time: Timestamp,
    /// Who holds the role.
    pub principal_id: String,
    /// `ServicePrincipal`, `User` or `Group`.
    pub principal_type: String,
    /// The holder's display name.
    pub principal_display_name: String,
    /// Object id of the service principal whose role it is.
    pub resource_id: String,
    /// That service principal's display name.
    pub resource_display_name: String,
    /// The role's id.
    pub app_role_id: String,
}

impl Directory {
    /// The application with this client id.
    pub fn application(&self, app_id: &str) -> Option<&Application> {
        self.applications.iter().find(|application| application.app_id.eq_ignore_ascii_case(app_id))
    }

    /// The application with this client id, to change.
    pub fn application_mut(&mut self, app_id: &str) -> Option<&mut Application> {
        self.applications.iter_mut().find(|application| application.app_id.eq_ignore_ascii_case(app_id))
    }

    /// The service principal of this application.
    pub fn service_principal_of(&self, app_id: &str) -> Option<&ServicePrincipal> {
        self.service_principals.iter().find(|principal| principal.app_id.eq_ignore_ascii_case(app_id))
    }

    /// The service principal with this object id.
    pub fn service_principal(&self, id: &str) -> Option<&ServicePrincipal> {
        self.service_principals.iter().find(|principal| principal.id.eq_ignore_ascii_case(id))
    }

    /// The groups that hold `member`, directly or through other groups.
    pub fn groups_of(&self, member: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut open = vec![member.to_owned()];
        while let Some(member) = open.pop() {
            let holding = self.groups.iter().filter(|group| group.members.contains(&member));
            for group in holding {
                if !found.contains(&group.id) {
                    found.push(group.id.clone());
                    open.push(group.id.clone());
                }
            }
        }
        found.sort();
        found
    }

    /// The groups that hold `member` themselves. Entra looks no further where a group is assigned to an application:
    /// <https://learn.microsoft.com/graph/api/group-post-approleassignments>.
    fn groups_directly_of(&self, member: &str) -> Vec<&str> {
        let holds = |group: &&Group| group.members.iter().any(|it| it == member);
        self.groups.iter().filter(holds).map(|group| group.id.as_str()).collect()
    }

    /// The person with this object id or log-in name.
    pub fn user(&self, key: &str) -> Option<&User> {
        let is = |user: &&User| {
            user.id.eq_ignore_ascii_case(key) || user.user_principal_name.eq_ignore_ascii_case(key)
        };
        self.users.iter().find(is)
    }

    /// What a person holds of the service principal `resource`: assignments of her own, and of the groups that she is in.
    fn assignments_of_person<'d>(
        &'d self,
        person: &'d str,
        resource: &'d str,
    ) -> impl Iterator<Item = &'d AppRoleAssignment> {
        let groups = self.groups_directly_of(person);
        let holds = move |id: &str| id == person || groups.contains(&id);
        self.assignments.iter().filter(move |it| it.resource_id == resource && holds(&it.principal_id))
    }

    /// Whether a person is assigned to the service principal `resource` at all.
    pub(crate) fn is_person_assigned(&self, person: &str, resource: &str) -> bool {
        self.assignments_of_person(person, resource).next().is_some()
    }

    /// The values of the enabled roles of `resource` that a person holds.
    pub(crate) fn roles_of_person(&self, person: &str, resource: &ServicePrincipal) -> Vec<String> {
        let held: Vec<&str> =
            self.assignments_of_person(person, &resource.id).map(|it| it.app_role_id.as_str()).collect();
        let roles = resource
            .app_roles
            .iter()
            .filter(|role| role.is_enabled && held.contains(&role.id.as_str()) && role.takes("User"));
        roles.filter_map(|role| role.value.clone()).collect()
    }

    /// Whether `principal` (or a group it is in) is assigned to the service principal `resource` at all.
    pub(crate) fn is_assigned(&self, principal: &str, resource: &str) -> bool {
        let groups = self.groups_of(principal);
        self.assignments.iter().any(|assignment| {
            assignment.resource_id == resource
                && (assignment.principal_id == principal || groups.contains(&assignment.principal_id))
        })
    }

    /// The values of the enabled roles of `resource` that `principal` holds. As in Entra, a service principal gets no
    /// roles through groups.
    pub(crate) fn roles_of(&self, principal: &str, resource: &ServicePrincipal) -> Vec<String> {
        let held: Vec<&str> = self
            .assignments
            .iter()
            .filter(|assignment| {
                assignment.resource_id == resource.id && assignment.principal_id == principal
            })
            .map(|assignment| assignment.app_role_id.as_str())
            .collect();
        let roles = resource
            .app_roles
            .iter()
            .filter(|role| role.is_enabled && held.contains(&role.id.as_str()) && role.takes("Application"));
        roles.filter_map(|role| role.value.clone()).collect()
    }

    /// What kind of thing an object id names, and its display name.
    pub(crate) fn describe(&self, id: &str) -> Option<(&'static str, String)> {
        let principal = self.service_principal(id).map(|it| ("ServicePrincipal", it.display_name.clone()));
        let user = || self.users.iter().find(|it| it.id == id).map(|it| ("User", it.display_name.clone()));
        let group = || self.groups.iter().find(|it| it.id == id).map(|it| ("Group", it.display_name.clone()));
        principal.or_else(user).or_else(group)
    }
}
