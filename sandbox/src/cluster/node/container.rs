//! One container's life: pull, start, probe, restart with growing patience, stop.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::super::events::Gravity;
use super::super::json::text;
use super::files::{self, Files};
use super::launch::{self, NotRunnable, Parts};
use super::log_path;
use super::pod::{Ending, Pod};
use super::probe::{Finding, Probes};
use super::process::{Launch, Process};
use super::pull::{Image, Login};
use super::status::{Ended, Life};
use crate::google::mint_node_token;

/// Waits between tries: doubled from the first to the last. Kubernetes' own begin at ten seconds and end at five minutes.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(8);
/// The longest wait between pulls: a grant that comes later should heal soon.
const LAST_PULL_WAIT: Duration = Duration::from_secs(4);
/// A container that ran this long starts over with short waits.
const STEADY: Duration = Duration::from_mins(1);

/// One container of a pod.
pub(super) struct Container {
    pub(super) pod: Arc<Pod>,
    pub(super) spec: Value,
    pub(super) address: Ipv4Addr,
    pub(super) ending: watch::Receiver<Ending>,
}

/// How a run of the process came to its end.
enum Outcome {
    /// By itself, or because a probe failed.
    Ended(i32),
    /// Because the pod ends.
    Stopped(i32),
}

/// Returns when the pod is to end.
async fn ends(ending: &mut watch::Receiver<Ending>) {
    let _a_dropped_pod_ends_too = ending.wait_for(|ending| *ending != Ending::No).await;
}

impl Container {
    /// Runs until the pod ends, or for good if it is not to be restarted.
    pub(super) async fn run(mut self) {
        let mut wait = FIRST_WAIT;
        loop {
            let Some(image) = self.image().await else { return };
            let began = Instant::now();
            match self.live(&image).await {
                Ok(Outcome::Stopped(_)) => return,
                Ok(Outcome::Ended(code)) if !self.restarts_after(code) => return,
                Ok(Outcome::Ended(_)) => {}
                Err(why) => self.cannot_run(&why),
            }
            if began.elapsed() >= STEADY {
                wait = FIRST_WAIT;
            }
            if self.crashed() {
                self.back_off(wait);
            }
            if self.pause(wait).await {
                return;
            }
            wait = (wait * 2).min(LAST_WAIT);
        }
    }

    fn name(&self) -> &str {
        text(&self.spec, "/name")
    }

    fn restarts_after(&self, code: i32) -> bool {
        match text(&self.pod.object(), "/spec/restartPolicy") {
            "Never" => false,
            "OnFailure" => code != 0,
            _ => true,
        }
    }

    /// Waits. True: the pod ends.
    async fn pause(&mut self, time: Duration) -> bool {
        tokio::select! {
            () = sleep(time) => false,
            () = ends(&mut self.ending) => true,
        }
    }

    /// The image, tried for until it is there. `None`: the pod ended first.
    async fn image(&mut self) -> Option<Arc<Image>> {
        let name = text(&self.spec, "/image").to_owned();
        let mut wait = FIRST_WAIT;
        loop {
            let pulled = self.pull(&name).await;
            let why = match pulled {
                Ok(image) => return Some(image),
                Err(why) => why,
            };
            self.pod.tell(Gravity::Warning, "Failed", &format!("Failed to pull image \"{name}\": {why}"));
            self.pod.tell(Gravity::Warning, "Failed", "Error: ErrImagePull");
            self.waiting("ErrImagePull", &why);
            if self.pause(wait / 2).await {
                return None;
            }
            let back_off = format!("Back-off pulling image \"{name}\"");
            self.pod.tell(Gravity::Normal, "BackOff", &back_off);
            self.waiting("ImagePullBackOff", &format!("{back_off}: ErrImagePull: {why}"));
            if self.pause(wait / 2).await {
                return None;
            }
            wait = (wait * 2).min(LAST_PULL_WAIT);
        }
    }

    async fn pull(&mut self, name: &str) -> Result<Arc<Image>, String> {
        let node = &self.pod.shared.cluster.node;
        let images = node.images(&self.pod.shared);
        let known = images.known(name);
        match (text(&self.spec, "/imagePullPolicy"), known) {
            ("IfNotPresent" | "Never", Some(image)) => {
                let message = format!("Container image \"{name}\" already present on machine");
                self.pod.tell(Gravity::Normal, "Pulled", &message);
                return Ok(image);
            }
            ("Never", None) => {
                return Err("Container image is not present with pull policy of Never".to_owned());
            }
            _ => {}
        }
        self.pod.tell(Gravity::Normal, "Pulling", &format!("Pulling image \"{name}\""));
        let registry = self.pod.shared.addresses().map(|addresses| addresses.registry);
        let registry = registry.ok_or_else(|| "the registry is not up".to_owned())?;
        let login = Login { registry, token: mint_node_token(&self.pod.shared) };
        let began = Instant::now();
        let mut ending = self.ending.clone();
        let image = tokio::select! {
            pulled = images.pull(name, login) => pulled?,
            () = ends(&mut ending) => return Err("context canceled".to_owned()),
        };
        let milliseconds = began.elapsed().as_millis();
        let message = format!(
            "Successfully pulled image \"{name}\" in {milliseconds}ms. Image size: {} bytes.",
            image.size
        );
        self.pod.tell(Gravity::Normal, "Pulled", &message);
        Ok(image)
    }

    /// Starts the process and stays with it to its end.
    async fn live(&mut self, image: &Image) -> Result<Outcome, NotRunnable> {
        let launch = self.prepare(image)?;
        let not_started =
            |error: std::io::Error| NotRunnable { reason: "RunContainerError", message: error.to_string() };
        let mut process = Process::start(&launch).map_err(not_started)?;
        let leash = self.pod.shared.cluster.node.hold(process.leash());
        let since = self.pod.shared.cluster.timestamp();
        self.running(image, &since);
        let name = self.name().to_owned();
        self.pod.tell(Gravity::Normal, "Started", &format!("Started container {name}"));
        let outcome = self.attend(&mut process, image).await;
        process.bury().await;
        self.pod.shared.cluster.node.let_go(leash);
        let (Outcome::Ended(code) | Outcome::Stopped(code)) = outcome;
        let finished = self.pod.shared.cluster.timestamp();
        let ended = Ended { code, started: since, finished, message: String::new() };
        self.pod.update(&name, |state| {
            state.life = Life::Ended(ended);
            (state.ready, state.started) = (false, false);
        });
        Ok(outcome)
    }

    fn prepare(&self, image: &Image) -> Result<Launch, NotRunnable> {
        let pod = self.pod.object();
        let folder = self.pod.folder();
        let log = log_path(&self.pod.shared.folder, text(&pod, "/metadata/uid"), self.name(), false);
        let broken = |message: String| NotRunnable { reason: "CreateContainerConfigError", message };
        std::fs::create_dir_all(&folder).map_err(|error| broken(error.to_string()))?;
        if pod.pointer("/spec/initContainers").is_some() {
            return Err(broken("the sandbox's node runs no init containers".to_owned()));
        }
        let volumes = files::volumes(&self.pod.shared, &pod, &folder).map_err(broken)?;
        let files = Files::new(image.root.clone(), &self.spec, &volumes);
        let parts = Parts {
            state: &self.pod.shared.cluster,
            pod: &pod,
            container: &self.spec,
            image: &image.config,
            files: &files,
            log: log.clone(),
        };
        let launch = launch::launch(&parts)?;
        let previous: PathBuf =
            log_path(&self.pod.shared.folder, text(&pod, "/metadata/uid"), self.name(), true);
        let _first_run_has_none = std::fs::rename(&log, previous);
        std::fs::write(&log, b"").map_err(|error| broken(error.to_string()))?;
        self.pod.tell(Gravity::Normal, "Created", &format!("Created container: {}", self.name()));
        Ok(launch)
    }

    /// Stays with a running process: probes, the pod's end, its own end.
    async fn attend(&mut self, process: &mut Process, image: &Image) -> Outcome {
        let (tell, mut findings) = mpsc::unbounded_channel();
        let client = self.pod.shared.cluster.network.client.clone();
        let mut probing = JoinSet::new();
        probing.spawn(Probes::of(&self.spec, self.address, client).run(tell));
        let mut ending = self.ending.clone();
        loop {
            tokio::select! {
                code = process.ended() => return Outcome::Ended(code),
                () = ends(&mut ending) => {
                    return Outcome::Stopped(self.stop(process, image).await);
                }
                Some(finding) = findings.recv() => if let Some(why) = self.note(finding) {
                    self.pod.tell(Gravity::Normal, "Killing", &why);
                    return Outcome::Ended(self.stop(process, image).await);
                }
            }
        }
    }

    /// Notes what a probe found. Returns why the container must be killed, if it must.
    fn note(&self, finding: Finding) -> Option<String> {
        match finding {
            Finding::Started => self.pod.update(self.name(), |state| state.started = true),
            Finding::Ready(ready) => self.pod.update(self.name(), |state| state.ready = ready),
            Finding::Unhealthy(why) => self.pod.tell(Gravity::Warning, "Unhealthy", &why),
            Finding::Kill(why) => return Some(why),
        }
        None
    }

    /// The image's stop signal, then, after the grace period or at once if the pod is to go by force, SIGKILL.
    async fn stop(&mut self, process: &mut Process, image: &Image) -> i32 {
        let leash = process.leash();
        let signal = image.config.stop_signal.trim_start_matches("SIG");
        leash.signal(if signal.is_empty() { "TERM" } else { signal });
        let mut ending = self.ending.clone();
        tokio::select! {
            code = process.ended() => return code,
            () = sleep(self.pod.grace()) => {}
            _ = ending.wait_for(|ending| *ending == Ending::AtOnce) => {}
        }
        leash.release();
        process.ended().await
    }

    fn running(&self, image: &Image, since: &str) {
        let reference = text(&self.spec, "/image").split(['@']).next().unwrap_or_default().to_owned();
        let bare = reference
            .rsplit_once(':')
            .filter(|(_, tag)| !tag.contains('/'))
            .map_or(reference.as_str(), |(bare, _)| bare);
        let image_id = format!("{bare}@{}", image.digest);
        let id = format!("gangplank://{}{}", crate::random::hex(), crate::random::hex());
        self.pod.update(self.name(), |state| {
            if let Life::Ended(ended) = &state.life {
                state.last = Some(ended.clone());
            }
            if state.last.is_some() {
                state.restarts += 1;
            }
            state.life = Life::Running { since: since.to_owned() };
            (state.image_id, state.id) = (image_id, id);
        });
    }

    /// Whether the container ran and ended.
    fn crashed(&self) -> bool {
        self.pod.state(self.name()).is_some_and(|state| matches!(state.life, Life::Ended(_)))
    }

    fn back_off(&self, wait: Duration) {
        let object = self.pod.object();
        let whose = format!(
            "{}_{}({})",
            text(&object, "/metadata/name"),
            text(&object, "/metadata/namespace"),
            text(&object, "/metadata/uid")
        );
        let name = self.name();
        let message = format!("back-off {}s restarting failed container={name} pod={whose}", wait.as_secs());
        self.pod.tell(
            Gravity::Warning,
            "BackOff",
            &format!("Back-off restarting failed container {name} in pod {whose}"),
        );
        self.pod.update(name, |state| {
            if let Life::Ended(ended) = &state.life {
                state.last = Some(ended.clone());
            }
            state.life = Life::Waiting { reason: "CrashLoopBackOff".to_owned(), message };
        });
    }

    fn waiting(&self, reason: &str, message: &str) {
        self.pod.update(self.name(), |state| {
            state.life = Life::Waiting { reason: reason.to_owned(), message: message.to_owned() };
        });
    }

    fn cannot_run(&self, why: &NotRunnable) {
        self.pod.tell(Gravity::Warning, "Failed", &format!("Error: {}", why.message));
        self.waiting(why.reason, &why.message);
    }
}
