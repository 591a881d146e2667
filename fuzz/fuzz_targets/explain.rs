//! Any bytes as an error text, within the time that a text of that length may take.
#![no_main]

use std::time::{Duration, Instant};

use bridge::explain::{READ, explain};
use libfuzzer_sys::fuzz_target;

/// No text that is read takes longer.
const BUDGET: Duration = Duration::from_millis(100);

fuzz_target!(|bytes: &[u8]| {
    let explained = explain(bytes);
    // A busy machine is no fault of the text's: the quickest of some runs counts.
    let took = |_| {
        let begun = Instant::now();
        let _ = explain(bytes);
        begun.elapsed()
    };
    assert!((0..10).map(took).any(|took| took < BUDGET), "over budget: {} bytes", bytes.len());
    assert_eq!(explained.cut, bytes.len() > READ);
    assert_eq!(explained.recognised.is_empty(), explained.causes.is_empty());
    assert!(explained.causes.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence));
    assert!(explained.causes.iter().all(|cause| (0.0..=1.0).contains(&cause.confidence)));
});
