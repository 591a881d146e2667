//! The API server does not answer: a network is in the way, never a right.

use std::net::Ipv4Addr;

use super::super::case::Case;
use super::super::words;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Confidence, Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needles = [
        "i/o timeout",
        "context deadline exceeded",
        "connection refused",
        "no route to host",
        "connection timed out",
        "network is unreachable",
    ];
    let needle = needles.iter().find(|needle| case.says(&[needle]))?;
    if !case.says(&[":443", "dial tcp", "api group", "kubectl", "apiserver"]) {
        return None;
    }
    let cluster = case.of(Kind::GkeCluster).next();
    let address = words::between(&case.said, "dial tcp ", ":").unwrap_or("the API server");
    let finding = Finding::new(
        "kubernetes/api-unreachable",
        cause::NETWORK,
        format!("{address} does not answer: the network is in the way, no right is missing"),
    );
    let finding = match cluster {
        Some(cluster) => seen(case, finding, cluster, address),
        None => finding
            .expected("a way to the API server's port 443", "the network")
            .found(*needle, case.said_in(needle))
            .confidence(Confidence::Likely),
    };
    Some(finding.advice("granting roles does not help: whoever lacks a right is answered 403, at once"))
}

fn seen(case: &Case<'_>, finding: Finding, cluster: &Exhibit, address: &str) -> Finding {
    let name = cluster.text("/name").unwrap_or("CLUSTER");
    let location = cluster.text("/location").unwrap_or("LOCATION");
    let update = format!(
        "gcloud container clusters update {name} --location={location} --enable-master-authorized-networks"
    );
    let pointers = [
        "/masterAuthorizedNetworksConfig",
        "/controlPlaneEndpointsConfig/ipEndpointsConfig/authorizedNetworksConfig",
    ];
    let networks = pointers.into_iter().find(|at| cluster.flag(&format!("{at}/enabled")) == Some(true));
    let private = address.parse::<Ipv4Addr>().is_ok_and(|it| it.is_private())
        || cluster.flag("/privateClusterConfig/enablePrivateEndpoint") == Some(true);
    if private {
        let at = "/privateClusterConfig";
        return finding
            .expected("a client inside the VPC, or a way into it", "the network")
            .found(format!("a private endpoint, {address}"), cluster.origin(at))
            .mend(
                "use the cluster's DNS endpoint, which takes IAM in place of a network",
                format!(
                    "gcloud container clusters get-credentials {name} --location={location} --dns-endpoint"
                ),
            )
            .advice("or run where the VPC is reached: a runner inside it, a VPN, a peering");
    }
    let Some(at) = networks else {
        return finding
            .expected("a way to the API server's port 443", "the network")
            .found("a time-out", case.talk())
            .confidence(Confidence::Likely);
    };
    let blocks: Vec<&str> = cluster
        .list(&format!("{at}/cidrBlocks"))
        .iter()
        .filter_map(|it| it.get("cidrBlock")?.as_str())
        .collect();
    let (egress, origin) = case
        .fact("egressIp")
        .unwrap_or(("the client's address, which was not given", "the environment".to_owned()));
    let inside = blocks.iter().any(|block| contains(block, egress));
    let finding =
        finding.expected(format!("one of {}", blocks.join(", ")), cluster.origin(at)).found(egress, origin);
    if inside {
        return finding
            .confidence(Confidence::Possible)
            .advice("the address is let in: see firewalls and proxies on the client's side");
    }
    let all = blocks
        .iter()
        .map(|it| (*it).to_owned())
        .chain([format!("{egress}/32")])
        .collect::<Vec<_>>()
        .join(",");
    finding.mend(
        "let this one address in, beside those that are",
        format!("{update} --master-authorized-networks={all}"),
    )
}

/// Whether an IPv4 address lies in a block.
fn contains(block: &str, address: &str) -> bool {
    let parsed = block
        .split_once('/')
        .and_then(|(base, bits)| Some((base.parse::<Ipv4Addr>().ok()?, bits.parse::<u32>().ok()?)));
    let (Some((base, bits)), Ok(address)) = (parsed, address.parse::<Ipv4Addr>()) else { return false };
    let shift = 32_u32.saturating_sub(bits);
    let cut = |it: Ipv4Addr| u64::from(u32::from(it)) >> shift;
    cut(base) == cut(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        for (block, address, expected) in [
            ("10.0.0.0/8", "10.2.3.4", true),
            ("10.0.0.0/24", "10.0.1.1", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("x", "1.2.3.4", false),
        ] {
            assert_eq!(contains(block, address), expected, "{block} {address}");
        }
    }
}
