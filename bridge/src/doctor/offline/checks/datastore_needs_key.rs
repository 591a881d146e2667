//! A kind of datastore, or a client, that cannot do without the account's key.

use super::super::case::Case;
use super::library_too_old::{is_before, version, written};
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Finding, cause};

/// The client of Azure ML's datastores whose notes say since when it takes a blob container without credentials: with
/// `service_data_auth_identity` for the workspace's identity, since `account_key` and `shared_access_signature` are optional.
/// Source: `https://github.com/hashicorp/terraform-provider-azurerm/blob/main/CHANGELOG.md`, 4.36.0, and
/// `https://github.com/hashicorp/terraform-provider-azurerm/pull/30079` (looked up on 2026-11-28). For the `ml` extension of the
/// Azure CLI only the fault is on record (2.0.3, `https://github.com/Azure/azure-cli-extensions/issues/4157`), not the version
/// that has it no longer; it is told by its words. No notes name such a version of azure-ai-ml or azureml-core.
const AZURERM: &[&str] = &["azurerm", "hashicorp/azurerm", "terraform-provider-azurerm"];
const AZURERM_SINCE: &[u64] = &[4, 36, 0];

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    file_share(case).or_else(|| without_credentials(case))
}

fn keyless(datastore: &Exhibit) -> bool {
    let kind = datastore.text_of(&["/credentials/credentialsType", "/credentialsType", "/credentials/type"]);
    let empty = datastore
        .get("/credentials")
        .and_then(serde_json::Value::as_object)
        .is_some_and(serde_json::Map::is_empty);
    kind.is_some_and(|it| it.eq_ignore_ascii_case("none")) || kind.is_none() && empty
}

fn file_share(case: &Case<'_>) -> Option<Finding> {
    let share = case.of(Kind::Datastore).find(|it| {
        it.text_of(&["/datastoreType", "/type"])
            .is_some_and(|kind| kind.to_ascii_lowercase().replace('_', "").contains("azurefile"))
    })?;
    let off = case.of(Kind::StorageAccount).find(|it| it.flag("/allowSharedKeyAccess") == Some(false));
    if off.is_none() && !keyless(share) && !case.says(&["account key", "keys disabled"]) {
        return None;
    }
    let place = off.map_or_else(|| "Azure ML".to_owned(), |it| it.origin("/allowSharedKeyAccess"));
    Some(
        finding("a datastore on Azure Files takes the account's key and nothing else")
            .expected("a datastore on blobs or ADLS Gen2, which takes an identity", place)
            .found(share.text_of(&["/datastoreType", "/type"]).unwrap_or("AzureFile"), share.origin("/type"))
            .advice("keep the data in a blob container, and make the datastore without credentials"),
    )
}

fn without_credentials(case: &Case<'_>) -> Option<Finding> {
    let datastore = case.of(Kind::Datastore).find(|it| keyless(it))?;
    // For ADLS Gen2 the provider's page calls the credentials optional, in version 3 as in 4.
    let is_gen2 = datastore
        .text_of(&["/datastoreType", "/type"])
        .is_some_and(|kind| kind.to_ascii_lowercase().contains("gen2"));
    let client = version(case, AZURERM).filter(|(_, at, _)| !is_gen2 && is_before(at, AZURERM_SINCE));
    let nonsense = case.says(&["'nonecredentials' object has no attribute"]);
    let (found, origin, since) = match client {
        Some((name, version, origin)) => (format!("{name} {version}"), origin, written(AZURERM_SINCE)),
        None if nonsense => (
            "a client that looks for a SAS token in a datastore that keeps none".to_owned(),
            case.said_in("nonecredentials"),
            "a newer version".to_owned(),
        ),
        None => return None,
    };
    Some(
        finding("the client cannot do with a datastore that keeps no credential")
            .expected(format!("{since} or newer, for credentialsType None"), datastore.origin("/credentials"))
            .found(found, origin)
            .advice("take a newer client, or for this one resource a client that speaks to the service directly (azapi, `az rest`)"),
    )
}

fn finding(summary: &str) -> Finding {
    Finding::new("azure/datastore-needs-key", cause::CLIENT_VERSION, summary)
}
