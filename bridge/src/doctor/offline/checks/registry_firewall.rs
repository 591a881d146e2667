//! An Azure registry's firewall keeps the client out.

use super::super::case::Case;
use super::super::words;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needle = "acr/firewall";
    let said = case.says(&[needle, "is not allowed access"]);
    let closed = case.of(Kind::ContainerRegistry).find(|it| is_closed(it));
    let blocked = said
        || closed.is_some() && case.says(&["403", "forbidden", "denied", "timeout", "deadline exceeded"]);
    if !blocked {
        return None;
    }
    let address = words::quoted_after(&case.said, "client with IP")
        .or_else(|| case.fact("egressIp").map(|it| it.0))
        .unwrap_or("the client's address");
    let finding = Finding::new(
        "azure/registry-firewall",
        cause::NETWORK,
        format!("the registry's firewall does not let {address} in"),
    );
    let finding = match closed {
        Some(registry) => {
            let at = if registry.text("/publicNetworkAccess") == Some("Disabled") {
                "/publicNetworkAccess"
            } else {
                "/networkRuleSet"
            };
            finding
                .expected(allowed(registry), registry.origin(at))
                .found(address, case.said_in("client with ip"))
        }
        None => finding
            .expected("an address that the registry lets in", "the registry's network rules")
            .found(address, case.said_in(needle))
            .confidence(Confidence::Likely),
    };
    let name = closed.and_then(|it| it.text("/name")).unwrap_or("REGISTRY");
    Some(
        finding
            .mend("let this one address in, if it is fixed", format!("az acr network-rule add --name {name} --ip-address {address}"))
            .advice("or pull from inside the network: a private endpoint, and a private DNS zone that the pulling daemon itself asks; see what `nslookup REGISTRY.azurecr.io` says there")
            .advice("no role helps here: this is said before anybody is asked who they are"),
    )
}

fn is_closed(registry: &Exhibit) -> bool {
    registry.text("/publicNetworkAccess") == Some("Disabled")
        || registry.text("/networkRuleSet/defaultAction") == Some("Deny")
}

fn allowed(registry: &Exhibit) -> String {
    if registry.text("/publicNetworkAccess") == Some("Disabled") {
        return "publicNetworkAccess: Disabled, private endpoints only".to_owned();
    }
    let rules = registry
        .list("/networkRuleSet/ipRules")
        .iter()
        .filter_map(|it| it.get("ipAddressOrRange").or_else(|| it.get("value"))?.as_str());
    let all: Vec<&str> = rules.collect();
    if all.is_empty() { "no public address".to_owned() } else { all.join(", ") }
}
