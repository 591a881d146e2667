//! Wishes on the Azure side: the application whose tokens Google accepts, and the rights to read models.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::{CALLER_ROLE, admits_by_role};
use super::delegated;
use super::people::{People, Person};
use crate::inventory::{Facts, Principal};
use crate::name::guid;
use crate::resource::{
    AppRole, AppRoleAssignment, Application, MemberType, Resource, RoleAssignment, ServicePrincipal,
};
use crate::spec::{Bridge, Runtime, Who};

/// A built-in Azure role.
#[derive(Clone, Copy)]
struct BuiltIn {
    name: &'static str,
    id: &'static str,
}

/// Sees the workspace, its models and versions; changes nothing and reads no keys.
const READER: BuiltIn = BuiltIn { name: "Reader", id: "acdd72a7-3385-48ef-bd42-f606fba81ae7" };

/// Reads the assets of an Azure ML registry.
const REGISTRY_USER: BuiltIn =
    BuiltIn { name: "AzureML Registry User", id: "1823dd4f-9b8c-4ab6-ab4e-7397a3684615" };

/// Pulls images.
const ACR_PULL: BuiltIn = BuiltIn { name: "AcrPull", id: "7f951dda-4ed3-4680-a7ca-43fe172d538d" };

/// Reads blobs. Given on the one container, not on the account: other containers hold other people's data.
const BLOB_READER: BuiltIn = BuiltIn { name: "Storage Blob Data Reader", id: BLOB_READER_ID };

/// The GUID of `Storage Blob Data Reader`: <https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage>.
pub const BLOB_READER_ID: &str = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1";

pub(super) fn wanted(bridge: &Bridge, facts: &Facts, people: &People<'_>) -> Vec<Resource> {
    let mut resources = vec![application(bridge, facts), service_principal(facts)];
    resources.extend(app_role_assignments(bridge, facts, people));
    resources.extend(role_assignments(bridge, facts, people));
    resources
}

fn application(bridge: &Bridge, facts: &Facts) -> Resource {
    let mut app_roles = BTreeMap::new();
    for identity in &bridge.identities {
        if let Who::AppRole { role, .. } = &identity.who {
            let role = app_role(bridge, role, &identity.name, member_types(&identity.who));
            app_roles.extend([role]);
        }
    }
    if admits_by_role(bridge, facts) {
        let machines = BTreeSet::from([MemberType::Application]);
        app_roles.extend([app_role(bridge, CALLER_ROLE, "Gangplank caller", machines)]);
    }
    Resource::Application(Application {
        display_name: bridge.federation.application.clone(),
        identifier_uri: bridge.identifier_uri(),
        token_version: 2,
        app_roles,
        delegated: delegated::wanted(bridge),
        group_claims: bridge.identities.iter().any(|identity| matches!(identity.who, Who::Group { .. })),
    })
}

fn app_role(
    bridge: &Bridge,
    value: &str,
    name: &str,
    allowed_member_types: BTreeSet<MemberType>,
) -> (String, AppRole) {
    let (id, display_name) = (role_id(bridge, value), name.to_owned());
    (value.to_owned(), AppRole { id, display_name, allowed_member_types })
}

/// Who can hold an identity's role: whoever is named, and machines where nobody is.
fn member_types(who: &Who) -> BTreeSet<MemberType> {
    let machines = match who {
        Who::AppRole { members, .. } => !members.is_empty(),
        Who::ServicePrincipal(_) | Who::ManagedIdentity(_) | Who::Group { .. } => true,
    };
    let people = who.includes_people();
    let machines = (machines || !people).then_some(MemberType::Application);
    machines.into_iter().chain(people.then_some(MemberType::User)).collect()
}

fn service_principal(facts: &Facts) -> Resource {
    Resource::ServicePrincipal(ServicePrincipal { app_id: application_id(facts) })
}

/// The application's client id, or the words that stand for it until it exists.
pub(super) fn application_id(facts: &Facts) -> String {
    let known = facts.application.as_ref().map(|application| application.app_id.clone());
    known.unwrap_or_else(|| "${application.appId}".to_owned())
}

fn role_id(bridge: &Bridge, role: &str) -> String {
    guid(&["app-role", &bridge.azure.tenant, &bridge.federation.application, role])
}

fn app_role_assignments(bridge: &Bridge, facts: &Facts, people: &People<'_>) -> Vec<Resource> {
    let by_role = admits_by_role(bridge, facts);
    // Two identities may name one role; a holder of it is assigned once.
    let mut assigned = BTreeSet::new();
    for person in people.all() {
        let role = match &person.identity.who {
            Who::AppRole { role, .. } => role.as_str(),
            Who::ServicePrincipal(_) | Who::ManagedIdentity(_) if by_role => CALLER_ROLE,
            Who::ServicePrincipal(_) | Who::ManagedIdentity(_) | Who::Group { .. } => continue,
        };
        assigned.extend(person.principals.iter().map(|principal| (role, &principal.object_id)));
    }
    let assignment = |(role, principal_id): (&str, &String)| {
        Resource::AppRoleAssignment(AppRoleAssignment {
            principal_id: principal_id.clone(),
            app_role_id: role_id(bridge, role),
            role: role.to_owned(),
        })
    };
    assigned.into_iter().map(assignment).collect()
}

fn role_assignments(bridge: &Bridge, facts: &Facts, people: &People<'_>) -> Vec<Resource> {
    let mut assignments = BTreeMap::new();
    let workspace = bridge.workspace_scope();
    for person in people.all().filter(|person| person.carries_models()) {
        let mut rights = vec![(READER, workspace.as_str()), (BLOB_READER, &facts.datastore.scope)];
        let declared = bridge.azure.datastores.iter().filter_map(|name| facts.datastores.get(name));
        rights.extend(declared.map(|datastore| (BLOB_READER, datastore.scope.as_str())));
        rights.extend(beyond_the_workspace(bridge, facts, person));
        for principal in &person.principals {
            for (role, scope) in &rights {
                // One key an assignment: a principal may stand behind two identities, two datastores on one container.
                let key = (principal.object_id.as_str(), role.name, scope.to_ascii_lowercase());
                assignments.entry(key).or_insert_with(|| role_assignment(role, scope, principal));
            }
        }
    }
    assignments.into_values().collect()
}

/// What the services that this person ships need beyond the workspace: registries, and the packages' images.
fn beyond_the_workspace<'a>(
    bridge: &Bridge,
    facts: &'a Facts,
    person: &Person<'_>,
) -> Vec<(BuiltIn, &'a str)> {
    let mut rights = Vec::new();
    for service in bridge.services.iter().filter(|service| person.ships_for(&service.team)) {
        let registry = service.model.registry().and_then(|registry| facts.registries.get(registry));
        rights.extend(registry.map(|scope| (REGISTRY_USER, scope.as_str())));
        if matches!(service.runtime, Runtime::Package { .. }) {
            rights.extend(facts.container_registry.as_deref().map(|scope| (ACR_PULL, scope)));
        }
    }
    rights
}

/// What it takes to read models: to see them, and to read the one container they lie in.
pub(super) fn reads_models(bridge: &Bridge, facts: &Facts, principal: &Principal) -> [Resource; 2] {
    let workspace = bridge.workspace_scope();
    [(READER, &workspace), (BLOB_READER, &facts.datastore.scope)]
        .map(|(role, scope)| role_assignment(&role, scope, principal))
}

fn role_assignment(role: &BuiltIn, scope: &str, principal: &Principal) -> Resource {
    Resource::RoleAssignment(RoleAssignment {
        name: RoleAssignment::name_of(scope, role.id, &principal.object_id),
        scope: scope.to_owned(),
        role_definition: role.id.to_owned(),
        role: role.name.to_owned(),
        principal_id: principal.object_id.clone(),
        principal_type: principal.principal_type.clone(),
    })
}
