//! What the doctor says of a workload's way, by what can be seen.

use std::collections::{BTreeMap, BTreeSet};

use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::act::way_back::{Door, knock};
use crate::inventory::{Observed, Shard, State};
use crate::plan::plan;
use crate::port::{Event, Refused, Time, Watch};
use crate::spec::WorkloadRight;
use crate::want::tests::harbour;

const ISSUER: &str =
    "https://container.googleapis.com/v1/projects/harbour-prod/locations/europe-west4/clusters/ship";
const SUBJECT: &str = "system:serviceaccount:wine:reader";
const AUDIENCE: &str = "api://AzureADTokenExchange";

struct World {
    bridge: Bridge,
    facts: Facts,
    inventory: Inventory,
    plan: Plan,
}

/// A workload whose way is set up; `change` spoils what is there.
fn world(change: impl Fn(&mut BTreeMap<ResourceKey, Observed>)) -> World {
    let (mut bridge, mut facts) = harbour();
    bridge.workloads.push(Workload {
        name: "taster".to_owned(),
        team: "cellar".to_owned(),
        service_account: "reader".to_owned(),
        may: BTreeSet::from([WorkloadRight::ReadModels]),
        via: Via::Cluster,
    });
    facts.cluster_issuer = Some(ISSUER.to_owned());
    let shard = Shard {
        client_id: "client".to_owned(),
        principal_id: "principal".to_owned(),
        team: "cellar".to_owned(),
        rights: "read-models".to_owned(),
        credentials: BTreeSet::from(["taster".to_owned()]),
    };
    facts.shards.insert("gp-harbour-1".to_owned(), shard);
    let (wanted, obstacles) = crate::want::wanted(&bridge, &facts);
    let live = |resource: &Resource| {
        let observed = Observed { resource: resource.clone(), marked: true, state: State::Live, holds: None };
        (resource.key(), observed)
    };
    let mut found: BTreeMap<ResourceKey, Observed> = wanted.iter().map(live).collect();
    change(&mut found);
    let inventory = Inventory { found };
    let plan = plan(&bridge, &wanted, obstacles, &inventory);
    World { bridge, facts, inventory, plan }
}

fn way(world: &World, administrator: bool, pod: impl Into<Pod>) -> (WayBack, bool) {
    let workload = world.bridge.workload("taster").unwrap();
    let seen = Seen { facts: &world.facts, inventory: &world.inventory, plan: &world.plan };
    let clouds = if administrator { Ok(seen) } else { Err("no log-in".to_owned()) };
    let team = world.bridge.team("cellar").unwrap();
    let Pod(pod) = pod.into();
    let view = View { bridge: &world.bridge, workload, team, clouds, pod };
    (view.examine(), view.may_come())
}

fn shown(issuer: &str, subject: &str, audience: &str, code: Option<&str>) -> Shown {
    let refusal = |code: &str| PortError {
        service: "Entra ID",
        kind: Refused::Unauthenticated,
        status: Some(401),
        code: Some(code.to_owned()),
        message: format!("{code}: No matching federated identity record found"),
        retry_after: None,
    };
    Shown {
        source: "a file".to_owned(),
        claims: Claims::from_value(json!({"iss": issuer, "sub": subject, "aud": [audience]})),
        answer: Some(code.map_or(Ok(()), |code| Err(refusal(code)))),
        waited: 7,
    }
}

fn codes(way: &WayBack) -> Vec<&'static str> {
    way.findings.iter().map(|finding| finding.code).collect()
}

/// What is seen of the pod.
struct Pod(Result<Shown, String>);

impl From<Shown> for Pod {
    fn from(shown: Shown) -> Self {
        Self(Ok(shown))
    }
}

fn outside() -> Pod {
    Pod(Err("not in the pod".to_owned()))
}

fn credential(found: &mut BTreeMap<ResourceKey, Observed>) -> &mut FederatedCredential {
    let key = ResourceKey("azure/federated-credential/gp-harbour-1/taster".to_owned());
    match &mut found.get_mut(&key).unwrap().resource {
        Resource::FederatedCredential(credential) => credential,
        _ => unreachable!(),
    }
}

#[test]
fn a_sound_way() {
    let (way, may_come) = way(&world(|_| ()), true, shown(ISSUER, SUBJECT, AUDIENCE, None));
    assert_eq!(way.findings, [], "{way:#?}");
    assert!(way.links.iter().all(|link| link.outcome == Outcome::Sound), "{way:#?}");
    assert!(!may_come);
}

#[test]
fn what_is_not_there_is_named() {
    for (missing, code) in [
        ("azure/managed-identity/gp-harbour-1", "azure/workload-not-set-up"),
        ("azure/federated-credential/gp-harbour-1/taster", "azure/federated-credential-missing"),
        ("azure/role/Reader/quay/principal", "azure/workload-role-missing"),
        ("azure/role/Storage Blob Data Reader/quaystore.azureml/principal", "azure/workload-role-missing"),
        ("kubernetes/ServiceAccount/wine/reader", "azure/workload-not-set-up"),
    ] {
        let world = world(|found| {
            found.remove(&ResourceKey(missing.to_owned())).unwrap();
        });
        let (way, _) = way(&world, true, outside());
        assert_eq!(codes(&way), [code], "{missing}");
        assert!(way.findings[0].summary.contains(missing), "{missing}");
    }
}

#[test]
fn a_credential_that_differs_says_in_what() {
    type Spoil = fn(&mut FederatedCredential);
    let cases: [(Spoil, &str, &str, &str); 3] = [
        (|it| it.issuer.push('/'), "issuer", ISSUER, "/clusters/ship/"),
        (|it| it.subject = SUBJECT.to_uppercase(), "subject", SUBJECT, "READER"),
        (|it| it.audiences = vec!["api://other".to_owned()], "audience", AUDIENCE, "api://other"),
    ];
    for (spoil, field, expected, found) in cases {
        let world = world(|all| spoil(credential(all)));
        let (way, _) = way(&world, true, outside());
        assert_eq!(codes(&way), ["azure/federated-credential-differs"], "{field}");
        let finding = &way.findings[0];
        assert!(finding.summary.ends_with(&format!("another {field}")), "{}", finding.summary);
        assert_eq!(finding.expected.as_ref().unwrap().value, expected);
        assert!(finding.found.as_ref().unwrap().value.contains(found), "{finding:?}");
    }
}

/// Entra's words are the same; what differs is not.
#[test]
fn not_yet_and_wrong_are_told_apart() {
    let right = |code| shown(ISSUER, SUBJECT, AUDIENCE, Some(code));
    for administrator in [true, false] {
        for code in NO_MATCH {
            let (way, may_come) = way(&world(|_| ()), administrator, right(code));
            assert_eq!(codes(&way), ["azure/federated-credential-not-honoured-yet"], "{code}");
            assert!(may_come, "{code}");
        }
    }
    let wrong = [
        (shown("https://other", SUBJECT, AUDIENCE, Some("AADSTS700211")), "issuer", "https://other"),
        (
            shown(ISSUER, "system:serviceaccount:wine:default", AUDIENCE, Some("AADSTS700213")),
            "subject",
            "wine:default",
        ),
        (
            shown(ISSUER, SUBJECT, "sts.googleapis.com", Some("AADSTS700212")),
            "audience",
            "sts.googleapis.com",
        ),
    ];
    for (pod, field, found) in wrong {
        for administrator in [true, false] {
            let (way, may_come) = way(&world(|_| ()), administrator, pod.clone());
            assert_eq!(codes(&way), ["azure/workload-token-differs"], "{field}");
            let finding = &way.findings[0];
            assert!(finding.summary.contains(field), "{}", finding.summary);
            assert!(finding.found.as_ref().unwrap().value.contains(found), "{finding:?}");
            assert!(!may_come, "{field}");
        }
    }
}

#[test]
fn waiting_does_not_mend_what_is_not_set_up() {
    let world = world(|found| {
        found.remove(&ResourceKey("azure/federated-credential/gp-harbour-1/taster".to_owned()));
    });
    let (way, may_come) = way(&world, true, shown(ISSUER, SUBJECT, AUDIENCE, Some("AADSTS70025")));
    assert_eq!(codes(&way)[0], "azure/federated-credential-missing");
    assert!(!may_come);
}

#[test]
fn other_refusals_are_repeated() {
    let (way, may_come) = way(&world(|_| ()), false, shown(ISSUER, SUBJECT, AUDIENCE, Some("AADSTS700024")));
    assert_eq!(codes(&way), ["azure/entra-token-failed"]);
    assert!(!may_come);
}

/// Opens after so many knocks; time passes by sleeping.
struct SlowDoor {
    closed: Mutex<u32>,
    now: Mutex<jiff::Timestamp>,
}

impl Door for SlowDoor {
    async fn knock(&self) -> Result<(), PortError> {
        let mut closed = self.closed.lock().unwrap();
        if *closed == 0 {
            return Ok(());
        }
        *closed -= 1;
        match shown(ISSUER, SUBJECT, AUDIENCE, Some("AADSTS70025")).answer {
            Some(answer) => answer,
            None => Ok(()),
        }
    }
}

impl Time for SlowDoor {
    fn now(&self) -> jiff::Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, length: Duration) {
        *self.now.lock().unwrap() += jiff::SignedDuration::try_from(length).unwrap();
    }
}

impl Watch for SlowDoor {
    fn event(&self, _: Event) {}
}

fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

#[test]
fn knocking_has_a_deadline_and_stops_when_it_opens() {
    let world = world(|_| ());
    for (closed, patience, opens, waited) in
        [(0, 0, true, 0), (3, 60, true, 14), (99, 60, false, 60), (1, 0, false, 0)]
    {
        let door = SlowDoor { closed: Mutex::new(closed), now: Mutex::new(jiff::Timestamp::UNIX_EPOCH) };
        let mut shown = shown(ISSUER, SUBJECT, AUDIENCE, None);
        shown.answer = None;
        let workload = world.bridge.workload("taster").unwrap();
        let team = world.bridge.team("cellar").unwrap();
        let clouds = Err("not seen".to_owned());
        let mut view = View { bridge: &world.bridge, workload, team, clouds, pod: Ok(shown) };
        ready(knock(&mut view, &door, Duration::from_secs(patience), &door, &door));
        let shown = view.pod.unwrap();
        assert_eq!((shown.answer.unwrap().is_ok(), shown.waited), (opens, waited), "{closed} {patience}");
    }
}
