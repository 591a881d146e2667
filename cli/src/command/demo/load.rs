//! Requests one after the other, from several clients at once, for as long as something else goes on.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

/// How many clients ask at once.
const CLIENTS: usize = 4;

/// Requests going on.
pub(super) struct Load {
    stop: watch::Sender<bool>,
    clients: JoinSet<Counted>,
}

/// What came of them.
#[derive(Debug, Default)]
pub(super) struct Counted {
    /// Requests answered with 200.
    pub(super) answered: usize,
    /// What happened to the others.
    pub(super) failed: Vec<String>,
}

impl Load {
    /// Starts asking `url`.
    pub(super) fn start(url: &str, body: &'static [u8]) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(ask(url.to_owned(), body, stopped.clone()));
        }
        Self { stop, clients }
    }

    /// Stops asking and counts.
    pub(super) async fn stop(self) -> Counted {
        let _ = self.stop.send(true);
        let mut total = Counted::default();
        for counted in self.clients.join_all().await {
            total.answered += counted.answered;
            total.failed.extend(counted.failed);
        }
        total
    }
}

async fn ask(url: String, body: &'static [u8], stopped: watch::Receiver<bool>) -> Counted {
    let client = reqwest::Client::new();
    let mut counted = Counted::default();
    while !*stopped.borrow() {
        match client.post(&url).header("content-type", "application/json").body(body).send().await {
            Ok(reply) if reply.status().is_success() => counted.answered += 1,
            Ok(reply) => counted.failed.push(format!("status {}", reply.status())),
            Err(error) => counted.failed.push(error.to_string()),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    counted
}
