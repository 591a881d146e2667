//! The node: runs every pod of the cluster as processes of the host. It isolates nothing, and runs only images of the
//! sandbox's own registry, pulled with the node's own Google token.

mod container;
mod files;
mod launch;
mod pod;
mod probe;
mod process;
mod pull;
mod reference;
mod root;
mod status;
mod unpack;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;

use super::json::text;
use super::kinds::POD;
use crate::world::Shared;
use process::Leash;
use pull::Images;

/// The node's name.
const NODE: &str = "ship-node";
/// Who the node is in events and as a field manager.
const COMPONENT: &str = "kubelet";

/// How long pods may take to end when the cluster stops; their processes are dead by then.
const LAST_RITES: Duration = Duration::from_secs(2);

/// What the node holds on to.
#[derive(Default)]
pub(crate) struct Node {
    images: OnceLock<Images>,
    leashes: Mutex<BTreeMap<u64, Leash>>,
    next: AtomicU64,
}

impl Node {
    fn images(&self, shared: &Shared) -> &Images {
        let client = || shared.cluster.network.client.clone();
        self.images.get_or_init(|| Images::new(node_folder(&shared.folder), client()))
    }

    /// Remembers a process, so that [`Self::kill_all`] finds it.
    fn hold(&self, leash: Leash) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.leashes.lock().unwrap_or_else(PoisonError::into_inner).insert(number, leash);
        number
    }

    fn let_go(&self, number: u64) {
        self.leashes.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    }

    /// Kills every process of every pod, at once and without waiting.
    pub(crate) fn kill_all(&self) {
        let leashes = std::mem::take(&mut *self.leashes.lock().unwrap_or_else(PoisonError::into_inner));
        leashes.values().for_each(Leash::release);
    }
}

fn node_folder(sandbox: &Path) -> PathBuf {
    sandbox.join("node")
}

fn pod_folder(sandbox: &Path, uid: &str) -> PathBuf {
    node_folder(sandbox).join("pods").join(uid)
}

/// The log of a container: of its present process, or of the one before.
pub(crate) fn log_path(sandbox: &Path, uid: &str, container: &str, previous: bool) -> PathBuf {
    let ending = if previous { "previous.log" } else { "log" };
    pod_folder(sandbox, uid).join(format!("{container}.{ending}"))
}

/// Removes what an earlier run in the same folder left behind.
pub(crate) fn clean(sandbox: &Path) {
    let _usually_there_is_nothing = std::fs::remove_dir_all(node_folder(sandbox));
}

/// Takes on every pod it sees until the cluster stops.
pub(crate) async fn run(shared: Shared) {
    let mut changed = shared.cluster.store.subscribe();
    let mut stopping = shared.cluster.stopping.subscribe();
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut pods = JoinSet::new();
    loop {
        changed.mark_unchanged();
        let (present, _) = shared.cluster.store.list(&POD, None);
        known.retain(|uid| present.iter().any(|pod| text(pod, "/metadata/uid") == uid));
        for pod in present {
            if known.insert(text(&pod, "/metadata/uid").to_owned()) {
                pods.spawn(pod::run(Shared::clone(&shared), pod));
            }
        }
        tokio::select! {
            _ = changed.changed() => {}
            Some(_) = pods.join_next() => {}
            _ = stopping.wait_for(|stopping| *stopping) => break,
        }
    }
    shared.cluster.node.kill_all();
    // The pods see the end too and bury their dead; what takes too long is dropped, and its leash with it.
    let all_gone = async { while pods.join_next().await.is_some() {} };
    let _in_time = tokio::time::timeout(LAST_RITES, all_gone).await;
    pods.shutdown().await;
    shared.cluster.node.kill_all();
}
