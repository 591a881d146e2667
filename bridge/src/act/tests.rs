//! Applying and destroying against clouds that fail at every step.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::inventory::{ApplicationIds, Facts, Inventory, Observed, Shard, State};
use crate::plan::{
    Action, Change, Missing, Need, Outputs, Plan, client_id_of, destroy_plan, plan, principal_id_of,
    unique_id_of,
};
use crate::port::{Event, PortError, PortResult, Refused, SetUp, Time, Watch};
use crate::resource::{GrantTarget, Resource, ResourceKey, RoleAssignment};
use crate::spec::{Bridge, Via, Workload, WorkloadRight};
use crate::want::tests::harbour;
use crate::want::wanted;

/// What happens to one call of `perform`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// Refused, and nothing was done.
    Before(Refused),
    /// Done, but the answer says it was not.
    After(Refused),
    /// Done, and the answer never comes: the process is killed here.
    KilledAfter,
    /// Nothing is done, and no answer ever comes.
    KilledBefore,
}

/// Both clouds, in memory. They refuse what comes before that which it refers to.
#[derive(Default)]
struct Clouds {
    live: Mutex<BTreeMap<ResourceKey, Resource>>,
    deleted: Mutex<BTreeMap<ResourceKey, Resource>>,
    faults: Mutex<BTreeMap<usize, Fault>>,
    calls: Mutex<usize>,
}

const APPLICATION_ID: &str = "11111111-2222-4333-8444-555555555555";

impl Clouds {
    fn failing(faults: impl IntoIterator<Item = (usize, Fault)>) -> Self {
        Self { faults: Mutex::new(faults.into_iter().collect()), ..Self::default() }
    }

    fn facts_now(&self) -> Facts {
        let (_, mut facts) = harbour();
        let live = self.live.lock().unwrap();
        let has = |name: &str| live.keys().any(|key| key.0.starts_with(name));
        facts.application = has("entra/application").then(|| ApplicationIds {
            app_id: APPLICATION_ID.into(),
            object_id: "object".into(),
            service_principal_id: has("entra/service-principal").then(|| "principal".into()),
        });
        facts.cluster_issuer = Some("https://cluster".into());
        facts.workload_pool = Some("harbour-prod.svc.id.goog".into());
        for resource in live.values() {
            match resource {
                Resource::ManagedIdentity(it) => {
                    let shard = Shard {
                        client_id: format!("client of {}", it.name),
                        principal_id: format!("principal of {}", it.name),
                        team: it.team.clone(),
                        rights: it.rights.clone(),
                        credentials: credentials(&live, &it.name),
                    };
                    facts.shards.insert(it.name.clone(), shard);
                }
                Resource::ServiceAccount(it) => {
                    facts.unique_ids.insert(it.id.clone(), format!("number of {}", it.id));
                }
                _ => {}
            }
        }
        facts
    }

    fn inventory_now(&self) -> Inventory {
        let observed = |state| {
            move |(key, resource): (&ResourceKey, &Resource)| {
                (key.clone(), Observed { resource: resource.clone(), marked: true, state, holds: None })
            }
        };
        let (live, deleted) = (self.live.lock().unwrap(), self.deleted.lock().unwrap());
        let found =
            deleted.iter().map(observed(State::SoftDeleted)).chain(live.iter().map(observed(State::Live)));
        Inventory { found: found.collect() }
    }

    fn plan_now(&self, bridge: &Bridge) -> Plan {
        let (resources, obstacles) = wanted(bridge, &self.facts_now());
        plan(bridge, &resources, obstacles, &self.inventory_now())
    }

    fn require(&self, key: &str) -> PortResult<()> {
        let found = self.live.lock().unwrap().contains_key(&ResourceKey(key.to_owned()));
        if found { Ok(()) } else { Err(refusal(Refused::Invalid, &format!("{key} does not exist"))) }
    }

    /// What a resource refers to must be there.
    fn check(&self, resource: &Resource) -> PortResult<()> {
        match resource {
            Resource::ServicePrincipal(_) | Resource::AppRoleAssignment(_) => {
                self.require("entra/application/gangplank-harbour")
            }
            Resource::Provider(it) => self.require(&format!("google/pool/{}", it.pool)),
            Resource::FederatedCredential(it) => {
                self.require(&format!("azure/managed-identity/{}", it.identity))?;
                let held = credentials(&self.live.lock().unwrap(), &it.identity);
                let full = held.len() >= 20 && !held.contains(&it.name);
                if full { Err(refusal(Refused::Invalid, "twenty are the most")) } else { Ok(()) }
            }
            Resource::Grant(it) => match &it.target {
                GrantTarget::Project => Ok(()),
                GrantTarget::ServiceAccount(id) => self.require(&format!("google/service-account/{id}")),
                GrantTarget::Repository(id) => self.require(&format!("google/repository/europe-west4/{id}")),
            },
            Resource::Kubernetes(it) => match it.object_key().and_then(|key| key.namespace) {
                Some(namespace) => self.require(&format!("kubernetes/Namespace/{namespace}")),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn make(&self, change: &Change, outputs: &mut Outputs) -> PortResult<()> {
        let key = change.key.clone();
        if let Action::Delete { found } = &change.action {
            if self.live.lock().unwrap().remove(&key).is_none() {
                return Err(refusal(Refused::NotFound, "gone already"));
            }
            if matches!(found, Resource::Pool(_) | Resource::Provider(_)) {
                self.deleted.lock().unwrap().insert(key, found.clone());
            }
            if matches!(found, Resource::Pool(_)) {
                // With a pool go its providers.
                let mut live = self.live.lock().unwrap();
                let providers = live.extract_if(.., |_, resource| matches!(resource, Resource::Provider(_)));
                self.deleted.lock().unwrap().extend(providers);
            }
            return Ok(());
        }
        let mut resource = change.action.resource().clone();
        self.check(&resource)?;
        let resolve =
            |text: &str| outputs.resolve(text).map_err(|error| refusal(Refused::Invalid, &error.to_string()));
        match &mut resource {
            Resource::Application(_) => outputs.application_id = Some(APPLICATION_ID.into()),
            Resource::ServicePrincipal(it) => it.app_id = resolve(&it.app_id)?,
            Resource::Provider(it) => {
                it.audiences = it.audiences.iter().map(|text| resolve(text)).collect::<PortResult<_>>()?;
            }
            Resource::ManagedIdentity(it) => {
                outputs.late.insert(client_id_of(&it.name), format!("client of {}", it.name));
                outputs.late.insert(principal_id_of(&it.name), format!("principal of {}", it.name));
            }
            Resource::ServiceAccount(it) => {
                outputs.late.insert(unique_id_of(&it.id), format!("number of {}", it.id));
            }
            Resource::FederatedCredential(it) => it.subject = resolve(&it.subject)?,
            Resource::RoleAssignment(it) => {
                it.principal_id = resolve(&it.principal_id)?;
                it.name = RoleAssignment::name_of(&it.scope, &it.role_definition, &it.principal_id);
            }
            Resource::Kubernetes(it) => {
                let resolved = outputs.resolve_all(&it.object);
                it.object = resolved.map_err(|error| refusal(Refused::Invalid, &error.to_string()))?;
            }
            _ => {}
        }
        self.deleted.lock().unwrap().remove(&key);
        // What stood for an id is that id from now on.
        self.live.lock().unwrap().insert(resource.key(), resource);
        Ok(())
    }
}

/// The credentials of one identity, by name.
fn credentials(live: &BTreeMap<ResourceKey, Resource>, identity: &str) -> BTreeSet<String> {
    let of = |resource: &Resource| match resource {
        Resource::FederatedCredential(it) if it.identity == identity => Some(it.name.clone()),
        _ => None,
    };
    live.values().filter_map(of).collect()
}

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

fn refusal(kind: Refused, message: &str) -> PortError {
    PortError { service: "Cloud", kind, status: None, code: None, message: message.into(), retry_after: None }
}

impl SetUp for Clouds {
    async fn facts(&self, _: &Bridge) -> PortResult<Facts> {
        Ok(self.facts_now())
    }

    async fn observe(&self, _: &Bridge, _: &Facts, _: &[Resource]) -> PortResult<Inventory> {
        Ok(self.inventory_now())
    }

    async fn missing(&self, _: &Bridge, _: &[Need]) -> PortResult<Vec<Missing>> {
        Ok(Vec::new())
    }

    async fn perform(&self, _: &Bridge, _: &Facts, change: &Change, outputs: &mut Outputs) -> PortResult<()> {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls - 1
        };
        let fault = self.faults.lock().unwrap().remove(&call);
        match fault {
            None => self.make(change, outputs),
            Some(Fault::Before(kind)) => Err(refusal(kind, "not now")),
            Some(Fault::After(kind)) => self.make(change, outputs).and(Err(refusal(kind, "not so"))),
            Some(Fault::KilledAfter) => {
                self.make(change, outputs)?;
                std::future::pending().await
            }
            Some(Fault::KilledBefore) => std::future::pending().await,
        }
    }
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

const EVERY_FAULT: [Fault; 12] = [
    Fault::KilledBefore,
    Fault::KilledAfter,
    Fault::Before(Refused::NotFound),
    Fault::Before(Refused::Denied),
    Fault::Before(Refused::Unauthenticated),
    Fault::Before(Refused::Conflict),
    Fault::Before(Refused::Invalid),
    Fault::Before(Refused::Throttled),
    Fault::Before(Refused::Unavailable),
    Fault::After(Refused::Conflict),
    Fault::After(Refused::Unavailable),
    Fault::After(Refused::Denied),
];

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
fn cut_anywhere_and_run_again() {
    let (bridge, _) = harbour();
    let (expected, calls) = undisturbed(&bridge);
    for call in 0..calls {
        for fault in EVERY_FAULT {
            let clouds = Clouds::failing([(call, fault)]);
            let rounds = apply_until_done(&clouds, &bridge);
            assert!(rounds <= 2, "{call} {fault:?}: {rounds}");
            assert_eq!(*clouds.live.lock().unwrap(), expected, "{call} {fault:?}");
        }
    }
}

#[test]
fn the_way_back_cut_anywhere_and_run_again() {
    let bridge = both_ways(4);
    let (expected, calls) = undisturbed(&bridge);
    for call in 0..calls {
        for fault in EVERY_FAULT {
            let clouds = Clouds::failing([(call, fault)]);
            let rounds = apply_until_done(&clouds, &bridge);
            assert!(rounds <= 2, "{call} {fault:?}: {rounds}");
            assert_eq!(*clouds.live.lock().unwrap(), expected, "{call} {fault:?}");
        }
    }
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
fn destroying_cut_anywhere_and_run_again() {
    let (bridge, _) = harbour();
    let (world, _) = undisturbed(&bridge);
    for call in 0..world.len() {
        for fault in EVERY_FAULT {
            let clouds = Clouds::failing([(call, fault)]);
            *clouds.live.lock().unwrap() = world.clone();
            for _ in 0..2 {
                let plan = destroy_plan(&clouds.inventory_now());
                let _ = run(destroy(
                    &bridge,
                    &clouds.facts_now(),
                    &plan,
                    &clouds,
                    &Stopped::default(),
                    &Told::default(),
                ));
            }
            assert!(clouds.live.lock().unwrap().is_empty(), "{call} {fault:?}");
            // What is left of it can be brought back to life.
            apply_until_done(&clouds, &bridge);
            assert_eq!(*clouds.live.lock().unwrap(), world, "{call} {fault:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_number_of_faults(faults in proptest::collection::btree_map(0_usize..120, 0..EVERY_FAULT.len(), 0..20)) {
        let (bridge, _) = harbour();
        let (expected, _) = undisturbed(&bridge);
        let clouds = Clouds::failing(faults.into_iter().map(|(call, fault)| (call, EVERY_FAULT[fault])));
        apply_until_done(&clouds, &bridge);
        prop_assert_eq!(clouds.live.into_inner().unwrap(), expected);
    }
}

/// Applies with the same fault at every call from `from` on; gives the error and how long it took.
fn stubborn(from: usize, refusal_kind: Refused) -> (ApplyError, Duration) {
    let (bridge, _) = harbour();
    let clouds = Clouds::failing((from..1000).map(|call| (call, Fault::Before(refusal_kind))));
    let (facts, plan, time) = (clouds.facts_now(), clouds.plan_now(&bridge), Stopped::default());
    let error = run(apply(&bridge, &facts, &plan, &clouds, &time, &Told::default())).unwrap().unwrap_err();
    let report = error.report().unwrap();
    // What was under way when it failed is let finish.
    assert!(report.done.len() <= from, "{from}: {}", report.done.len());
    assert_eq!(report.done.len() + report.left.len(), plan.changes.len());
    let waited = *time.0.lock().unwrap();
    (error, waited)
}

#[test]
fn patience_has_an_end() {
    let seconds = Duration::from_secs;
    // Calls: 0 application, 1 its service principal, 3 the first Azure role, 9 a Google service account.
    for (from, kind, least, most) in [
        (0, Refused::Unavailable, seconds(10), seconds(60)),
        (5, Refused::Throttled, seconds(10), seconds(60)),
        (0, Refused::Denied, seconds(0), seconds(0)),
        (3, Refused::Denied, seconds(0), seconds(0)),
        (1, Refused::NotFound, seconds(420), seconds(450)),
        (1, Refused::Denied, seconds(420), seconds(450)),
        (3, Refused::NotFound, seconds(60), seconds(210)),
        (1, Refused::Invalid, seconds(0), seconds(0)),
        (5, Refused::Unauthenticated, seconds(0), seconds(0)),
        (5, Refused::Conflict, seconds(0), seconds(0)),
    ] {
        let (error, waited) = stubborn(from, kind);
        assert!(least <= waited && waited <= most, "{from} {kind:?}: {waited:?}");
        match kind {
            Refused::Conflict => assert!(matches!(error, ApplyError::Outdated { .. }), "{error}"),
            _ => assert!(matches!(error, ApplyError::Failed { .. }), "{error}"),
        }
        assert_eq!(
            error.is_transient(),
            matches!(kind, Refused::Unavailable | Refused::Throttled | Refused::Conflict)
        );
    }
}

#[test]
fn messages_say_what_failed_and_what_to_do() {
    let (error, _) = stubborn(0, Refused::Denied);
    assert_eq!(
        error.to_string(),
        "`create entra/application/gangplank-harbour` failed; run again to continue from here"
    );
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "Cloud: not now");
    let (error, _) = stubborn(0, Refused::Conflict);
    assert_eq!(
        error.to_string(),
        "`create entra/application/gangplank-harbour` failed because something changed since the plan was made; plan again"
    );
}

#[test]
fn services_that_ask_for_a_pause_get_it() {
    struct Throttling(Clouds, Mutex<Option<Duration>>);
    impl SetUp for Throttling {
        async fn facts(&self, bridge: &Bridge) -> PortResult<Facts> {
            self.0.facts(bridge).await
        }
        async fn observe(
            &self,
            bridge: &Bridge,
            facts: &Facts,
            wanted: &[Resource],
        ) -> PortResult<Inventory> {
            self.0.observe(bridge, facts, wanted).await
        }
        async fn missing(&self, bridge: &Bridge, needs: &[Need]) -> PortResult<Vec<Missing>> {
            self.0.missing(bridge, needs).await
        }
        async fn perform(
            &self,
            bridge: &Bridge,
            facts: &Facts,
            change: &Change,
            outputs: &mut Outputs,
        ) -> PortResult<()> {
            let asked = self.1.lock().unwrap().take();
            match asked {
                Some(asked) => {
                    Err(PortError { retry_after: Some(asked), ..refusal(Refused::Throttled, "slow down") })
                }
                None => self.0.perform(bridge, facts, change, outputs).await,
            }
        }
    }
    let (bridge, _) = harbour();
    for (asked, slept) in [(0, 500), (30_000, 30_000), (3_600_000, 120_000)] {
        let clouds = Throttling(Clouds::default(), Mutex::new(Some(Duration::from_millis(asked))));
        let (facts, plan, time, told) =
            (clouds.0.facts_now(), clouds.0.plan_now(&bridge), Stopped::default(), Told::default());
        run(apply(&bridge, &facts, &plan, &clouds, &time, &told)).unwrap().unwrap();
        assert_eq!(*time.0.lock().unwrap(), Duration::from_millis(slept));
        let retries =
            told.0.lock().unwrap().iter().filter(|event| matches!(event, Event::Retry { .. })).count();
        assert_eq!(retries, 1);
    }
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

/// Another administrator, who changes the world at a given call.
struct Meddled<F> {
    clouds: Clouds,
    at: usize,
    meddle: Mutex<Option<F>>,
}

impl<F: FnOnce(&Clouds) + Send> SetUp for Meddled<F> {
    async fn facts(&self, bridge: &Bridge) -> PortResult<Facts> {
        self.clouds.facts(bridge).await
    }
    async fn observe(&self, bridge: &Bridge, facts: &Facts, wanted: &[Resource]) -> PortResult<Inventory> {
        self.clouds.observe(bridge, facts, wanted).await
    }
    async fn missing(&self, bridge: &Bridge, needs: &[Need]) -> PortResult<Vec<Missing>> {
        self.clouds.missing(bridge, needs).await
    }
    async fn perform(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        change: &Change,
        outputs: &mut Outputs,
    ) -> PortResult<()> {
        if *self.clouds.calls.lock().unwrap() == self.at
            && let Some(meddle) = self.meddle.lock().unwrap().take()
        {
            meddle(&self.clouds);
            *self.clouds.calls.lock().unwrap() += 1;
            return Err(refusal(Refused::Conflict, "There were concurrent policy changes."));
        }
        self.clouds.perform(bridge, facts, change, outputs).await
    }
}

fn carried_out(at: usize, meddle: impl FnOnce(&Clouds) + Send) -> (Clouds, Result<Report, ApplyError>) {
    let (bridge, _) = harbour();
    let set_up = Meddled { clouds: Clouds::default(), at, meddle: Mutex::new(Some(meddle)) };
    let purpose = Purpose::Declared { adopt: Vec::new() };
    let (time, told) = (Stopped::default(), Told::default());
    let shown = run(look(&bridge, &purpose, &set_up)).unwrap().unwrap();
    let outcome = run(carry_out(&bridge, &shown, &purpose, &set_up, (&time, &told))).unwrap();
    (set_up.clouds, outcome)
}

#[test]
fn whoever_loses_a_race_plans_again_and_goes_on() {
    let (bridge, _) = harbour();
    let (expected, calls) = undisturbed(&bridge);
    for at in 0..calls {
        // Somebody else made something that this plan makes as well.
        let (clouds, outcome) = carried_out(at, |clouds| {
            let key = ResourceKey("google/pool/gangplank".into());
            let pool = Resource::Pool(crate::resource::Pool { id: "gangplank".into(), disabled: false });
            clouds.live.lock().unwrap().insert(key, pool);
        });
        let report = outcome.unwrap_or_else(|error| panic!("{at}: {error}"));
        assert!(report.left.is_empty() && report.done.len() >= calls - 1, "{at}: {}", report.done.len());
        assert_eq!(clouds.live.into_inner().unwrap(), expected);
    }
}

#[test]
fn more_than_was_shown_is_not_done() {
    let (clouds, outcome) = carried_out(12, |clouds| {
        let stranger = Resource::ServiceAccount(crate::resource::ServiceAccount {
            id: "gp-stranger".into(),
            display_name: "somebody's".into(),
        });
        clouds.live.lock().unwrap().insert(stranger.key(), stranger);
    });
    let error = outcome.unwrap_err();
    assert!(
        matches!(&error, ApplyError::Unshown { changes, .. }
        if changes.len() == 1 && changes[0].summary() == "delete google/service-account/gp-stranger"),
        "{error}"
    );
    assert!(!error.is_transient() && error.to_string().ends_with("plan again"));
    let live = clouds.live.into_inner().unwrap();
    assert!(live.contains_key(&ResourceKey("google/service-account/gp-stranger".into())));
}

#[test]
fn a_race_without_end_is_given_up() {
    let (bridge, _) = harbour();
    let clouds = Clouds::failing((0..1000).map(|call| (call, Fault::Before(Refused::Conflict))));
    let purpose = Purpose::Declared { adopt: Vec::new() };
    let (time, told) = (Stopped::default(), Told::default());
    let shown = run(look(&bridge, &purpose, &clouds)).unwrap().unwrap();
    let outcome = run(carry_out(&bridge, &shown, &purpose, &clouds, (&time, &told))).unwrap();
    assert!(matches!(outcome, Err(ApplyError::Outdated { .. })));
    assert_eq!(*clouds.calls.lock().unwrap(), 5);
}

/// How many calls are under way, and how many were at most.
#[derive(Default)]
struct Crowded {
    clouds: Clouds,
    now: Mutex<(usize, usize)>,
    policies: Mutex<Vec<String>>,
}

impl SetUp for Crowded {
    async fn facts(&self, bridge: &Bridge) -> PortResult<Facts> {
        self.clouds.facts(bridge).await
    }
    async fn observe(&self, bridge: &Bridge, facts: &Facts, wanted: &[Resource]) -> PortResult<Inventory> {
        self.clouds.observe(bridge, facts, wanted).await
    }
    async fn missing(&self, bridge: &Bridge, needs: &[Need]) -> PortResult<Vec<Missing>> {
        self.clouds.missing(bridge, needs).await
    }
    async fn perform(
        &self,
        bridge: &Bridge,
        facts: &Facts,
        change: &Change,
        outputs: &mut Outputs,
    ) -> PortResult<()> {
        let lane = change.action.resource().written_with();
        {
            let mut writing = self.policies.lock().unwrap();
            assert!(!writing.contains(&lane), "{lane} is written by two");
            writing.push(lane.clone());
            let mut now = self.now.lock().unwrap();
            now.0 += 1;
            now.1 = now.1.max(now.0);
        }
        // Lets the others have their turn.
        for _ in 0..3 {
            let mut first = true;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
        }
        self.now.lock().unwrap().0 -= 1;
        self.policies.lock().unwrap().retain(|writing| *writing != lane);
        self.clouds.perform(bridge, facts, change, outputs).await
    }
}

#[test]
fn several_changes_at_a_time_and_none_before_its_turn() {
    let (bridge, _) = harbour();
    let clouds = Crowded::default();
    let (facts, plan) = (clouds.clouds.facts_now(), clouds.clouds.plan_now(&bridge));
    let (time, told) = (Stopped::default(), Told::default());
    let mut future = pin!(apply(&bridge, &facts, &plan, &clouds, &time, &told));
    let report = loop {
        if let Poll::Ready(report) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            break report.unwrap();
        }
    };
    assert_eq!(report.done, plan.changes);
    let most = clouds.now.lock().unwrap().1;
    assert!((2..=8).contains(&most), "{most}");
    let steps: Vec<String> = told
        .0
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| match event {
            Event::Step { name, .. } => Some(name.clone()),
            _ => None,
        })
        .collect();
    let planned: Vec<String> =
        plan.changes.iter().map(|change| format!("{} {}", change.action.verb(), change.key)).collect();
    assert_eq!(steps.len(), planned.len());
    // The order of the waves is the plan's.
    assert_eq!(steps[..3], planned[..3]);
}
