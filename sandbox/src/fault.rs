//! Faults on demand: which there are, for whom they are armed, and which request each of them meets.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::SERVICES;

/// Services whose changes can be made to arrive late elsewhere.
pub const WRITERS: [&str; 5] =
    ["graph", "resource_manager", "iam", "cloud_resource_manager", "artifact_registry"];
/// Services that can be made to decide by what was true a while ago.
pub const READERS: [&str; 9] = [
    "entra",
    "resource_manager",
    "blob",
    "acr",
    "sts",
    "iam_credentials",
    "registry",
    "container",
    "cluster",
];

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// Answer that there are too many requests, with `Retry-After`.
    Throttle {
        /// Seconds to ask for.
        retry_after: u32,
    },
    /// Answer with this status, in the service's own error shape.
    Error {
        /// 500 to 599.
        status: u16,
    },
    /// Hold the answer back.
    Late {
        /// For this long, by the system's time.
        milliseconds: u64,
    },
    /// Hold the rest of the answer back once its body has begun. Waits for an answer that is longer.
    Stall {
        /// Bytes to let through first.
        after: u64,
        /// How long the rest is held back, by the system's time.
        milliseconds: u64,
    },
    /// Close the connection after this many bytes of the answer's body. Waits for an answer that is longer.
    Cut {
        /// Bytes to let through.
        after: u64,
    },
    /// Close the connection before anything was done or answered.
    Reset,
    /// Do what was asked, then close the connection in the place of an answer.
    LostAnswer,
    /// Alter one byte of what is sent or received. Waits for a request or an answer that carries bytes of a file.
    WrongDigest,
    /// Treat the caller's token as expired.
    Expired,
    /// The service's clock is off.
    Skew {
        /// Ahead by so much; negative is behind.
        seconds: i64,
    },
    /// Changes made through the service count elsewhere only later, by the sandbox's clock. Revocations, too.
    Propagation {
        /// How much later.
        seconds: u32,
    },
    /// The service decides by what was true earlier, by the sandbox's clock.
    Stale {
        /// How much earlier.
        seconds: u32,
    },
}

impl Fault {
    /// Whether it is a state of the service and not something that strikes a request.
    pub fn stands(&self) -> bool {
        matches!(self, Self::Skew { .. } | Self::Propagation { .. } | Self::Stale { .. })
    }
}

/// A fault that cannot be armed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotArmed {
    /// No such service.
    #[error("no service `{service}`, expected one of {}", strikeable().join(", "))]
    Service {
        /// What was named.
        service: String,
    },
    /// The fault makes no sense there.
    #[error("`{fault}` cannot be armed for `{service}`, expected one of {}", expected.join(", "))]
    Elsewhere {
        /// What was to be armed.
        fault: &'static str,
        /// For whom.
        service: String,
        /// Who knows it.
        expected: &'static [&'static str],
    },
    /// The status is no server's error.
    #[error("the status is {0}, expected 500 to 599")]
    Status(u16),
    /// No text that says a fault.
    #[error("not a fault: {0}")]
    Shape(String),
}

/// The services that faults can be armed for.
pub fn strikeable() -> Vec<&'static str> {
    SERVICES.into_iter().filter(|service| *service != "control").collect()
}

/// A fault, and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Armed {
    /// The fault.
    #[serde(flatten)]
    pub fault: Fault,
    /// How many requests it still meets; `None` until it is cleared.
    pub times: Option<u32>,
    /// Only requests of this method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only requests whose path begins so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl From<Fault> for Armed {
    fn from(fault: Fault) -> Self {
        let times = if fault.stands() { None } else { Some(1) };
        Self { fault, times, method: None, path: None }
    }
}

/// What stands beside the fault itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Beside {
    times: Option<u32>,
    #[serde(default)]
    until_cleared: bool,
    method: Option<String>,
    path: Option<String>,
}

impl Armed {
    /// Reads `{"fault": …, "times": …, "until_cleared": …, "method": …, "path": …}`.
    pub fn read(mut value: Value) -> Result<Self, NotArmed> {
        let shape = |error: serde_json::Error| NotArmed::Shape(error.to_string());
        let object = value.as_object_mut().ok_or_else(|| NotArmed::Shape("expected an object".to_owned()))?;
        let names = ["times", "until_cleared", "method", "path"];
        let beside: Value = names
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), object.remove(name)?)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let beside: Beside = serde_json::from_value(beside).map_err(shape)?;
        let fault: Fault = serde_json::from_value(value).map_err(shape)?;
        let Self { fault, times, .. } = Self::from(fault);
        let times = if beside.until_cleared { None } else { times.map(|once| beside.times.unwrap_or(once)) };
        Ok(Self { fault, times, method: beside.method, path: beside.path })
    }

    fn meets(&self, method: &Method, path: &str) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && self.path.as_ref().is_none_or(|wanted| path.starts_with(wanted.as_str()))
    }

    pub(crate) fn check(&self, service: &str) -> Result<(), NotArmed> {
        if !strikeable().contains(&service) {
            return Err(NotArmed::Service { service: service.to_owned() });
        }
        let only = |fault, expected: &'static [&'static str]| {
            let elsewhere = NotArmed::Elsewhere { fault, service: service.to_owned(), expected };
            if expected.contains(&service) { Ok(()) } else { Err(elsewhere) }
        };
        match self.fault {
            Fault::Propagation { .. } => only("propagation", &WRITERS),
            Fault::Stale { .. } => only("stale", &READERS),
            Fault::Error { status } if !(500..=599).contains(&status) => Err(NotArmed::Status(status)),
            _ => Ok(()),
        }
    }
}

/// The armed faults, by service name (a field name of [`crate::world::Addresses`]).
#[derive(Default)]
pub struct Faults(Mutex<BTreeMap<String, Vec<Armed>>>);

impl Faults {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Armed>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `fault` strike the next request to `service`, or stand there until it is cleared.
    pub fn arm(&self, service: &str, fault: Fault) {
        self.put(service, fault.into());
    }

    /// Arms a fault that waits for particular requests, or for several.
    pub fn arm_for(&self, service: &str, armed: Armed) -> Result<(), NotArmed> {
        armed.check(service)?;
        self.put(service, armed);
        Ok(())
    }

    /// A standing fault takes the place of its like.
    fn put(&self, service: &str, armed: Armed) {
        let mut all = self.lock();
        let waiting = all.entry(service.to_owned()).or_default();
        if armed.fault.stands() {
            let kind = std::mem::discriminant(&armed.fault);
            waiting.retain(|other| std::mem::discriminant(&other.fault) != kind);
        }
        waiting.push(armed);
    }

    /// What is armed, by service.
    pub fn armed(&self) -> BTreeMap<String, Vec<Armed>> {
        self.lock().iter().filter(|(_, waiting)| !waiting.is_empty()).map(pair).collect()
    }

    /// Disarms everything and says what it was.
    pub fn take(&self) -> BTreeMap<String, Vec<Armed>> {
        std::mem::take(&mut *self.lock())
    }

    /// Disarms everything, or everything of one service.
    pub fn clear(&self, service: Option<&str>) {
        self.lock().retain(|name, _| service.is_some_and(|service| service != name));
    }

    /// Puts back a fault that found nothing to strike.
    pub(crate) fn put_back(&self, service: &str, mut armed: Armed) {
        // One that stays until it is cleared was never taken.
        if armed.times.is_none() {
            return;
        }
        let mut all = self.lock();
        let waiting = all.entry(service.to_owned()).or_default();
        let same = waiting.first_mut().filter(|first| {
            first.times.is_some()
                && (&first.fault, &first.method, &first.path) == (&armed.fault, &armed.method, &armed.path)
        });
        if let Some(first) = same {
            first.times = first.times.map(|times| times + 1);
        } else {
            armed.times = Some(1);
            waiting.insert(0, armed);
        }
    }

    /// Takes the next fault that waits for such a request to `service`.
    pub(crate) fn strike(&self, service: &str, method: &Method, path: &str) -> Option<Armed> {
        let mut all = self.lock();
        let waiting = all.get_mut(service)?;
        let index = waiting.iter().position(|armed| !armed.fault.stands() && armed.meets(method, path))?;
        let found = waiting.get_mut(index)?;
        let struck = found.clone();
        match found.times {
            None => {}
            Some(times) if times > 1 => found.times = Some(times - 1),
            Some(_) => drop(waiting.remove(index)),
        }
        Some(struck)
    }

    /// How far the clock of `service` is ahead, in seconds.
    pub(crate) fn skew(&self, service: &str) -> i64 {
        self.standing(service, |fault| match fault {
            Fault::Skew { seconds } => Some(*seconds),
            _ => None,
        })
    }

    /// How much later, in seconds, a change made through `writer` counts for `reader`.
    pub(crate) fn lag(&self, writer: &str, reader: &str) -> i64 {
        let propagation = self.standing(writer, |fault| match fault {
            Fault::Propagation { seconds } => Some(i64::from(*seconds)),
            _ => None,
        });
        let stale = self.standing(reader, |fault| match fault {
            Fault::Stale { seconds } => Some(i64::from(*seconds)),
            _ => None,
        });
        propagation.max(stale)
    }

    /// Whether any change counts later than it was made.
    pub(crate) fn any_lag(&self) -> bool {
        self.lock()
            .values()
            .flatten()
            .any(|armed| matches!(armed.fault, Fault::Propagation { .. } | Fault::Stale { .. }))
    }

    fn standing(&self, service: &str, read: impl Fn(&Fault) -> Option<i64>) -> i64 {
        self.lock().get(service).and_then(|all| all.iter().find_map(|armed| read(&armed.fault))).unwrap_or(0)
    }
}

fn pair((service, waiting): (&String, &Vec<Armed>)) -> (String, Vec<Armed>) {
    (service.clone(), waiting.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn faults_strike_what_they_wait_for_in_order_and_so_often() {
        let faults = Faults::default();
        let twice = json!({"fault": "error", "status": 503, "times": 2, "method": "post", "path": "/v1/"});
        faults.arm_for("iam", Armed::read(twice).unwrap()).unwrap();
        faults.arm("iam", Fault::Reset);
        let strike = |method, path| faults.strike("iam", &method, path).map(|armed| armed.fault);
        assert_eq!(strike(Method::GET, "/v1/x"), Some(Fault::Reset));
        assert_eq!(strike(Method::POST, "/v2/x"), None);
        for _ in 0..2 {
            assert_eq!(strike(Method::POST, "/v1/x"), Some(Fault::Error { status: 503 }));
        }
        assert_eq!(strike(Method::POST, "/v1/x"), None);
        assert!(faults.armed().is_empty());
    }

    #[test]
    fn what_found_nothing_to_strike_waits_on() {
        let faults = Faults::default();
        let armed = Armed { times: Some(2), ..Fault::Cut { after: 1 }.into() };
        faults.arm_for("blob", armed).unwrap();
        let struck = faults.strike("blob", &Method::GET, "/").unwrap();
        faults.put_back("blob", struck);
        assert_eq!(faults.armed()["blob"][0].times, Some(2));
        let until_cleared = Armed::read(json!({"fault": "reset", "until_cleared": true})).unwrap();
        faults.arm_for("sts", until_cleared).unwrap();
        for _ in 0..3 {
            let struck = faults.strike("sts", &Method::POST, "/v1/token").unwrap();
            faults.put_back("sts", struck);
        }
        assert_eq!(faults.armed()["sts"].len(), 1);
        faults.clear(Some("sts"));
        assert_eq!(faults.armed().keys().collect::<Vec<_>>(), ["blob"]);
        faults.clear(None);
        assert!(faults.armed().is_empty());
    }

    #[test]
    fn standing_faults_strike_nothing_and_replace_their_like() {
        let faults = Faults::default();
        faults.arm("sts", Fault::Skew { seconds: 5 });
        faults.arm("sts", Fault::Skew { seconds: -600 });
        assert_eq!(faults.strike("sts", &Method::POST, "/v1/token"), None);
        assert_eq!(faults.skew("sts"), -600);
        faults.arm("iam", Fault::Propagation { seconds: 60 });
        faults.arm("sts", Fault::Stale { seconds: 90 });
        assert_eq!(faults.lag("iam", "iam_credentials"), 60);
        assert_eq!(faults.lag("iam", "sts"), 90);
        assert_eq!(faults.lag("graph", "entra"), 0);
    }

    #[test]
    fn wrong_faults_are_refused_with_what_was_expected() {
        let faults = Faults::default();
        for (service, fault, expected) in [
            ("moon", json!({"fault": "reset"}), "no service `moon`, expected one of entra, "),
            ("control", json!({"fault": "reset"}), "no service `control`"),
            (
                "sts",
                json!({"fault": "propagation", "seconds": 1}),
                "cannot be armed for `sts`, expected one of graph",
            ),
            (
                "iam",
                json!({"fault": "stale", "seconds": 1}),
                "cannot be armed for `iam`, expected one of entra",
            ),
            ("iam", json!({"fault": "error", "status": 404}), "the status is 404, expected 500 to 599"),
            ("iam", json!({"fault": "thunder"}), "not a fault: unknown variant `thunder`"),
            ("iam", json!({"fault": "cut"}), "not a fault: missing field `after`"),
            ("iam", json!({"fault": "cut", "after": 1, "before": 2}), "not a fault: unknown field `before`"),
            ("iam", json!("cut"), "not a fault: expected an object"),
        ] {
            let refused = Armed::read(fault).and_then(|armed| faults.arm_for(service, armed)).unwrap_err();
            assert!(refused.to_string().contains(expected), "{refused}");
        }
    }
}
