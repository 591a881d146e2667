//! The Azure side of a shipment: the caller sees the workspace, and reads the container that models lie in.

use super::evidence::{Sight, Store};
use super::refused_by_entra::CLIENT;
use super::{Ask, Chain, Evidence, Verdict, Way, hop_failed};
use crate::finding::{Confidence, Finding, cause};
use crate::port::{PortError, Refused};

/// How long a role assignment may take to count: `learn.microsoft.com/azure/role-based-access-control/troubleshooting`.
const MINUTES: &str = "ten minutes";

/// Looks at the workspace.
pub(super) fn workspace(way: &Way<'_>, evidence: &Evidence) -> Verdict {
    let scope = way.bridge.workspace_scope();
    let Some(sight) = &evidence.workspace else { return Verdict::Need(Ask::Workspace { scope }) };
    match sight {
        Sight::Seen(_) => Verdict::Sound(format!("may see {}", way.bridge.azure.workspace)),
        Sight::Unseen { why } => Verdict::Unseen(why.clone()),
        Sight::Refused(error) => Verdict::Broken(Box::new(workspace_refused(way, error))),
    }
}

fn workspace_refused(way: &Way<'_>, error: &PortError) -> Finding {
    let (azure, scope) = (&way.bridge.azure, way.bridge.workspace_scope());
    if error.kind == Refused::NotFound {
        let finding = Finding::new(
            "azure/workspace-not-found",
            cause::RESOURCE_NAME,
            format!(
                "there is no workspace `{}` in resource group `{}`",
                azure.workspace, azure.resource_group
            ),
        );
        return finding
            .confidence(Confidence::Likely)
            .expected("a workspace of this name, group and subscription", "bridge.yaml, `azure`")
            .found(&error.message, error.service)
            .look(
                "see which workspaces there are",
                format!("az ml workspace list --subscription {} --output table", azure.subscription),
            )
            .advice("correct `azure.workspace`, `azure.resourceGroup` or `azure.subscription`");
    }
    if error.kind != Refused::Denied {
        return hop_failed::workspace(way, error);
    }
    Finding::new(
        "azure/workspace-read-not-granted",
        cause::GRANT_MISSING,
        format!("the caller may not see workspace `{}`", azure.workspace),
    )
    .confidence(Confidence::Likely)
    .expected("Reader", format!("role assignments of the caller on `{scope}`"))
    .found(&error.message, error.service)
    .mend("give what the bridge declares", "gangplank apply")
    .mend(
        "or that one role, on the workspace alone",
        format!("az role assignment create --assignee {CLIENT} --role Reader --scope {scope}"),
    )
    .advice(format!(
        "a new assignment takes up to {MINUTES} to count; the text names who was refused: if that is not the caller that was \
         meant, the log-in is wrong and not the role"
    ))
}

/// Looks at the storage behind the workspace.
pub(super) fn storage(chain: &Chain<'_>, evidence: &Evidence) -> Verdict {
    let scope = chain.way().map_or_else(String::new, |way| way.bridge.workspace_scope());
    let Some(sight) = &evidence.storage else { return Verdict::Need(Ask::Storage { scope }) };
    let store = evidence.workspace.as_ref().and_then(Sight::seen);
    match sight {
        Sight::Seen(()) => {
            Verdict::Sound(store.map_or_else(
                || "may read".to_owned(),
                |it| format!("may read {}.{}", it.account, it.container),
            ))
        }
        Sight::Unseen { why } => Verdict::Unseen(why.clone()),
        Sight::Refused(error) => Verdict::Broken(Box::new(storage_refused(chain, store, error))),
    }
}

/// What Azure Storage says without its codes: `learn.microsoft.com/rest/api/storageservices/blob-service-error-codes`.
const NETWORK_RULES: &str = "This request is not authorized to perform this operation.";
const NO_ROLE: &str = "This request is not authorized to perform this operation using this permission.";
const KEYS_OFF: &str = "Key based authentication is not permitted on this storage account.";

fn storage_refused(chain: &Chain<'_>, store: Option<&Store>, error: &PortError) -> Finding {
    let named = match (store, chain.way()) {
        (Some(it), _) => format!("container `{}` of `{}`", it.container, it.account),
        (None, Some(_)) => "the workspace's storage".to_owned(),
        (None, None) => "the storage".to_owned(),
    };
    let is = |code: &str, words: &str| hop_failed::says(error, code) || error.message.contains(words);
    if is("AuthorizationFailure", NETWORK_RULES) {
        return network_rules(store, &named, error);
    }
    if is("KeyBasedAuthenticationNotPermitted", KEYS_OFF) {
        return shared_key(&named, error);
    }
    if !is("AuthorizationPermissionMismatch", NO_ROLE) {
        return hop_failed::storage(&named, error);
    }
    role_not_granted(chain, store, &named, error)
}

fn role_not_granted(chain: &Chain<'_>, store: Option<&Store>, named: &str, error: &PortError) -> Finding {
    let finding = Finding::new(
        "azure/storage-role-not-granted",
        cause::GRANT_MISSING,
        format!("the caller may not read {named}"),
    )
    .confidence(Confidence::Likely)
    .expected("Storage Blob Data Reader", format!("role assignments of the caller on {named}"))
    .found(&error.message, error.service);
    let finding = chain.put_back(finding, "give what the bridge declares");
    let one_role = |caller: &str, scope: &str| {
        let role = "--role \"Storage Blob Data Reader\"";
        format!("az role assignment create {caller} {role} --scope {scope}")
    };
    let words = chain.or("that one role, on the container alone");
    let finding = match (chain.way(), store) {
        (Some(way), Some(store)) => {
            finding.mend(words, one_role(&format!("--assignee {CLIENT}"), &scope_of(way, store)))
        }
        (Some(_), None) => finding,
        (None, _) => finding.mend(words, one_role("--assignee-object-id OBJECT_ID", "CONTAINER_ID")),
    };
    finding.advice(format!(
        "a new assignment takes up to {MINUTES} to count; Owner and Contributor read no blob: it takes a data role"
    ))
}

fn scope_of(way: &Way<'_>, store: &Store) -> String {
    let azure = &way.bridge.azure;
    let (subscription, group) =
        store.place.clone().unwrap_or((azure.subscription.clone(), azure.resource_group.clone()));
    format!(
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{}/blobServices/default/containers/{}",
        store.account, store.container
    )
}

fn network_rules(store: Option<&Store>, named: &str, error: &PortError) -> Finding {
    let account = store.map_or("ACCOUNT", |it| it.account.as_str());
    Finding::new(
        "azure/storage-network-rules",
        cause::NETWORK,
        format!("the storage account lets nobody in from here, so {named} cannot be read"),
    )
    .confidence(Confidence::Likely)
    .expected("an address that the account's network rules let in", "the storage account's firewall")
    .found(&error.message, format!("{}, AuthorizationFailure", error.service))
    .look("see the rules", format!("az storage account network-rule list --account-name {account}"))
    .advice(
        "run this where the account can be reached (a private endpoint, a virtual network that is let in), or let the \
         address of this runner in; no role changes this: a missing one says AuthorizationPermissionMismatch",
    )
}

/// The datastore keeps a key that opens nothing. This bridge reads without it; others do not.
pub(super) fn dead_key(evidence: &Evidence) -> Option<Finding> {
    let store = evidence.workspace.as_ref().and_then(Sight::seen)?;
    let kept = store.dead_key.as_ref()?;
    let finding = Finding::new(
        "azure/shared-key-disabled",
        cause::SHARED_KEY_DISABLED,
        format!("the default datastore keeps a key of `{}`, which takes none: whoever reads through it is refused", store.account),
    )
    .confidence(Confidence::Certain)
    .expected("None", format!("storage account `{}`, `allowSharedKeyAccess: false`", store.account))
    .found(kept, "the default datastore, `credentialsType`")
    .advice(
        "this bridge reads with Entra tokens and is not hit; jobs, notebooks and Azure ML's own pages are: set the datastore to \
         identity-based access, and give whoever reads Storage Blob Data Reader on the container; leave keys switched off",
    );
    Some(finding)
}

fn shared_key(named: &str, error: &PortError) -> Finding {
    Finding::new(
        "azure/shared-key-disabled",
        cause::SHARED_KEY_DISABLED,
        format!("{named} was asked with an account key, and the account takes none"),
    )
    .confidence(Confidence::Certain)
    .expected("an Entra token with a data role", "the storage account, `allowSharedKeyAccess: false`")
    .found(&error.message, format!("{}, KeyBasedAuthenticationNotPermitted", error.service))
    .advice(
        "leave keys switched off; give whoever reads Storage Blob Data Reader on the container, and set the datastore to \
         identity-based access",
    )
}
