//! The act against a world of fakes: the way it goes, every place it can be cut, every way it can be lied to.

mod choose;
mod signed;
mod world;

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use self::world::{Cut, World, refusal};
use super::*;
use crate::image::{ImageError, ImageFacts};
use crate::manifest::fixture::{self, now};
use crate::port::{ObjectKey, ObjectKind, PortError, ProxyReply, Refused};
use crate::shipment::Record;
use crate::spec::VersionRef;

const STEPS: [&str; 10] =
    ["resolve", "list-files", "push", "attest", "sign", "render", "apply", "roll-out", "score", "record"];
/// What is asked of the ports on the way.
const CALLS: [&str; 9] = ["versions", "files", "find", "push", "attest", "sign", "get", "apply", "proxy"];
/// A key that images are signed with.
const KEY: &str = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";

fn run(world: &World) -> Result<Shipment, ShipError> {
    run_with(world, None, VersionRef::Latest)
}

fn run_with(
    world: &World,
    sample: Option<&'static [u8]>,
    version: VersionRef,
) -> Result<Shipment, ShipError> {
    run_service(world, &fixture::service(), sample, version)
}

fn run_service(
    world: &World,
    service: &Service,
    sample: Option<&'static [u8]>,
    version: VersionRef,
) -> Result<Shipment, ShipError> {
    let bridge = fixture::bridge();
    let request = ShipRequest {
        model: ModelRef::in_workspace("Wine_Cultivar", version),
        sample: sample.map(Bytes::from_static),
        ..request(&bridge, service)
    };
    now(ship(&request, ports(world)))
}

/// A request for the model that the service declares.
fn request<'a>(bridge: &'a Bridge, service: &'a Service) -> ShipRequest<'a> {
    ShipRequest {
        bridge,
        service,
        model: service.model.clone(),
        sample: None,
        who: "cellar-ci".to_owned(),
        rollout_deadline: Duration::from_mins(2),
        seals: Seals { provenance: true, base_key: None, signing_key: Some(KEY.parse().unwrap()) },
    }
}

/// A world on every side.
fn ports(world: &World) -> ShipPorts<'_, World, World, World, World, World> {
    ShipPorts { models: world, images: world, cluster: world, time: world, watch: world }
}

fn second_version() -> ModelVersion {
    ModelVersion { version: "2".to_owned(), asset_id: "/models/2".to_owned(), ..fixture::version() }
}

/// What remains of a shipment once times are left out: objects, images, pods.
fn remains(world: &World) -> serde_json::Value {
    let state = world.0.lock().unwrap();
    let mut objects = Vec::new();
    for (key, object) in &state.objects {
        let mut object = object.clone();
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.remove("generation");
        metadata.remove("resourceVersion");
        if key.kind.kind == "ConfigMap" {
            let record = Record::read(&object).unwrap();
            let shown: Vec<_> =
                record.shipments.iter().map(|it| (&it.digest, &it.version, &it.who, &it.urls)).collect();
            object["data"] = json!(shown);
        }
        objects.push(object);
    }
    let images: Vec<_> = state.images.iter().map(|(key, facts)| (key, &facts.digest)).collect();
    let pods: Vec<_> = state.pods.iter().map(|pod| (&pod.image, pod.ready)).collect();
    json!({"objects": objects, "images": images, "pods": pods})
}

#[test]
fn ships_in_named_steps_and_records_it() {
    let world = World::new();
    let shipment = run(&world).unwrap();
    assert_eq!(world.steps(), STEPS);
    assert_eq!((shipment.version.as_str(), shipment.who.as_str()), ("1", "cellar-ci"));
    assert_eq!(
        shipment.urls,
        ["http://10.0.0.7:8080/score", "http://wine.cellar.svc.cluster.local:8080/score"]
    );
    let state = world.0.lock().unwrap();
    assert_eq!(state.asked, [("/".to_owned(), false)]);
    let key = Record::key(&fixture::team(), &fixture::service());
    assert_eq!(Record::read(&state.objects[&key]).unwrap().shipments, [shipment]);
    assert!(state.pods.iter().all(|pod| pod.ready) && state.pods.len() == 2);
}

#[test]
fn shipping_again_changes_nothing() {
    let world = World::new();
    let first = run(&world).unwrap();
    let before = remains(&world);
    let again = run(&world).unwrap();
    assert_eq!(remains(&world), before);
    assert_eq!((again.id, again.when), (first.id, first.when));
}

#[test]
fn a_sample_is_posted_to_score() {
    let world = World::new();
    run_with(&world, Some(b"{}"), VersionRef::Latest).unwrap();
    assert_eq!(world.0.lock().unwrap().asked, [("/score".to_owned(), true)]);
}

#[test]
fn a_second_version_takes_over_without_a_gap() {
    let world = World::new();
    run(&world).unwrap();
    world.0.lock().unwrap().versions.push(second_version());
    world.0.lock().unwrap().serving.clear();
    let shipment = run(&world).unwrap();
    assert_eq!(shipment.version, "2");
    let state = world.0.lock().unwrap();
    assert!(state.serving.iter().all(|serving| *serving >= 2), "{:?}", state.serving);
    assert!(state.pods.iter().all(|pod| pod.image == shipment.image));
    let key = Record::key(&fixture::team(), &fixture::service());
    let versions: Vec<_> =
        Record::read(&state.objects[&key]).unwrap().shipments.into_iter().map(|it| it.version).collect();
    assert_eq!(versions, ["2", "1"]);
}

#[test]
fn cut_anywhere_the_next_run_ends_the_same() {
    let prepared = || {
        let world = World::new();
        run(&world).unwrap();
        let mut state = world.0.lock().unwrap();
        state.versions.push(second_version());
        state.calls = 0;
        state.serving.clear();
        drop(state);
        world
    };
    let whole = prepared();
    run(&whole).unwrap();
    let calls = whole.0.lock().unwrap().calls;
    let expected = remains(&whole);
    assert!(calls > 20, "{calls}");
    for cut in (0..calls).flat_map(|number| [Cut::Before(number), Cut::After(number)]) {
        let world = prepared();
        world.0.lock().unwrap().cut = Some(cut);
        let outcome = run(&world);
        world.0.lock().unwrap().cut = None;
        // Only looks at pods may fail unnoticed.
        if let Ok(shipment) = outcome {
            assert_eq!(shipment.version, "2", "{cut:?}");
        }
        let shipment = run(&world).unwrap_or_else(|error| panic!("{cut:?}: {error}"));
        assert_eq!(shipment.version, "2");
        assert_eq!(remains(&world), expected, "{cut:?}");
        let serving = world.0.lock().unwrap().serving.clone();
        assert!(serving.iter().all(|serving| *serving >= 2), "{cut:?}: {serving:?}");
    }
}

#[test]
fn a_service_that_asks_for_patience_gets_it() {
    let world = World::new();
    let throttled = PortError {
        retry_after: Some(Duration::from_secs(7)),
        ..refusal(Refused::Throttled, "too many requests")
    };
    for call in CALLS {
        world.0.lock().unwrap().failures.push((call, throttled.clone()));
    }
    run(&world).unwrap();
    let state = world.0.lock().unwrap();
    assert_eq!(state.slept.iter().filter(|length| **length == Duration::from_secs(7)).count(), CALLS.len());
    let retries = state.events.iter().filter(|event| matches!(event, Event::Retry { .. })).count();
    assert_eq!(retries, CALLS.len());
}

#[test]
fn a_registry_that_takes_no_provenance_has_the_image_all_the_same() {
    let world = World::new();
    world.0.lock().unwrap().takes_no_referrers = true;
    let (bridge, service) = (fixture::bridge(), fixture::service());
    let request = request(&bridge, &service);
    let seals = Seals { signing_key: None, ..request.seals.clone() };
    now(ship(&ShipRequest { seals, ..request }, ports(&world))).unwrap();
    let state = world.0.lock().unwrap();
    let told = state.events.iter().find_map(|event| match event {
        Event::Notice { text } => Some(text.clone()),
        _ => None,
    });
    assert!(told.unwrap().contains("without SBOM and provenance"));
}

#[test]
fn a_provenance_that_would_carry_a_secret_is_not_put() {
    let world = World::new();
    world.0.lock().unwrap().versions[0].workspace = "https://a:b@c.example/".to_owned();
    let error = run(&world).unwrap_err();
    assert!(matches!(error, ShipError::Render(_)), "{error}");
    assert!(world.0.lock().unwrap().attested.is_empty());
}

#[test]
fn patience_ends() {
    let world = World::new();
    for _ in 0..20 {
        world.0.lock().unwrap().failures.push(("files", refusal(Refused::Unavailable, "down")));
    }
    let error = run(&world).unwrap_err();
    assert!(error.is_transient());
    assert_eq!(error.to_string(), "list-files: Fake: down");
    let seconds: Vec<u64> = world.0.lock().unwrap().slept.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [1, 2, 4, 8]);
}

#[test]
fn a_refusal_is_not_tried_again() {
    for call in CALLS {
        let world = World::new();
        world.0.lock().unwrap().failures.push((call, refusal(Refused::Denied, "no")));
        let error = run(&world).unwrap_err();
        assert!(error.to_string().contains("no") && !error.is_transient(), "{call}: {error}");
        let retried = world.0.lock().unwrap().events.iter().any(|event| matches!(event, Event::Retry { .. }));
        assert!(!retried, "{call}");
    }
}

#[test]
fn new_pods_that_do_not_come_up_leave_the_old_ones() {
    let waiting = |reason: &str, message: &str| json!({"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]});
    let crash = json!({"containerStatuses": [{
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
        "lastState": {"terminated": {"exitCode": 3, "reason": "Error", "message": "no model"}}
    }]});
    let unschedulable = json!({"conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "Insufficient cpu"}
    ]});
    let rows = [
        (waiting("ImagePullBackOff", "403 Forbidden"), "ImagePullBackOff: 403 Forbidden"),
        (crash, "CrashLoopBackOff: back-off 10s (last time: exit code 3 Error no model)"),
        (unschedulable, "Unschedulable: Insufficient cpu"),
    ];
    for (status, expected) in rows {
        let world = World::new();
        run(&world).unwrap();
        world.0.lock().unwrap().versions.push(second_version());
        let image = image_of_second(&world);
        world.0.lock().unwrap().stuck = Some((image, status));
        world.0.lock().unwrap().serving.clear();
        let error = run(&world).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ShipError::RollOut { .. }), "{text}");
        assert!(text.contains(expected) && text.contains("still serves") && text.contains("2 min"), "{text}");
        let state = world.0.lock().unwrap();
        assert!(state.serving.iter().all(|serving| *serving >= 2));
        let told = state.events.iter().any(
            |event| matches!(event, Event::Rollout { waiting: Some(why), .. } if why.contains(expected)),
        );
        assert!(told, "the reason is told while waiting");
        assert_eq!(state.asked.len(), 1, "what is not up is not scored");
    }
}

/// The image that shipping the second version gives.
fn image_of_second(world: &World) -> String {
    let files = world.0.lock().unwrap().files.clone();
    let plan = plan_image(&fixture::bridge(), &fixture::service(), &second_version(), &files).unwrap();
    now(crate::port::ImageStore::push(&World::new(), &plan, world, world)).unwrap().reference
}

#[test]
fn events_speak_where_pods_do_not() {
    let world = World::new();
    let files = world.0.lock().unwrap().files.clone();
    let plan = plan_image(&fixture::bridge(), &fixture::service(), &fixture::version(), &files).unwrap();
    let image = now(crate::port::ImageStore::push(&World::new(), &plan, &world, &world)).unwrap().reference;
    let event = |kind: &str, name: &str, message: &str| {
        json!({"type": kind, "reason": "Unhealthy", "message": message,
            "involvedObject": {"kind": "Pod", "name": name}})
    };
    let warnings = vec![
        event("Normal", "pod-1", "pulled"),
        event("Warning", "other", "other's"),
        event("Warning", "pod-1", "probe failed"),
    ];
    {
        let mut state = world.0.lock().unwrap();
        state.stuck = Some((image, json!({})));
        state.warnings = warnings;
    }
    let text = run(&world).unwrap_err().to_string();
    assert!(text.contains("pod pod-1: Unhealthy: probe failed"), "{text}");
}

#[test]
fn blind_to_pods_it_still_waits_truthfully() {
    let world = World::new();
    for _ in 0..50 {
        world.0.lock().unwrap().failures.push(("list", refusal(Refused::Denied, "no list")));
    }
    run(&world).unwrap();
}

#[test]
fn another_hand_is_noticed() {
    let world = World::new();
    world.0.lock().unwrap().other_hand = Some("host/other@sha256:00".to_owned());
    let error = run(&world).unwrap_err();
    assert!(
        matches!(&error, ShipError::Superseded { image, .. } if image == "host/other@sha256:00"),
        "{error}"
    );
}

#[test]
fn foreign_objects_are_not_touched() {
    let world = World::new();
    let key = ObjectKey {
        kind: ObjectKind { api_version: "v1".to_owned(), kind: "Service".to_owned() },
        namespace: Some("cellar".to_owned()),
        name: "wine".to_owned(),
    };
    let foreign = json!({"kind": "Service", "metadata": {"name": "wine", "labels": {"app": "theirs"}}});
    world.0.lock().unwrap().objects.insert(key.clone(), foreign.clone());
    let error = run(&world).unwrap_err();
    assert!(error.to_string().starts_with("Service `wine` in namespace `cellar` is there"), "{error}");
    let state = world.0.lock().unwrap();
    assert_eq!(state.objects.len(), 1, "nothing is applied");
    assert_eq!(state.objects[&key], foreign);
}

#[test]
fn a_tag_of_something_else_is_not_taken() {
    for annotations in [BTreeMap::new(), BTreeMap::from([(ASSET_ID.to_owned(), "/models/other".to_owned())])]
    {
        let world = World::new();
        let place = ("harbour/models/wine-cultivar-742c5b".to_owned(), "1".to_owned());
        let facts = ImageFacts { digest: "sha256:00".to_owned(), annotations };
        world.0.lock().unwrap().images.insert(place.clone(), facts.clone());
        let error = run(&world).unwrap_err();
        assert!(matches!(error, ShipError::TagTaken { .. }), "{error}");
        assert_eq!(world.0.lock().unwrap().images[&place], facts);
    }
}

#[test]
fn a_secret_in_a_tag_is_not_pushed() {
    let world = World::new();
    let secret = "https://s/?sig=abcdefghijklmnopqrstuvwxyz";
    world.0.lock().unwrap().versions[0].tags.insert("source".to_owned(), secret.to_owned());
    let error = run(&world).unwrap_err();
    assert!(matches!(error, ShipError::Render(_)) && !error.to_string().contains("abcdef"), "{error}");
    assert!(world.0.lock().unwrap().images.is_empty());
}

#[test]
fn a_bad_score_is_told_with_its_first_line() {
    let world = World::new();
    let reply = ProxyReply { status: 400, body: Bytes::from_static(b"\nexpected 13 columns\nmore") };
    world.0.lock().unwrap().answers = vec![reply];
    let text = run_with(&world, Some(b"x"), VersionRef::Latest).unwrap_err().to_string();
    assert_eq!(
        text,
        "service `wine` is up but answered 400 to POST /score with the sample: expected 13 columns"
    );
    assert!(!world.steps().contains(&"record".to_owned()));
}

#[test]
fn endpoints_that_have_not_settled_are_waited_for() {
    let world = World::new();
    let reply = ProxyReply { status: 503, body: Bytes::from_static(b"no endpoints available") };
    world.0.lock().unwrap().answers = vec![reply.clone(), reply];
    run(&world).unwrap();
    assert_eq!(world.0.lock().unwrap().asked.len(), 3);
}

#[test]
fn two_shipments_at_once_lose_no_entry() {
    let world = World::new();
    let first = run(&world).unwrap();
    let key = Record::key(&fixture::team(), &fixture::service());
    let theirs = Shipment { digest: "sha256:theirs".to_owned(), ..first };
    {
        let mut state = world.0.lock().unwrap();
        let mut record = Record::read(&state.objects[&key]).unwrap();
        record.add(theirs);
        let mut object =
            record.config_map(&fixture::bridge(), &fixture::team(), &fixture::service()).unwrap();
        object["metadata"]["generation"] = json!(1);
        object["metadata"]["resourceVersion"] = json!("theirs");
        state.meanwhile = Some(object);
        state.versions.push(second_version());
    }
    let second = run(&world).unwrap();
    let state = world.0.lock().unwrap();
    let digests: Vec<_> =
        Record::read(&state.objects[&key]).unwrap().shipments.into_iter().map(|it| it.digest).collect();
    assert_eq!(digests.len(), 3);
    assert_eq!((&digests[0], digests[1].as_str()), (&second.digest, "sha256:theirs"));
}

#[test]
fn an_unknown_version_and_an_empty_model_change_nothing() {
    let world = World::new();
    let error = run_with(&world, None, VersionRef::Exact("9".to_owned())).unwrap_err().to_string();
    assert!(error.contains("versions of `Wine_Cultivar`: `1`"), "{error}");
    world.0.lock().unwrap().files.clear();
    assert!(matches!(run(&world), Err(ShipError::Image(ImageError::Empty { .. }))));
    let state = world.0.lock().unwrap();
    assert!(state.images.is_empty() && state.objects.is_empty());
}

#[test]
fn the_autoscalers_count_is_kept() {
    let world = World::new();
    run(&world).unwrap();
    let key = objects::deployment_key(&fixture::team(), &fixture::service());
    world.0.lock().unwrap().objects.get_mut(&key).unwrap()["spec"]["replicas"] = json!(4);
    run(&world).unwrap();
    assert_eq!(world.0.lock().unwrap().objects[&key]["spec"]["replicas"], 4);
}

#[test]
fn what_a_service_no_longer_asks_for_goes_and_what_is_not_ours_stays() {
    let world = World::new();
    run(&world).unwrap();
    let kinds = || -> Vec<String> {
        world.0.lock().unwrap().objects.keys().map(|key| key.kind.kind.clone()).collect()
    };
    assert!(kinds().contains(&"HorizontalPodAutoscaler".to_owned()));
    let fixed =
        Service { scaling: crate::spec::Scaling { min: 1, max: 1, cpu_percent: 70 }, ..fixture::service() };
    {
        let mut state = world.0.lock().unwrap();
        let budget =
            state.objects.iter_mut().find(|(key, _)| key.kind.kind == "PodDisruptionBudget").unwrap().1;
        budget["metadata"]["labels"]["app.kubernetes.io/managed-by"] = json!("somebody");
    }
    run_service(&world, &fixed, None, VersionRef::Latest).unwrap();
    assert!(!kinds().contains(&"HorizontalPodAutoscaler".to_owned()));
    assert!(kinds().contains(&"PodDisruptionBudget".to_owned()));
}

#[test]
fn a_shipment_can_move_between_threads() {
    fn sendable<F: Send>(future: F) -> F {
        future
    }
    let (bridge, service, world) = (fixture::bridge(), fixture::service(), World::new());
    now(sendable(ship(&request(&bridge, &service), ports(&world)))).unwrap();
}
