//! Azure role-based access control: the role definitions the sandbox knows, the assignments, and the decision.

use jiff::Timestamp;

use crate::seed;

/// A built-in role.
#[derive(Debug)]
pub struct RoleDefinition {
    /// GUID, the same in every tenant.
    pub id: &'static str,
    /// Name.
    pub name: &'static str,
    /// Control-plane actions it allows; `*` matches any run of characters.
    pub actions: &'static [&'static str],
    /// Taken away from `actions`.
    pub not_actions: &'static [&'static str],
    /// Data-plane actions it allows.
    pub data_actions: &'static [&'static str],
}

/// Somebody has a role somewhere.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RoleAssignment {
    /// GUID name, unique within the scope.
    pub name: String,
    /// ARM scope, without trailing slash; empty is the root.
    pub scope: String,
    /// GUID of the role definition.
    pub role: String,
    /// Object id of the principal.
    pub principal_id: String,
    /// `User`, `Group` or `ServicePrincipal`.
    pub principal_type: String,
    /// Free text.
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Object id of who made it.
    pub created_by: String,
}

/// Which plane an action belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plane {
    /// `actions`.
    Control,
    /// `dataActions`.
    Data,
}

const READ_BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
const READ_CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/read";
const DELEGATE: &str = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action";

/// The built-in roles that the sandbox knows.
pub(crate) const ROLE_DEFINITIONS: [RoleDefinition; 13] = [
    RoleDefinition {
        id: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        name: "Owner",
        actions: &["*"],
        not_actions: &[],
        data_actions: &[],
    },
    RoleDefinition {
        id: "b24988ac-6180-42a0-ab88-20f7382dd24c",
        name: "Contributor",
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ],
        data_actions: &[],
    },
    RoleDefinition {
        id: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        name: "Reader",
        actions: &["*/read"],
        not_actions: &[],
        data_actions: &[],
    },
    RoleDefinition {
        id: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        name: "User Access Administrator",
        actions: &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
        not_actions: &[],
        data_actions: &[],
    },
    RoleDefinition {
        id: "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        name: "Role Based Access Control Administrator",
        actions: &[
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ],
        not_actions: &[],
        data_actions: &[],
    },
    RoleDefinition {
        id: "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        name: "Storage Blob Data Reader",
        actions: &[READ_CONTAINERS, DELEGATE],
        not_actions: &[],
        data_actions: &[READ_BLOBS],
    },
    RoleDefinition {
        id: "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        name: "Storage Blob Data Contributor",
        actions: &["Microsoft.Storage/storageAccounts/blobServices/containers/*", DELEGATE],
        not_actions: &[],
        data_actions: &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"],
    },
    RoleDefinition {
        id: "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        name: "Storage Blob Data Owner",
        actions: &["Microsoft.Storage/storageAccounts/blobServices/containers/*", DELEGATE],
        not_actions: &[],
        data_actions: &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"],
    },
    RoleDefinition {
        id: "f6c7c914-8db3-469d-8ca1-694a8f32e121",
        name: "AzureML Data Scientist",
        actions: &[
            "Microsoft.MachineLearningServices/workspaces/*/read",
            "Microsoft.MachineLearningServices/workspaces/*/action",
            "Microsoft.MachineLearningServices/workspaces/*/delete",
            "Microsoft.MachineLearningServices/workspaces/*/write",
        ],
        not_actions: &[
            "Microsoft.MachineLearningServices/workspaces/delete",
            "Microsoft.MachineLearningServices/workspaces/write",
            "Microsoft.MachineLearningServices/workspaces/computes/*/write",
            "Microsoft.MachineLearningServices/workspaces/computes/*/delete",
            "Microsoft.MachineLearningServices/workspaces/computes/listKeys/action",
            "Microsoft.MachineLearningServices/workspaces/listKeys/action",
        ],
        data_actions: &[],
    },
    RoleDefinition {
        id: "1823dd4f-9b8c-4ab6-ab4e-7397a3684615",
        name: "AzureML Registry User",
        actions: &[
            "Microsoft.MachineLearningServices/registries/read",
            "Microsoft.MachineLearningServices/registries/assets/*",
        ],
        not_actions: &[],
        data_actions: &[],
    },
    RoleDefinition {
        id: "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        name: "AcrPull",
        actions: &["Microsoft.ContainerRegistry/registries/pull/read"],
        not_actions: &[],
        data_actions: &[],
    },
    RoleDefinition {
        id: "8311e382-0749-4cb8-b61a-304f252e45ec",
        name: "AcrPush",
        actions: &[
            "Microsoft.ContainerRegistry/registries/pull/read",
            "Microsoft.ContainerRegistry/registries/push/write",
        ],
        not_actions: &[],
        data_actions: &[],
    },
    RoleDefinition {
        id: "c2f4ef07-c644-48eb-af81-4b1b4947fb11",
        name: "AcrDelete",
        actions: &["Microsoft.ContainerRegistry/registries/artifacts/delete"],
        not_actions: &[],
        data_actions: &[],
    },
];

/// The built-in role with this GUID.
pub(crate) fn definition(id: &str) -> Option<&'static RoleDefinition> {
    ROLE_DEFINITIONS.iter().find(|role| role.id.eq_ignore_ascii_case(id))
}

impl RoleDefinition {
    fn allows(&self, plane: Plane, action: &str) -> bool {
        let (given, taken): (_, &[&str]) = match plane {
            Plane::Control => (self.actions, self.not_actions),
            Plane::Data => (self.data_actions, &[]),
        };
        let matches = |patterns: &[&str]| patterns.iter().any(|pattern| matches(pattern, action));
        matches(given) && !matches(taken)
    }
}

impl RoleAssignment {
    /// Whether the assignment holds at `scope`: there, or above it.
    pub(crate) fn covers(&self, scope: &str) -> bool {
        is_within(scope, &self.scope)
    }
}

/// Whether the scope `inner` is `outer` or lies below it.
pub(crate) fn is_within(inner: &str, outer: &str) -> bool {
    let (inner, outer) = (inner.trim_end_matches('/'), outer.trim_end_matches('/'));
    match inner.split_at_checked(outer.len()) {
        Some((head, rest)) => head.eq_ignore_ascii_case(outer) && (rest.is_empty() || rest.starts_with('/')),
        None => false,
    }
}

/// The assignments through which any of `principals` may do `action` at `scope`: none means no.
pub(crate) fn grounds<'a>(
    assignments: &'a [RoleAssignment],
    principals: &[String],
    plane: Plane,
    action: &str,
    scope: &str,
) -> Vec<&'a RoleAssignment> {
    let grounds = assignments.iter().filter(|assignment| {
        principals.contains(&assignment.principal_id)
            && assignment.covers(scope)
            && definition(&assignment.role).is_some_and(|role| role.allows(plane, action))
    });
    grounds.collect()
}

/// Whether `text` matches `pattern`, where `*` stands for any run of characters. Case does not matter.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), text.to_ascii_lowercase());
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.find(part) {
            Some(at) => text = text.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    text.ends_with(last)
}

/// The seeded assignments: the administrator owns the subscription. Nobody else may do anything yet.
pub(crate) fn seeded(now: Timestamp) -> Vec<RoleAssignment> {
    let owner = RoleAssignment {
        name: "6b1f0f2e-8c7d-4e5a-9b3c-2a1d0e9f8c70".to_owned(),
        scope: format!("/subscriptions/{}", seed::SUBSCRIPTION),
        role: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635".to_owned(),
        principal_id: seed::AZURE_ADMIN_OBJECT_ID.to_owned(),
        principal_type: "User".to_owned(),
        description: None,
        created: now,
        created_by: seed::AZURE_ADMIN_OBJECT_ID.to_owned(),
    };
    vec![owner]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "a/b", true),
            ("*/read", "Microsoft.X/y/READ", true),
            ("*/read", "Microsoft.X/y/write", false),
            ("Microsoft.Authorization/*/Write", "Microsoft.Authorization/roleAssignments/write", true),
            ("Microsoft.Authorization/*", "Microsoft.Author/x", false),
            ("a/*/c/*", "a/b/c/d", true),
            ("a/b", "a/b/c", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn scopes() {
        for (inner, outer, expected) in [
            ("/subscriptions/S/resourceGroups/rg", "/SUBSCRIPTIONS/s", true),
            ("/subscriptions/S", "/subscriptions/S", true),
            ("/subscriptions/SX", "/subscriptions/S", false),
            ("/subscriptions/S", "/subscriptions/S/resourceGroups/rg", false),
            ("/subscriptions/S", "/", true),
        ] {
            assert_eq!(is_within(inner, outer), expected, "{inner} {outer}");
        }
    }

    #[test]
    fn contributors_cannot_assign_roles_and_readers_cannot_read_data() {
        let role = |name: &str| ROLE_DEFINITIONS.iter().find(|role| role.name == name).unwrap();
        let assign = "Microsoft.Authorization/roleAssignments/write";
        assert!(role("Owner").allows(Plane::Control, assign));
        assert!(!role("Contributor").allows(Plane::Control, assign));
        assert!(
            role("Contributor").allows(Plane::Control, "Microsoft.MachineLearningServices/workspaces/read")
        );
        assert!(!role("Owner").allows(Plane::Data, READ_BLOBS));
        assert!(role("Storage Blob Data Reader").allows(Plane::Data, READ_BLOBS));
    }
}
