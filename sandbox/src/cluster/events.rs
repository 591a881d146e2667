//! Events: what controllers and the node tell about objects. The same words about the same object are counted.

use serde_json::{Value, json};

use super::State;
use super::json::{number, set, text};
use super::kinds;
use super::naming;
use super::objects::{Part, WriteOptions};
use super::store::Key;

/// How grave an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gravity {
    Normal,
    Warning,
}

/// For how many seconds an event is kept.
const KEPT: i64 = 3600;

impl State {
    /// Forgets old events.
    pub(crate) fn expire_events(&self) {
        let now = self.clock.now();
        for event in self.store.list(&kinds::EVENT, None).0 {
            let last = text(&event, "/lastTimestamp").parse::<jiff::Timestamp>();
            if last.is_ok_and(|last| now.duration_since(last).as_secs() > KEPT) {
                self.store.remove(&Key::of(&kinds::EVENT, &event));
            }
        }
    }

    /// Tells something about an object.
    pub(crate) fn tell(&self, component: &str, about: &Value, gravity: Gravity, reason: &str, message: &str) {
        let namespace = text(about, "/metadata/namespace");
        let what = format!("{}{reason}{message}", text(about, "/metadata/uid"));
        let name = format!("{}.{}", text(about, "/metadata/name"), naming::template_hash(&json!(what)));
        let key = Key::new(&kinds::EVENT, namespace, &name);
        let options = WriteOptions::by(component);
        let now = self.timestamp();
        let counted = self.modify(&key, Part::Main, &options, |event| {
            let count = number(event, "/count").unwrap_or(1) + 1;
            set(event, &["count"], json!(count));
            set(event, &["lastTimestamp"], json!(now));
            Ok(())
        });
        if counted.is_ok() {
            return;
        }
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": { "name": name, "namespace": namespace },
            "involvedObject": {
                "apiVersion": text(about, "/apiVersion"), "kind": text(about, "/kind"), "namespace": namespace,
                "name": text(about, "/metadata/name"), "uid": text(about, "/metadata/uid"),
                "resourceVersion": text(about, "/metadata/resourceVersion"),
            },
            "type": match gravity { Gravity::Normal => "Normal", Gravity::Warning => "Warning" },
            "reason": reason, "message": message, "count": 1,
            "firstTimestamp": now, "lastTimestamp": now,
            "source": { "component": component }, "reportingComponent": component, "reportingInstance": "",
        });
        let _namespace_may_be_going = self.create(&kinds::EVENT, namespace, event, &options);
    }
}
