//! A storage account's firewall keeps the client out: by the account's rules; what the words alone say is the walk's to judge.

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needle = "this request is not authorized to perform this operation.";
    // With `using this permission` it is a role, by the service's own codes.
    let role = case.says(&["authorizationpermissionmismatch", "operation using this permission"]);
    let said = !role && case.says(&["authorizationfailure", needle]);
    let account = case.of(Kind::StorageAccount).find(|it| is_closed(it))?;
    if role || !said && !case.says(&["403", "forbidden", "timed out", "timeout"]) {
        return None;
    }
    let address = case.fact("egressIp").map_or("the client's address", |it| it.0);
    let finding = Finding::new(
        "azure/storage-network-rules",
        cause::NETWORK,
        "the storage account's firewall does not let the client in",
    );
    let at = ["/publicNetworkAccess", "/networkRuleSet", "/networkAcls"]
        .into_iter()
        .find(|at| account.get(at).is_some())
        .unwrap_or_default();
    let finding =
        finding.expected(allowed(account), account.origin(at)).found(address, case.said_in("not authorized"));
    let name = account.text("/name").unwrap_or("ACCOUNT");
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
