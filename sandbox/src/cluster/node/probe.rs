//! Probes: startup, readiness, liveness, by HTTP or TCP.
//!
//! Periods, timeouts and thresholds are honoured with one exception: until a container is ready for the first time its
//! startup and readiness probes run at once and then every 100 ms, without the initial delay, so that a demonstration does
//! not wait for a ten-second period. How long a startup probe may fail is still threshold times period.

use std::net::Ipv4Addr;
use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, sleep, timeout};

use super::super::json::{list, number, text};

/// The pace before a container is ready for the first time.
const EAGER: Duration = Duration::from_millis(100);

/// What a container's probes found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Finding {
    /// The startup probe succeeded, or there is none.
    Started,
    /// Whether the container is ready.
    Ready(bool),
    /// A probe failed; in kubelet's words.
    Unhealthy(String),
    /// The container must be restarted; in kubelet's words.
    Kill(String),
}

/// One probe.
#[derive(Debug, Clone)]
struct Probe {
    kind: &'static str,
    check: Check,
    delay: Duration,
    period: Duration,
    timeout: Duration,
    successes: u32,
    failures: u32,
}

#[derive(Debug, Clone)]
enum Check {
    Http { url: String, headers: Vec<(String, String)> },
    Tcp { host: Ipv4Addr, port: u16 },
    Unsupported,
}

/// A container's probes.
pub(super) struct Probes {
    name: String,
    startup: Option<Probe>,
    readiness: Option<Probe>,
    liveness: Option<Probe>,
    client: Client,
}

impl Probes {
    /// Reads a container's probes.
    pub(super) fn of(container: &Value, address: Ipv4Addr, client: Client) -> Self {
        let read = |field: &str, kind: &'static str| {
            container.get(field).map(|probe| Probe::read(probe, kind, container, address))
        };
        Self {
            name: text(container, "/name").to_owned(),
            startup: read("startupProbe", "Startup"),
            readiness: read("readinessProbe", "Readiness"),
            liveness: read("livenessProbe", "Liveness"),
            client,
        }
    }

    /// Probes until dropped, and tells what changes.
    pub(super) async fn run(self, tell: UnboundedSender<Finding>) {
        if let Some(probe) = &self.startup
            && !self.start(probe, &tell).await
        {
            return;
        }
        let _listener_may_be_gone = tell.send(Finding::Started);
        tokio::join!(self.watch_readiness(&tell), self.watch_liveness(&tell));
    }

    /// Runs the startup probe until it succeeds. False: it never did.
    async fn start(&self, probe: &Probe, tell: &UnboundedSender<Finding>) -> bool {
        let end = Instant::now() + probe.delay + probe.period * probe.failures;
        loop {
            let Err(why) = probe.once(&self.client).await else { return true };
            if Instant::now() >= end {
                let _listener_may_be_gone = tell.send(Finding::Unhealthy(why));
                let message = format!("Container {} failed startup probe, will be restarted", self.name);
                let _listener_may_be_gone = tell.send(Finding::Kill(message));
                return false;
            }
            sleep(EAGER).await;
        }
    }

    async fn watch_readiness(&self, tell: &UnboundedSender<Finding>) {
        let Some(probe) = &self.readiness else {
            let _listener_may_be_gone = tell.send(Finding::Ready(true));
            return;
        };
        let mut told = Instant::now();
        while let Err(why) = probe.once(&self.client).await {
            if told.elapsed() >= probe.period {
                told = Instant::now();
                let _listener_may_be_gone = tell.send(Finding::Unhealthy(why));
            }
            sleep(EAGER).await;
        }
        let mut ready = true;
        let _listener_may_be_gone = tell.send(Finding::Ready(ready));
        let (mut successes, mut failures) = (0, 0);
        loop {
            sleep(probe.period).await;
            match probe.once(&self.client).await {
                Ok(()) => (successes, failures) = (successes + 1, 0),
                Err(why) => {
                    (successes, failures) = (0, failures + 1);
                    let _listener_may_be_gone = tell.send(Finding::Unhealthy(why));
                }
            }
            let now = if ready { failures < probe.failures } else { successes >= probe.successes };
            if now != ready {
                ready = now;
                let _listener_may_be_gone = tell.send(Finding::Ready(ready));
            }
        }
    }

    async fn watch_liveness(&self, tell: &UnboundedSender<Finding>) {
        let Some(probe) = &self.liveness else { return };
        sleep(probe.delay).await;
        let mut failures = 0;
        loop {
            match probe.once(&self.client).await {
                Ok(()) => failures = 0,
                Err(why) => {
                    failures += 1;
                    let _listener_may_be_gone = tell.send(Finding::Unhealthy(why));
                }
            }
            if failures >= probe.failures {
                let message = format!("Container {} failed liveness probe, will be restarted", self.name);
                let _listener_may_be_gone = tell.send(Finding::Kill(message));
                return;
            }
            sleep(probe.period).await;
        }
    }
}

impl Probe {
    fn read(probe: &Value, kind: &'static str, container: &Value, address: Ipv4Addr) -> Self {
        let count = |field: &str, default: u32| {
            number(probe, &format!("/{field}")).and_then(|value| u32::try_from(value).ok()).unwrap_or(default)
        };
        let seconds = |field: &str, default: u32| Duration::from_secs(u64::from(count(field, default)));
        Self {
            kind,
            check: Check::read(probe, container, address),
            delay: seconds("initialDelaySeconds", 0),
            period: seconds("periodSeconds", 10).max(Duration::from_secs(1)),
            timeout: seconds("timeoutSeconds", 1).max(Duration::from_secs(1)),
            successes: count("successThreshold", 1),
            failures: count("failureThreshold", 3),
        }
    }

    /// One try; a failure in kubelet's words.
    async fn once(&self, client: &Client) -> Result<(), String> {
        let result = match timeout(self.timeout, self.check.once(client)).await {
            Ok(result) => result,
            Err(_) => Err(format!("{}: context deadline exceeded", self.check)),
        };
        result.map_err(|why| format!("{} probe failed: {why}", self.kind))
    }
}

impl Check {
    fn read(probe: &Value, container: &Value, address: Ipv4Addr) -> Self {
        if let Some(get) = probe.get("httpGet") {
            let Some(port) = port(get, container) else { return Self::Unsupported };
            let path = text(get, "/path");
            let slash = if path.starts_with('/') { "" } else { "/" };
            let header = |one: &Value| (text(one, "/name").to_owned(), text(one, "/value").to_owned());
            return Self::Http {
                url: format!("http://{address}:{port}{slash}{path}"),
                headers: list(get, "/httpHeaders").iter().map(header).collect(),
            };
        }
        match probe.get("tcpSocket").and_then(|socket| port(socket, container)) {
            Some(port) => Self::Tcp { host: address, port },
            None => Self::Unsupported,
        }
    }

    async fn once(&self, client: &Client) -> Result<(), String> {
        match self {
            Self::Http { url, headers } => {
                let mut request = client.request(Method::GET, url).header("user-agent", "kube-probe/1.33");
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                let reply = request.send().await.map_err(|error| format!("{self}: {}", innermost(&error)))?;
                let status = reply.status().as_u16();
                if (200..400).contains(&status) {
                    Ok(())
                } else {
                    Err(format!("HTTP probe failed with statuscode: {status}"))
                }
            }
            Self::Tcp { host, port } => match TcpStream::connect((*host, *port)).await {
                Ok(_) => Ok(()),
                Err(error) => Err(format!("{self}: {error}")),
            },
            Self::Unsupported => Err("the sandbox's node probes by httpGet and tcpSocket only".to_owned()),
        }
    }
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http { url, .. } => write!(f, "Get \"{url}\""),
            Self::Tcp { host, port } => write!(f, "dial tcp {host}:{port}"),
            Self::Unsupported => f.write_str("probe"),
        }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

/// The port of a probe: a number, or the name of one of the container's.
fn port(probe: &Value, container: &Value) -> Option<u16> {
    let wanted = probe.get("port")?;
    let number = wanted.as_i64().or_else(|| {
        let name = wanted.as_str()?;
        let named = list(container, "/ports").iter().find(|port| text(port, "/name") == name)?;
        number(named, "/containerPort")
    })?;
    u16::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tokio::sync::mpsc::unbounded_channel;

    #[tokio::test]
    async fn a_container_without_probes_is_ready_at_once() {
        let (tell, mut told) = unbounded_channel();
        Probes::of(&json!({ "name": "c" }), Ipv4Addr::LOCALHOST, Client::new()).run(tell).await;
        assert_eq!(told.recv().await, Some(Finding::Started));
        assert_eq!(told.recv().await, Some(Finding::Ready(true)));
    }

    #[tokio::test]
    async fn a_tcp_probe_sees_a_listener() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let container = json!({ "name": "c", "readinessProbe": { "tcpSocket": { "port": port } } });
        let (tell, mut told) = unbounded_channel();
        let probing = tokio::spawn(Probes::of(&container, Ipv4Addr::LOCALHOST, Client::new()).run(tell));
        assert_eq!(told.recv().await, Some(Finding::Started));
        assert_eq!(told.recv().await, Some(Finding::Ready(true)));
        probing.abort();
    }

    #[tokio::test]
    async fn a_failing_startup_probe_asks_for_a_restart() {
        // Bound, so that nobody else gets the port, and never listening.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let free = socket.local_addr().unwrap().port();
        let probe =
            json!({ "httpGet": { "port": free, "path": "/" }, "periodSeconds": 1, "failureThreshold": 0 });
        let container = json!({ "name": "c", "startupProbe": probe });
        let (tell, mut told) = unbounded_channel();
        Probes::of(&container, Ipv4Addr::LOCALHOST, Client::new()).run(tell).await;
        let Some(Finding::Unhealthy(why)) = told.recv().await else { panic!("expected a failure") };
        assert!(
            why.starts_with(&format!("Startup probe failed: Get \"http://127.0.0.1:{free}/\": ")),
            "{why}"
        );
        let kill = Finding::Kill("Container c failed startup probe, will be restarted".to_owned());
        assert_eq!(told.recv().await, Some(kill));
    }
}
