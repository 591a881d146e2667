//! Does the service answer? A sample goes to it through the API server's proxy, which needs no way into the network.

use std::time::Duration;

use super::objects::{get, service_key};
use super::retry::Patience;
use super::{ShipError, ShipPorts, ShipRequest, step};
use crate::manifest::{PORT, PORT_NAME};
use crate::port::{Cluster, PortError, ProxyReply, Refused, Time, Watch};
use crate::spec::Team;

/// Where an Azure ML online endpoint takes requests, and so do we.
const SCORE: &str = "/score";
/// Longest answer that is repeated in an error.
const SHOWN: usize = 300;

/// Sends the sample, or asks for `/` where there is none.
pub(super) async fn score<M, I, C: Cluster, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    team: &Team,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<(), ShipError> {
    let (path, what) = match &request.sample {
        Some(_) => (SCORE, "POST /score with the sample"),
        None => ("/", "GET /"),
    };
    step(ports.watch, "score", what);
    let target = format!("{}:{PORT_NAME}", request.service.name);
    let ask = || async {
        let reply =
            ports.cluster.through_proxy(&team.namespace, &target, path, request.sample.clone()).await?;
        on_the_way(&reply).map_or(Ok(reply), Err)
    };
    let reply = Patience::new(ports.time, ports.watch).retry("score", ask).await;
    let reply = reply.map_err(ShipError::at("score"))?;
    if (200..300).contains(&reply.status) {
        return Ok(());
    }
    Err(ShipError::Score {
        service: request.service.name.clone(),
        status: reply.status,
        request: what.to_owned(),
        answer: first_line(&reply),
    })
}

/// An answer of the proxy itself rather than the service's: endpoints that have not settled yet.
fn on_the_way(reply: &ProxyReply) -> Option<PortError> {
    matches!(reply.status, 502..=504).then(|| PortError {
        service: "Kubernetes",
        kind: Refused::Unavailable,
        status: Some(reply.status),
        code: None,
        message: format!("the service's proxy answered {}: {}", reply.status, first_line(reply)),
        retry_after: Some(Duration::from_secs(1)),
    })
}

fn first_line(reply: &ProxyReply) -> String {
    let text = String::from_utf8_lossy(&reply.body);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("(an empty body)");
    line.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

/// Where the service answers, the widest reach first.
pub(super) async fn urls<M, I, C: Cluster, T: Time, W: Watch>(
    request: &ShipRequest<'_>,
    team: &Team,
    ports: ShipPorts<'_, M, I, C, T, W>,
) -> Result<Vec<String>, ShipError> {
    let live =
        get("score", &service_key(team, request.service), ports).await.map_err(ShipError::at("score"))?;
    let balancers =
        live.iter().filter_map(|live| live.pointer("/status/loadBalancer/ingress")?.as_array()).flatten();
    let mut hosts: Vec<String> = balancers
        .filter_map(|it| it.get("ip").or_else(|| it.get("hostname"))?.as_str())
        .map(str::to_owned)
        .collect();
    let cluster = live.as_ref().and_then(|live| live.pointer("/spec/clusterIP")?.as_str());
    hosts.extend(cluster.filter(|address| !matches!(*address, "" | "None")).map(str::to_owned));
    hosts.push(format!("{}.{}.svc.cluster.local", request.service.name, team.namespace));
    Ok(hosts.iter().map(|host| format!("http://{}:{PORT}{SCORE}", bracketed(host))).collect())
}

/// A host as a URL has it: version 6 addresses in brackets.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn first_lines() {
        for (body, expected) in
            [("", "(an empty body)"), ("\n  a\u{7}b \nc", "ab"), ("x", "x"), ("  \n", "(an empty body)")]
        {
            let reply = ProxyReply { status: 400, body: Bytes::from_static(body.as_bytes()) };
            assert_eq!(first_line(&reply), expected);
        }
    }

    #[test]
    fn version_6_addresses_get_brackets() {
        assert_eq!(bracketed("fd00::1"), "[fd00::1]");
        assert_eq!(bracketed("10.0.0.1"), "10.0.0.1");
    }
}
