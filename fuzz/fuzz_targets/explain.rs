//! Any bytes as an error text, within the time that a text of that length may take.
#![no_main]

use std::time::Duration;

use bridge::explain::{READ, explain};
use libfuzzer_sys::fuzz_target;

/// No text that is read takes longer.
const BUDGET: Duration = Duration::from_millis(100);

/// How long this thread was at work, as Linux counts it.
fn worked() -> Duration {
    let counted = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(counted.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default())
}

fuzz_target!(|bytes: &[u8]| {
    let explained = explain(bytes);
    // Only what this thread worked counts, and the least of some runs: a busy machine is no fault of the text's.
    let took = |_| {
        let before = worked();
        let _ = explain(bytes);
        worked().saturating_sub(before)
    };
    assert!((0..3).map(took).any(|took| took < BUDGET), "over budget: {} bytes", bytes.len());
    assert_eq!(explained.cut, bytes.len() > READ);
    assert_eq!(explained.recognised.is_empty(), explained.causes.is_empty());
    assert!(explained.causes.windows(2).all(|pair| pair[0].confidence >= pair[1].confidence));
    assert!(explained.causes.iter().all(|cause| (0.0..=1.0).contains(&cause.confidence)));
});
