//! Any text as a reference to a model version: what is read is written so that it is read as the same again.
#![no_main]

use bridge::spec::ModelRef;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match ModelRef::parse(text) {
        Ok(reference) => assert_eq!(ModelRef::parse(&reference.to_string()), Ok(reference)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
