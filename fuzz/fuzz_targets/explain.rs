//! Any bytes as an error text, within the time that a text of that length may take.
#![no_main]

use std::time::{Duration, Instant};

use bridge::explain::{READ, explain};
use libfuzzer_sys::fuzz_target;

/// No text that is read takes longer.
const BUDGET: Duration = Duration::from_millis(100);

fuzz_target!(|bytes: &[u8]| {
    let begun = Instant::now();
    let explained = explain(bytes);
    let took = begun.elapsed();
    assert!(took < BUDGET, "{took:?} for {} bytes", bytes.len());
    assert_eq!(explained.cut, bytes.len() > READ);
    assert_eq!(explained.recognised.is_empty(), explained.causes.is_empty());
    assert!(explained.causes.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence));
    assert!(explained.causes.iter().all(|cause| (0.0..=1.0).contains(&cause.confidence)));
});
