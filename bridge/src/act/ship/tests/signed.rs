//! A base that must be signed, and is not.

use super::world::{World, refusal};
use super::*;
use crate::image::TrustedKey;

const BASE: &str = "host.example/base@sha256:0";

fn ship_on_base(world: &World, key: Option<&str>) -> Result<Shipment, ShipError> {
    let signed_by = Some("cosign.pub".to_owned());
    let runtime = Runtime::Image { image: BASE.to_owned(), port: 9000, signed_by };
    let service = Service { runtime, ..fixture::service() };
    let bridge = fixture::bridge();
    let base_key = key.map(|path| TrustedKey { path: path.to_owned(), pem: "its text".to_owned() });
    let seals = Seals { base_key, ..Seals::default() };
    now(ship(&ShipRequest { seals, ..request(&bridge, &service) }, ports(world)))
}

#[test]
fn a_signed_base_is_built_on() {
    let world = World::new();
    world.0.lock().unwrap().signed.push((BASE.to_owned(), "its text".to_owned()));
    ship_on_base(&world, Some("cosign.pub")).unwrap();
    assert_eq!(world.steps()[..2], ["verify-base", "resolve"]);
}

#[test]
fn nothing_is_read_for_one_that_is_not_signed() {
    for (key, expected) in [
        (Some("cosign.pub"), "nobody signed"),
        (Some("other.pub"), "the key was not read"),
        (None, "the key was not read"),
    ] {
        let world = World::new();
        let error = ship_on_base(&world, key).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ShipError::Unsigned { .. }), "{text}");
        assert!(text.contains("`cosign.pub`") && text.contains(expected), "{text}");
        assert_eq!(world.steps(), ["verify-base"]);
        assert!(world.0.lock().unwrap().images.is_empty());
    }
}

#[test]
fn a_registry_that_does_not_answer_is_no_signature() {
    let world = World::new();
    world.0.lock().unwrap().failures.push(("signed", refusal(Refused::Denied, "no")));
    let error = ship_on_base(&world, Some("cosign.pub")).unwrap_err();
    assert_eq!(error.to_string(), "verify-base: Fake: no");
}

#[test]
fn an_image_is_signed_before_anything_is_deployed_or_not_deployed() {
    let (bridge, service) = (fixture::bridge(), fixture::service());
    let seals = Seals { signing_key: Some(KEY.parse().unwrap()), ..Seals::default() };
    let request = ShipRequest { seals, ..request(&bridge, &service) };
    let world = World::new();
    world.0.lock().unwrap().failures.push(("sign", refusal(Refused::Denied, "no")));
    assert_eq!(now(ship(&request, ports(&world))).unwrap_err().to_string(), "sign: Fake: no");
    assert_eq!(world.steps(), ["resolve", "list-files", "push", "sign"]);
    now(ship(&request, ports(&world))).unwrap();
    let made = world.0.lock().unwrap().signatures.clone();
    assert_eq!(made, [(KEY.to_owned(), None)]);
    // With what is said of it, where that is wished for.
    let request = ShipRequest { seals: Seals { provenance: true, ..request.seals.clone() }, ..request };
    now(ship(&request, ports(&world))).unwrap();
    let (signed, attested) = {
        let state = world.0.lock().unwrap();
        (state.signatures.clone(), state.attested.clone())
    };
    assert_eq!(signed[1], (KEY.to_owned(), Some(attested[0].1.clone())));
    // Also where the registry takes them in no other form.
    world.0.lock().unwrap().takes_no_referrers = true;
    now(ship(&request, ports(&world))).unwrap();
    let state = world.0.lock().unwrap();
    assert_eq!((&state.signatures[2], state.attested.len()), (&signed[1], 1));
    let told = |event: &Event| matches!(event, Event::Notice { text } if text.contains("in their signed form alone"));
    assert!(state.events.iter().any(told));
}
