//! Any text as an image's name, a registry, a tag or a digest: what is read is written so that it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::reference::{Endpoint, Reference, Version, is_loopback};

fuzz_target!(|text: &str| {
    if let Ok(reference) = Reference::parse(text) {
        assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
    }
    if let Some(version) = Version::parse(text) {
        assert_eq!(Version::parse(version.as_str()), Some(version));
    }
    if let Ok(endpoint) = Endpoint::parse(text) {
        assert!(!endpoint.host().is_empty());
    }
    let _ = is_loopback(text);
});
