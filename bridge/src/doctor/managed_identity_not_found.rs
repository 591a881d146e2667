//! The host has no such managed identity: none at all, not the one that was named, or several and none was named.

use super::refused_by_entra::Case;
use crate::finding::{Finding, cause};

/// What the three forms of the endpoint say: virtual machines, App Service, Azure ML.
const WORDS: [&str; 5] = [
    "Identity not found",
    "No User Assigned or Delegated Managed Identity found",
    "No MSI found for specified",
    "No Managed Identity found for specified",
    "has not been assigned to this resource",
];
const SEVERAL: &str = "Multiple user assigned identities exist";

pub(super) fn check(refused: &Case<'_>) -> Option<Finding> {
    let text = &refused.error.message;
    let several = text.contains(SEVERAL);
    if !several && !WORDS.iter().any(|words| text.contains(words)) {
        return None;
    }
    let code = "azure/managed-identity-not-found";
    if several {
        return Some(
            refused
                .finding(
                    code,
                    cause::CREDENTIAL_SOURCE,
                    "this host has several managed identities, and none was named",
                )
                .expected("the client id of one of them", "AZURE_CLIENT_ID")
                .advice("set AZURE_CLIENT_ID to the client id of the identity that the bridge declares"),
        );
    }
    let finding = refused
        .finding(code, cause::OBJECT_MISSING, "this host does not have the managed identity that was asked for")
        .expected("an identity that is assigned to this host", "the host's `identity`")
        .look("see the identity's client id", "az identity list --query '[].{name:name,clientId:clientId}' --output table")
        .advice(
            "assign the identity to the machine, app or compute this runs on; or correct AZURE_CLIENT_ID, which takes the \
             client id, neither object id nor name; without it the system-assigned identity is meant",
        );
    Some(finding)
}
