//! A client comes with the account's key, and the storage account takes none: by what is shown of the two; what the words
//! alone say is the walk's to judge.

use super::super::case::Case;
use crate::exhibit::Kind;
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needle = "key based authentication is not permitted";
    let said = case.says(&[needle, "keybasedauthenticationnotpermitted"]);
    let off = case.of(Kind::StorageAccount).find(|it| it.flag("/allowSharedKeyAccess") == Some(false));
    let keyed = case.of(Kind::Datastore).find(|it| {
        it.text_of(&["/credentials/credentialsType", "/credentialsType", "/credentials/type"]).is_some_and(
            |kind| matches!(kind.to_ascii_lowercase().as_str(), "accountkey" | "sas" | "account_key"),
        )
    });
    if off.is_none() && keyed.is_none() || !said && (off.is_none() || keyed.is_none()) {
        return None;
    }
    let (expected, place) = off.map_or_else(
        || ("a log-in by Entra".to_owned(), "the storage account".to_owned()),
        |it| {
            (
                "allowSharedKeyAccess: false, so a log-in by Entra".to_owned(),
                it.origin("/allowSharedKeyAccess"),
            )
        },
    );
    let (found, origin) = keyed.map_or_else(
        || ("the account's key, or a SAS made of it".to_owned(), case.talk()),
        |it| ("a datastore that keeps the account's key".to_owned(), it.origin("/credentials")),
    );
    Some(
        Finding::new("azure/shared-key-disabled", cause::SHARED_KEY_DISABLED, "the client comes with the account's key, and the account takes none")
            .expected(expected, place)
            .found(found, origin)
            .confidence(if off.is_some() { Confidence::Certain } else { Confidence::Likely })
            .advice("let the client log in by Entra: `storage_use_azuread = true` in Terraform's provider, `--auth-mode login` for `az`, a datastore without credentials in Azure ML")
            .advice("and give it a data role on the container, as Storage Blob Data Reader; do not switch the keys on again"),
    )
}
