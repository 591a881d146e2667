//! A line of CEL and the claims to evaluate it on: it has a value or a reason, and never takes more than its steps.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::json;
use trust::Claims;
use trust::provider::{STEPS, attempt};

fuzz_target!(|text: &str| {
    let (expression, claims) = text.split_once('\n').unwrap_or((text, ""));
    let claims = serde_json::from_str(claims).ok().and_then(Claims::from_value);
    let tried = attempt(expression, &claims.unwrap_or_else(sample));
    assert!(tried.steps <= STEPS);
    if let Err(problem) = tried.outcome {
        assert!(!problem.is_empty());
    }
});

/// Claims that most expressions find something in.
fn sample() -> Claims {
    let claims = json!({
        "sub": "repo:harbour/quay:ref:refs/heads/main", "aud": ["a", "b"], "roles": ["Harbour.Deployer"], "tid": "t",
        "iat": 1_790_000_000, "flag": true, "nothing": null, "deep": {"a": {"b": ["c"]}}, "long": "ab".repeat(500),
    });
    Claims::from_value(claims).expect("an object")
}
