//! One pod's life on the node: an address, its containers, and a gentle end.
//!
//! The end: the pod is marked for deletion, leaves its services' endpoints, and a moment later, when connections on their
//! way have arrived, its processes are told to stop. When they are gone the pod is removed.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::super::deletion;
use super::super::events::Gravity;
use super::super::json::{list, number, set, text, truth};
use super::super::kinds::{ENDPOINT_SLICE, POD};
use super::super::objects::{Part, WriteOptions};
use super::super::store::{Key, Object};
use super::container::Container;
use super::status::{self, ContainerState};
use super::{COMPONENT, NODE};
use crate::world::Shared;

/// How long connections on their way may take to arrive once a pod has left the endpoints.
const DRAIN: Duration = Duration::from_millis(200);
/// How long the endpoints are waited for.
const ENDPOINTS: Duration = Duration::from_secs(1);

/// Whether and how a pod ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    No,
    Gently,
    AtOnce,
}

/// A pod on the node.
pub(super) struct Pod {
    pub(super) shared: Shared,
    key: Key,
    uid: String,
    /// The pod as it was taken on, with its address.
    object: Object,
    containers: Mutex<Vec<ContainerState>>,
}

/// Runs a pod from its first sight to its removal.
pub(super) async fn run(shared: Shared, pod: Object) {
    let key = Key::of(&POD, &pod);
    let ports = status::ports(&pod);
    let Some(address) = shared.cluster.addresses.pod(&ports) else {
        shared.cluster.tell(
            COMPONENT,
            &pod,
            Gravity::Warning,
            "FailedCreatePodSandBox",
            "no free pod address",
        );
        return;
    };
    if let Some(object) = take_on(&shared, &key, &pod, address) {
        let pod = Arc::new(Pod::new(shared.clone(), key, object));
        pod.live(address).await;
    }
    shared.cluster.addresses.release(&address.to_string());
}

/// Binds the pod to the node and gives it its address. `None`: it is gone already.
fn take_on(shared: &Shared, key: &Key, pod: &Value, address: Ipv4Addr) -> Option<Object> {
    let state = &shared.cluster;
    let written = state.modify(key, Part::Main, &WriteOptions::by("kube-scheduler"), |object| {
        set(object, &["spec", "nodeName"], json!(NODE));
        Ok(())
    });
    written.ok()?;
    let message = format!("Successfully assigned {}/{} to {NODE}", key.namespace, key.name);
    state.tell("default-scheduler", pod, Gravity::Normal, "Scheduled", &message);
    let now = state.timestamp();
    let written = state.modify(key, Part::Status, &WriteOptions::by(COMPONENT), |object| {
        set(object, &["status", "hostIP"], json!("127.0.0.1"));
        set(object, &["status", "hostIPs"], json!([{ "ip": "127.0.0.1" }]));
        set(object, &["status", "podIP"], json!(address.to_string()));
        set(object, &["status", "podIPs"], json!([{ "ip": address.to_string() }]));
        set(object, &["status", "startTime"], json!(now));
        let containers: Vec<ContainerState> =
            list(object, "/spec/containers").iter().map(ContainerState::new).collect();
        let status = status::of(object, &containers, &now);
        set(object, &["status"], status);
        Ok(())
    });
    written
        .ok()
        .map(|written| written.object)
        .filter(|object| text(object, "/metadata/uid") == text(pod, "/metadata/uid"))
}

impl Pod {
    fn new(shared: Shared, key: Key, object: Object) -> Self {
        let containers = list(&object, "/spec/containers").iter().map(ContainerState::new).collect();
        let uid = text(&object, "/metadata/uid").to_owned();
        Self { shared, key, uid, object, containers: Mutex::new(containers) }
    }

    async fn live(self: &Arc<Self>, address: Ipv4Addr) {
        let (end, ending) = watch::channel(Ending::No);
        let mut containers = JoinSet::new();
        for spec in list(&self.object, "/spec/containers") {
            let container =
                Container { pod: Arc::clone(self), spec: spec.clone(), address, ending: ending.clone() };
            containers.spawn(container.run());
        }
        let mut asked = self.asked_to_end(Ending::No).await;
        if asked == Ending::Gently {
            for spec in list(&self.object, "/spec/containers") {
                self.tell(Gravity::Normal, "Killing", &format!("Stopping container {}", text(spec, "/name")));
            }
            self.leave_endpoints().await;
            end.send_replace(Ending::Gently);
            let all_gone = async { while containers.join_next().await.is_some() {} };
            tokio::select! {
                () = all_gone => {}
                harder = self.asked_to_end(Ending::Gently) => asked = harder,
            }
        }
        if asked == Ending::AtOnce {
            end.send_replace(Ending::AtOnce);
        }
        while containers.join_next().await.is_some() {}
        self.remove();
    }

    /// Waits until the pod is to end more urgently than it does already.
    async fn asked_to_end(&self, already: Ending) -> Ending {
        let mut changed = self.shared.cluster.store.subscribe();
        let mut stopping = self.shared.cluster.stopping.subscribe();
        loop {
            changed.mark_unchanged();
            match self.current() {
                None => return Ending::AtOnce,
                Some(pod) if already == Ending::No && deletion::is_deleting(&pod) => return Ending::Gently,
                Some(_) => {}
            }
            tokio::select! {
                _ = changed.changed() => {}
                _ = stopping.wait_for(|stopping| *stopping) => return Ending::AtOnce,
            }
        }
    }

    /// The pod as it is stored now, unless another one took its name.
    fn current(&self) -> Option<Object> {
        self.shared.cluster.store.get(&self.key).filter(|pod| text(pod, "/metadata/uid") == self.uid)
    }

    /// Waits until no service sends new connections here, and a moment for those on their way.
    async fn leave_endpoints(&self) {
        let end = Instant::now() + ENDPOINTS;
        while self.is_endpoint() && Instant::now() < end {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(DRAIN).await;
    }

    fn is_endpoint(&self) -> bool {
        let (slices, _) = self.shared.cluster.store.list(&ENDPOINT_SLICE, Some(&self.key.namespace));
        slices.iter().flat_map(|slice| list(slice, "/endpoints")).any(|endpoint| {
            text(endpoint, "/targetRef/uid") == self.uid && truth(endpoint, "/conditions/ready")
        })
    }

    /// The pod's files go with it.
    fn remove(&self) {
        let _logs_may_never_have_been = std::fs::remove_dir_all(self.folder());
        if self.current().is_some() {
            self.shared.cluster.store.remove(&self.key);
        }
    }

    /// The pod as it was taken on, with its address.
    pub(super) fn object(&self) -> Object {
        Object::clone(&self.object)
    }

    /// Where its volumes and logs are.
    pub(super) fn folder(&self) -> PathBuf {
        super::pod_folder(&self.shared.folder, &self.uid)
    }

    /// How long its processes have to stop by themselves.
    pub(super) fn grace(&self) -> Duration {
        let asked = self.current().and_then(|pod| number(&pod, "/metadata/deletionGracePeriodSeconds"));
        let seconds =
            asked.or_else(|| number(&self.object, "/spec/terminationGracePeriodSeconds")).unwrap_or(30);
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    }

    /// Tells something about the pod.
    pub(super) fn tell(&self, gravity: Gravity, reason: &str, message: &str) {
        self.shared.cluster.tell(COMPONENT, &self.object, gravity, reason, message);
    }

    /// The state of one container.
    pub(super) fn state(&self, container: &str) -> Option<ContainerState> {
        let containers = self.containers.lock().unwrap_or_else(PoisonError::into_inner);
        containers.iter().find(|one| one.name == container).cloned()
    }

    /// Changes the state of one container and writes the pod's status.
    pub(super) fn update(&self, container: &str, change: impl FnOnce(&mut ContainerState)) {
        let mut containers = self.containers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = containers.iter_mut().find(|one| one.name == container) {
            change(state);
        }
        let state = &self.shared.cluster;
        let now = state.timestamp();
        let _gone_is_fine = state.modify(&self.key, Part::Status, &WriteOptions::by(COMPONENT), |pod| {
            if text(pod, "/metadata/uid") == self.uid {
                let status = status::of(pod, &containers, &now);
                set(pod, &["status"], status);
            }
            Ok(())
        });
    }
}
