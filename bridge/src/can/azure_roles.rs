//! What Azure's built-in roles permit that matter to models: `az role assignment list` prints roles by name alone.
//! Source: <https://learn.microsoft.com/azure/role-based-access-control/built-in-roles>.

use super::Permission;

/// Names, then actions, what is taken away from them, and data actions.
type Row =
    (&'static [&'static str], &'static [&'static str], &'static [&'static str], &'static [&'static str]);

const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*";
const DELEGATE: &str = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action";

const ROLES: &[Row] = &[
    (&["Owner"], &["*"], &[], &[]),
    (
        &["Contributor"],
        &["*"],
        &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ],
        &[],
    ),
    (&["Reader"], &["*/read"], &[], &[]),
    (
        &["Storage Blob Data Reader"],
        &["Microsoft.Storage/storageAccounts/blobServices/containers/read", DELEGATE],
        &[],
        &["Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"],
    ),
    (
        &["Storage Blob Data Contributor", "Storage Blob Data Owner"],
        &["Microsoft.Storage/storageAccounts/blobServices/containers/*", DELEGATE],
        &[],
        &[BLOBS],
    ),
    (
        &["AzureML Data Scientist"],
        &[
            "Microsoft.MachineLearningServices/workspaces/*/read",
            "Microsoft.MachineLearningServices/workspaces/*/action",
            "Microsoft.MachineLearningServices/workspaces/*/delete",
            "Microsoft.MachineLearningServices/workspaces/*/write",
        ],
        &["Microsoft.MachineLearningServices/workspaces/delete"],
        &[],
    ),
    (&["AcrPull"], &["Microsoft.ContainerRegistry/registries/pull/read"], &[], &[]),
];

/// What a role permits, as far as the questions here go; none if the role is not known.
pub(super) fn permissions(role: &str) -> Option<Vec<Permission>> {
    let some = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
    let (_, actions, not_actions, data_actions) = ROLES.iter().find(|(names, ..)| names.contains(&role))?;
    let permission = Permission {
        actions: some(actions),
        not_actions: some(not_actions),
        data_actions: some(data_actions),
        not_data_actions: Vec::new(),
    };
    Some(vec![permission])
}
