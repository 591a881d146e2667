//! A storage account's firewall keeps the client out.

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needle = "this request is not authorized to perform this operation.";
    // With `using this permission` it is a role, by the service's own codes.
    let role = case.says(&["authorizationpermissionmismatch", "operation using this permission"]);
    let said = !role && case.says(&["authorizationfailure", needle]);
    let closed = case.of(Kind::StorageAccount).find(|it| is_closed(it));
    let kept_out = closed.is_some() && case.says(&["403", "forbidden", "timed out", "timeout"]);
    if role || !(said || kept_out) {
        return None;
    }
    let address = case.fact("egressIp").map_or("the client's address", |it| it.0);
    let finding = Finding::new(
        "azure/storage-network-rules",
        cause::NETWORK,
        "the storage account's firewall does not let the client in",
    );
    let finding = match closed {
        Some(account) => {
            let at = ["/publicNetworkAccess", "/networkRuleSet", "/networkAcls"]
                .into_iter()
                .find(|at| account.get(at).is_some())
                .unwrap_or_default();
            finding
                .expected(allowed(account), account.origin(at))
                .found(address, case.said_in("not authorized"))
        }
        None => finding
            .expected("a network that the account lets in", "the account's network rules")
            .found(
                "AuthorizationFailure, and not AuthorizationPermissionMismatch",
                case.said_in("authorizationfailure"),
            )
            .confidence(Confidence::Likely),
    };
    let name = closed.and_then(|it| it.text("/name")).unwrap_or("ACCOUNT");
    Some(
        finding
            .mend(
                "let this one address in, if it is fixed",
                format!("az storage account network-rule add --account-name {name} --ip-address {address}"),
            )
            .advice("or come by a private endpoint, or from a subnet that is let in; no role helps here"),
    )
}

fn is_closed(account: &Exhibit) -> bool {
    account.text("/publicNetworkAccess") == Some("Disabled")
        || ["/networkRuleSet", "/networkAcls"]
            .iter()
            .any(|at| account.text(&format!("{at}/defaultAction")) == Some("Deny"))
}

fn allowed(account: &Exhibit) -> String {
    let all: Vec<&str> = ["/networkRuleSet/ipRules", "/networkAcls/ipRules"]
        .iter()
        .flat_map(|at| account.list(at))
        .filter_map(|it| it.get("ipAddressOrRange").or_else(|| it.get("value"))?.as_str())
        .collect();
    if all.is_empty() { "no public address: defaultAction is Deny".to_owned() } else { all.join(", ") }
}
