//! An application as an API: the version of its tokens, its delegated permissions, and the clients that need no consent.

use serde::{Deserialize, Serialize};

/// Settings of an application as an API.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Api {
    /// 2 asks for v2 tokens, anything else gives v1.
    pub requested_access_token_version: Option<u8>,
    /// Delegated permissions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oauth2_permission_scopes: Vec<PermissionScope>,
    /// Clients that need no consent, each for the permissions that it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pre_authorized_applications: Vec<PreAuthorizedApplication>,
}

/// A delegated permission: <https://learn.microsoft.com/graph/api/resources/permissionscope>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PermissionScope {
    /// GUID.
    pub id: String,
    /// What tokens carry in `scp`.
    pub value: Option<String>,
    /// `User` or `Admin`: who may consent.
    #[serde(rename = "type")]
    pub consent: String,
    /// Shown to administrators.
    pub admin_consent_display_name: Option<String>,
    /// Shown to administrators.
    pub admin_consent_description: Option<String>,
    /// Shown to people.
    #[serde(default)]
    pub user_consent_display_name: Option<String>,
    /// Shown to people.
    #[serde(default)]
    pub user_consent_description: Option<String>,
    /// Disabled permissions are in no token, and can be changed and removed.
    #[serde(default = "super::enabled")]
    pub is_enabled: bool,
}

/// A client that needs no consent: <https://learn.microsoft.com/graph/api/resources/preauthorizedapplication>.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreAuthorizedApplication {
    /// Its client id.
    pub app_id: String,
    /// Ids of permissions of the application.
    pub delegated_permission_ids: Vec<String>,
}

impl Api {
    /// The values of the enabled permissions that a client has without anybody's consent.
    pub(crate) fn permissions_of(&self, client: &str) -> Vec<&str> {
        let is_client = |it: &&PreAuthorizedApplication| it.app_id.eq_ignore_ascii_case(client);
        let ids: Vec<&String> = self
            .pre_authorized_applications
            .iter()
            .filter(is_client)
            .flat_map(|it| &it.delegated_permission_ids)
            .collect();
        let given = |scope: &&PermissionScope| {
            scope.is_enabled && ids.iter().any(|id| id.eq_ignore_ascii_case(&scope.id))
        };
        self.oauth2_permission_scopes
            .iter()
            .filter(given)
            .filter_map(|scope| scope.value.as_deref())
            .collect()
    }
}
