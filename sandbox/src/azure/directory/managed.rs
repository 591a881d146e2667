//! Managed identities: service principals that Azure Resource Manager makes and takes away, and whose tokens the host
//! hands out. A user-assigned one can have federated credentials, as an application can.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Directory, FederatedCredential, ServicePrincipal};

/// A managed identity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ManagedIdentity {
    /// Client id.
    pub client_id: String,
    /// Object id of its service principal, `principalId` in Resource Manager.
    pub object_id: String,
    /// Name.
    pub name: String,
    /// The identity itself if it is user-assigned, else the resource whose it is: `xms_mirid` of its tokens.
    pub resource_id: String,
    /// Whether it is a resource of its own.
    pub user_assigned: bool,
    /// Where it is.
    pub location: String,
    /// Its tags in Resource Manager.
    pub tags: BTreeMap<String, String>,
    /// Outside tokens it can log in with.
    pub federated_credentials: Vec<FederatedCredential>,
}

impl Directory {
    /// Adds a managed identity and its service principal.
    pub fn add_managed_identity(&mut self, identity: ManagedIdentity) {
        self.service_principals.push(ServicePrincipal {
            id: identity.object_id.clone(),
            app_id: identity.client_id.clone(),
            display_name: identity.name.clone(),
            service_principal_type: "ManagedIdentity".to_owned(),
            account_enabled: true,
            app_role_assignment_required: false,
            blocked_by_policy: false,
            tags: Vec::new(),
            service_principal_names: vec![identity.client_id.clone(), identity.resource_id.clone()],
            app_roles: Vec::new(),
        });
        self.managed_identities.push(identity);
    }

    /// Removes a managed identity, its service principal, and every app-role assignment of it.
    pub fn remove_managed_identity(&mut self, client_id: &str) {
        let of = |id: &str| id.eq_ignore_ascii_case(client_id);
        let objects: Vec<String> = self
            .managed_identities
            .iter()
            .filter(|it| of(&it.client_id))
            .map(|it| it.object_id.clone())
            .collect();
        self.managed_identities.retain(|it| !of(&it.client_id));
        self.service_principals.retain(|it| !of(&it.app_id));
        self.assignments.retain(|it| !objects.contains(&it.principal_id));
    }

    /// The managed identity with this client id.
    pub fn managed_identity(&self, client_id: &str) -> Option<&ManagedIdentity> {
        self.managed_identities.iter().find(|it| it.client_id.eq_ignore_ascii_case(client_id))
    }

    /// The managed identity with this client id, to change.
    pub fn managed_identity_mut(&mut self, client_id: &str) -> Option<&mut ManagedIdentity> {
        self.managed_identities.iter_mut().find(|it| it.client_id.eq_ignore_ascii_case(client_id))
    }

    /// The federated credentials of an application or a managed identity; `None` if there is neither.
    pub fn federated_credentials(&self, client_id: &str) -> Option<&[FederatedCredential]> {
        let application = self.application(client_id).map(|it| it.federated_credentials.as_slice());
        application.or_else(|| self.managed_identity(client_id).map(|it| it.federated_credentials.as_slice()))
    }
}
