//! Any text as a bridge file: it is read, or every problem has a place inside the text and one line to say.
#![no_main]

use bridge::file::{Spot, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Err(problems) = parse("bridge.yaml", text) else { return };
    assert!(!problems.is_empty(), "a file without problems is not read");
    for problem in &problems {
        assert!(!problem.to_string().is_empty());
        require_inside(text, &problem.spot);
        for (spot, _) in &problem.related {
            require_inside(text, spot);
        }
    }
});

/// Whoever draws the problem slices the text by its span.
fn require_inside(text: &str, spot: &Spot) {
    assert!(text.get(spot.span.clone()).is_some(), "{spot:?} is no place in the text");
    assert!(spot.line >= 1 && spot.column >= 1, "{spot:?}");
}
