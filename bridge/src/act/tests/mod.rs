//! Applying and destroying against clouds that fail at every step.

/// All of a [`SetUp`] but `perform`, which is passed on to another one.
macro_rules! looks_by {
    ($field:tt) => {
        async fn facts(&self, bridge: &Bridge) -> PortResult<Facts> {
            self.$field.facts(bridge).await
        }
        async fn observe(
            &self,
            bridge: &Bridge,
            facts: &Facts,
            wanted: &[Resource],
        ) -> PortResult<Inventory> {
            self.$field.observe(bridge, facts, wanted).await
        }
        async fn missing(&self, bridge: &Bridge, needs: &[Need]) -> PortResult<Vec<Missing>> {
            self.$field.missing(bridge, needs).await
        }
    };
}

mod clouds;
mod interrupted;
mod patience;
mod race;
mod waves;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use self::clouds::{APPLICATION_ID, Clouds, Fault, refusal};
use super::*;
use crate::inventory::{Facts, Inventory};
use crate::plan::{Change, Missing, Need, Outputs};
use crate::port::{Event, PortError, PortResult, Refused, SetUp, Time, Watch};
use crate::resource::{Resource, ResourceKey};
use crate::spec::{Bridge, Via, Workload, WorkloadRight};
use crate::want::tests::harbour;

/// The harbour with so many workloads that go the other way, every third by Google.
fn both_ways(workloads: usize) -> Bridge {
    let (mut bridge, _) = harbour();
    bridge.workloads = (0..workloads)
        .map(|number| Workload {
            name: format!("taster-{number:02}"),
            team: "cellar".into(),
            service_account: format!("taster-{number:02}"),
            may: BTreeSet::from([WorkloadRight::ReadModels]),
            via: if number % 3 == 2 { Via::Google } else { Via::Cluster },
        })
        .collect();
    bridge
}

/// A clock that only sleeping moves.
#[derive(Default)]
struct Stopped(Mutex<Duration>);

impl Time for Stopped {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH + *self.0.lock().unwrap()
    }

    async fn sleep(&self, length: Duration) {
        *self.0.lock().unwrap() += length;
    }
}

#[derive(Default)]
struct Told(Mutex<Vec<Event>>);

impl Watch for Told {
    fn event(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

/// Runs a future that never has to wait for anything outside; `None` if it was killed.
fn run<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn apply_once(clouds: &Clouds, bridge: &Bridge) -> Option<Result<Report, ApplyError>> {
    let (facts, plan) = (clouds.facts_now(), clouds.plan_now(bridge));
    run(apply(bridge, &facts, &plan, clouds, &Stopped::default(), &Told::default()))
}

/// Applies until the plan is empty, as a patient person would.
fn apply_until_done(clouds: &Clouds, bridge: &Bridge) -> usize {
    for round in 1..100 {
        let _ = apply_once(clouds, bridge);
        if clouds.plan_now(bridge).is_empty() {
            return round;
        }
    }
    panic!("never done");
}

/// The world after an apply that nothing disturbed, and how many calls it took.
fn undisturbed(bridge: &Bridge) -> (BTreeMap<ResourceKey, Resource>, usize) {
    let clouds = Clouds::default();
    assert_eq!(apply_until_done(&clouds, bridge), 1);
    let calls = *clouds.calls.lock().unwrap();
    (clouds.live.into_inner().unwrap(), calls)
}

#[test]
fn applying_is_applying_once() {
    let (bridge, _) = harbour();
    let clouds = Clouds::default();
    let report = apply_once(&clouds, &bridge).unwrap().unwrap();
    assert_eq!(report.left, []);
    assert_eq!(report.outputs.application_id.as_deref(), Some(APPLICATION_ID));
    assert!(clouds.plan_now(&bridge).is_empty());
    let report = apply_once(&clouds, &bridge).unwrap().unwrap();
    assert_eq!((report.done, report.left), (vec![], vec![]));
}

#[test]
fn workloads_come_and_go() {
    let clouds = Clouds::default();
    let mut bridge = both_ways(23);
    apply_until_done(&clouds, &bridge);
    let first = clouds.facts_now().shards;
    let sizes: Vec<usize> = first.values().map(|shard| shard.credentials.len()).collect();
    assert_eq!(sizes, [20, 3]);
    // A full identity loses one and another comes: never a twenty-first, and nobody moves.
    let gone = bridge.workloads.remove(0);
    bridge.workloads.push(Workload { name: "newcomer".into(), service_account: "newcomer".into(), ..gone });
    assert_eq!(apply_until_done(&clouds, &bridge), 1);
    let then = clouds.facts_now().shards;
    assert!(then["gp-harbour-2"].credentials.contains("newcomer"));
    assert_eq!(then["gp-harbour-1"].credentials.len(), 19);
    // The last one of an identity takes it along, with its roles.
    bridge.workloads.retain(|it| first["gp-harbour-1"].credentials.contains(&it.name));
    assert_eq!(apply_until_done(&clouds, &bridge), 1);
    assert_eq!(clouds.facts_now().shards.len(), 1);
    let live = clouds.live.lock().unwrap();
    assert!(!live.keys().any(|key| key.0.contains("gp-harbour-2")), "{:?}", live.keys());
}

#[test]
fn obstacles_stop_it_before_anything_is_written() {
    let (bridge, _) = harbour();
    let clouds = Clouds::default();
    let mut plan = clouds.plan_now(&bridge);
    plan.obstacles.push(crate::plan::Obstacle {
        key: ResourceKey("google/pool/gangplank".into()),
        problem: String::new(),
        mend: String::new(),
    });
    let facts = clouds.facts_now();
    let result = run(apply(&bridge, &facts, &plan, &clouds, &Stopped::default(), &Told::default())).unwrap();
    assert!(matches!(result, Err(ApplyError::Obstacles(obstacles)) if obstacles.len() == 1));
    assert_eq!(*clouds.calls.lock().unwrap(), 0);
}
