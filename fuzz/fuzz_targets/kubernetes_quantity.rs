//! Any text as a Kubernetes quantity: a suffix that multiplies by nothing changes nothing, and more is never less.
#![no_main]

use bridge::quantity::Quantity;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(quantity) = Quantity::parse(text) else { return };
    let zero = Quantity::parse("0");
    assert_eq!(quantity.is_positive(), Some(quantity) > zero, "{quantity:?}");
    assert_eq!(Quantity::parse(&format!("0{text}")), Some(quantity), "a leading zero");
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let thousandfold = Quantity::parse(&format!("{text}k"));
        assert!(thousandfold.is_none_or(|more| more >= quantity), "{text}k is less than {text}");
        assert_eq!(Quantity::parse(&format!("{text}e0")), Some(quantity), "ten to the power of nothing");
    }
});
