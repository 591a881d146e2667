//! Any text as a registry's `Www-Authenticate` challenge.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::authorizer::Challenge;

fuzz_target!(|text: &str| {
    let Some(challenge) = Challenge::parse(text) else { return };
    assert!(!challenge.scheme.is_empty());
    assert!(challenge.parameters.keys().all(|name| !name.contains('=')));
    let _ = challenge.realm();
});
