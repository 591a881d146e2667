//! The status of a pod, from the states of its containers.

use serde_json::{Value, json};

use super::super::conditions::{self, Condition};
use super::super::json::{list, set, text};

/// Where a container is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Life {
    Waiting { reason: String, message: String },
    Running { since: String },
    Ended(Ended),
}

/// How a container's process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) started: String,
    pub(super) finished: String,
    pub(super) message: String,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ContainerState {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) image_id: String,
    pub(super) id: String,
    pub(super) life: Life,
    pub(super) last: Option<Ended>,
    pub(super) started: bool,
    pub(super) ready: bool,
    pub(super) restarts: u32,
}

impl ContainerState {
    /// A container that is about to be made.
    pub(super) fn new(container: &Value) -> Self {
        Self {
            name: text(container, "/name").to_owned(),
            image: text(container, "/image").to_owned(),
            image_id: String::new(),
            id: String::new(),
            life: Life::Waiting { reason: "ContainerCreating".to_owned(), message: String::new() },
            last: None,
            started: false,
            ready: false,
            restarts: 0,
        }
    }

    fn to_value(&self) -> Value {
        let state = match &self.life {
            Life::Waiting { reason, message } if message.is_empty() => {
                json!({ "waiting": { "reason": reason } })
            }
            Life::Waiting { reason, message } => {
                json!({ "waiting": { "reason": reason, "message": message } })
            }
            Life::Running { since } => json!({ "running": { "startedAt": since } }),
            Life::Ended(ended) => json!({ "terminated": ended.to_value(&self.id) }),
        };
        let last = self
            .last
            .as_ref()
            .map_or_else(|| json!({}), |ended| json!({ "terminated": ended.to_value(&self.id) }));
        json!({
            "name": self.name, "image": self.image, "imageID": self.image_id, "containerID": self.id,
            "state": state, "lastState": last, "ready": self.ready, "started": self.started,
            "restartCount": self.restarts,
        })
    }
}

impl Ended {
    fn to_value(&self, id: &str) -> Value {
        let reason = match self.code {
            0 => "Completed",
            126 | 127 => "StartError",
            _ => "Error",
        };
        let mut value = json!({
            "exitCode": self.code, "reason": reason, "startedAt": self.started, "finishedAt": self.finished,
            "containerID": id,
        });
        if !self.message.is_empty() {
            set(&mut value, &["message"], json!(self.message));
        }
        value
    }
}

/// The phase of a pod whose containers never run again once they ended.
fn phase(containers: &[ContainerState], restarts: bool) -> &'static str {
    let ended: Vec<i32> = containers
        .iter()
        .filter_map(|one| match &one.life {
            Life::Ended(ended) => Some(ended.code),
            _ => None,
        })
        .collect();
    let begun = |one: &ContainerState| one.last.is_some() || !matches!(one.life, Life::Waiting { .. });
    if !restarts && ended.len() == containers.len() {
        return if ended.iter().all(|code| *code == 0) { "Succeeded" } else { "Failed" };
    }
    if containers.iter().all(begun) { "Running" } else { "Pending" }
}

/// The pod's status as it should be now.
pub(super) fn of(pod: &Value, containers: &[ContainerState], now: &str) -> Value {
    let mut status = pod.get("status").cloned().unwrap_or_else(|| json!({}));
    let restarts = text(pod, "/spec/restartPolicy") != "Never";
    set(&mut status, &["phase"], json!(phase(containers, restarts)));
    let statuses: Vec<Value> = containers.iter().map(ContainerState::to_value).collect();
    set(&mut status, &["containerStatuses"], Value::Array(statuses));
    let unready: Vec<&str> =
        containers.iter().filter(|one| !one.ready).map(|one| one.name.as_str()).collect();
    let message = format!("containers with unready status: [{}]", unready.join(" "));
    let (reason, message) =
        if unready.is_empty() { ("", "") } else { ("ContainersNotReady", message.as_str()) };
    for kind in ["PodScheduled", "Initialized"] {
        conditions::put(&mut status, &Condition { kind, status: true, reason: "", message: "" }, now);
    }
    for kind in ["ContainersReady", "Ready"] {
        conditions::put(&mut status, &Condition { kind, status: unready.is_empty(), reason, message }, now);
    }
    status
}

/// The ports that a pod's containers declare.
pub(super) fn ports(pod: &Value) -> Vec<u16> {
    list(pod, "/spec/containers")
        .iter()
        .flat_map(|container| list(container, "/ports"))
        .filter_map(|port| u16::try_from(super::super::json::number(port, "/containerPort")?).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(life: Life) -> ContainerState {
        ContainerState { life, ..ContainerState::new(&json!({ "name": "c" })) }
    }

    fn ended(code: i32) -> Life {
        let text = String::new;
        Life::Ended(Ended { code, started: text(), finished: text(), message: text() })
    }

    #[test]
    fn phases() {
        let waiting = || Life::Waiting { reason: "ContainerCreating".to_owned(), message: String::new() };
        let running = || Life::Running { since: String::new() };
        for (lives, restarts, expected) in [
            (vec![waiting()], true, "Pending"),
            (vec![running(), waiting()], true, "Pending"),
            (vec![running()], true, "Running"),
            (vec![ended(1)], true, "Running"),
            (vec![ended(0)], false, "Succeeded"),
            (vec![ended(0), ended(2)], false, "Failed"),
        ] {
            let containers: Vec<ContainerState> = lives.into_iter().map(container).collect();
            assert_eq!(phase(&containers, restarts), expected);
        }
    }

    #[test]
    fn a_pod_is_ready_when_all_its_containers_are() {
        let mut one = container(Life::Running { since: "t".to_owned() });
        let status = of(&json!({}), std::slice::from_ref(&one), "now");
        assert!(!conditions::holds(&status, "Ready"));
        let condition = conditions::find(&status, "Ready").unwrap();
        assert_eq!(text(condition, "/message"), "containers with unready status: [c]");
        one.ready = true;
        assert!(conditions::holds(&of(&json!({}), &[one], "now"), "Ready"));
    }
}
