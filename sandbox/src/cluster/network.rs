//! What kube-proxy does on a node: every service listens on its own address and spreads connections over its ready pods,
//! one after the other. Connections that are open when a pod leaves stay until they end.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::controllers::SERVICE_LABEL;
use super::events::Gravity;
use super::json::{list, number, text, truth};
use super::kinds::{ENDPOINT_SLICE, SERVICE};
use super::store::Store;
use crate::world::Shared;

/// How long a pod may take to accept a connection before the next one is tried.
const CONNECT: Duration = Duration::from_secs(2);

/// Turns, and the client of the service proxy.
pub(crate) struct Network {
    pub(crate) client: reqwest::Client,
    turn: AtomicUsize,
}

/// One listening place of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Front {
    address: SocketAddr,
    namespace: String,
    service: String,
    port_name: String,
}

impl Network {
    pub(crate) fn new(client: reqwest::Client) -> Self {
        Self { client, turn: AtomicUsize::new(0) }
    }

    /// The next of some backends.
    pub(crate) fn next(&self, backends: &[SocketAddr]) -> Option<SocketAddr> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        backends.get(turn % backends.len().max(1)).copied()
    }
}

/// The ready pods behind one port of a service.
pub(crate) fn backends(store: &Store, namespace: &str, service: &str, port_name: &str) -> Vec<SocketAddr> {
    let (slices, _) = store.list(&ENDPOINT_SLICE, Some(namespace));
    let label = |slice: &Value| {
        slice
            .pointer("/metadata/labels")
            .and_then(|labels| labels.get(SERVICE_LABEL))
            .is_some_and(|it| it == service)
    };
    slices.iter().filter(|slice| label(slice)).flat_map(|slice| ready(slice, port_name)).collect()
}

fn ready(slice: &Value, port_name: &str) -> Vec<SocketAddr> {
    let port = list(slice, "/ports")
        .iter()
        .find(|port| text(port, "/name") == port_name)
        .and_then(|port| u16::try_from(number(port, "/port")?).ok());
    let Some(port) = port else { return Vec::new() };
    list(slice, "/endpoints")
        .iter()
        .filter(|endpoint| truth(endpoint, "/conditions/ready"))
        .flat_map(|endpoint| list(endpoint, "/addresses"))
        .filter_map(|address| Some(SocketAddr::new(address.as_str()?.parse().ok()?, port)))
        .collect()
}

/// Keeps a listener for every port of every service until the cluster stops.
pub(crate) async fn run(shared: Shared) {
    let mut changed = shared.cluster.store.subscribe();
    let mut stopping = shared.cluster.stopping.subscribe();
    let mut open: BTreeMap<Front, AbortHandle> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    loop {
        changed.mark_unchanged();
        let wanted = fronts(&shared.cluster.store);
        open.retain(|front, task| {
            let stays = wanted.contains(front);
            if !stays {
                task.abort();
                if !wanted.iter().any(|other| other.address.ip() == front.address.ip()) {
                    shared.cluster.addresses.release(&front.address.ip().to_string());
                }
            }
            stays
        });
        for front in wanted {
            open.entry(front.clone()).or_insert_with(|| tasks.spawn(serve(Shared::clone(&shared), front)));
        }
        tokio::select! {
            _ = changed.changed() => {}
            Some(_) = tasks.join_next() => {}
            _ = stopping.wait_for(|stopping| *stopping) => return,
        }
    }
}

fn fronts(store: &Store) -> Vec<Front> {
    let (services, _) = store.list(&SERVICE, None);
    let of = |service: &Value| -> Option<Vec<Front>> {
        let address: IpAddr = text(service, "/spec/clusterIP").parse().ok()?;
        let front = |port: &Value| {
            Some(Front {
                address: SocketAddr::new(address, u16::try_from(number(port, "/port")?).ok()?),
                namespace: text(service, "/metadata/namespace").to_owned(),
                service: text(service, "/metadata/name").to_owned(),
                port_name: text(port, "/name").to_owned(),
            })
        };
        let tcp = list(service, "/spec/ports").iter().filter(|port| text(port, "/protocol") == "TCP");
        Some(tcp.filter_map(front).collect())
    };
    services.iter().filter_map(|service| of(service)).flatten().collect()
}

/// Accepts connections of one front.
async fn serve(shared: Shared, front: Front) {
    let listener = match TcpListener::bind(front.address).await {
        Ok(listener) => listener,
        Err(error) => return complain(&shared, &front, &error),
    };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(carry(Shared::clone(&shared), front.clone(), client));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

fn complain(shared: &Shared, front: &Front, error: &io::Error) {
    let key = super::store::Key::new(&SERVICE, &front.namespace, &front.service);
    if let Some(service) = shared.cluster.store.get(&key) {
        let message = format!("cannot listen on {}: {error}", front.address);
        shared.cluster.tell("kube-proxy", &service, Gravity::Warning, "FailedToListen", &message);
    }
}

/// Carries one connection to a ready pod; a pod that does not accept is passed over.
async fn carry(shared: Shared, front: Front, mut client: TcpStream) {
    let state = &shared.cluster;
    let backends = backends(&state.store, &front.namespace, &front.service, &front.port_name);
    for _ in 0..backends.len() {
        let Some(backend) = state.network.next(&backends) else { return };
        let connected = tokio::time::timeout(CONNECT, TcpStream::connect(backend)).await;
        if let Ok(Ok(mut server)) = connected {
            let _delay_is_harmless = (client.set_nodelay(true), server.set_nodelay(true));
            let _either_side_may_hang_up = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
    // Without a pod the connection is refused, as a packet filter would: reset, not closed.
    let _closing_will_do = client.set_zero_linger();
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_ready_endpoints_of_the_port_count() {
        let slice = json!({
            "ports": [{ "name": "http", "port": 5001 }],
            "endpoints": [
                { "addresses": ["127.64.0.1"], "conditions": { "ready": true } },
                { "addresses": ["127.64.0.2"], "conditions": { "ready": false } },
            ],
        });
        assert_eq!(ready(&slice, "http"), ["127.64.0.1:5001".parse().unwrap()]);
        assert!(ready(&slice, "other").is_empty());
    }
}
