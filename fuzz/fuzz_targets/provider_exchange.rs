//! `{"provider": …, "claims": …}` through the exchange: mapping and condition are evaluated or refused, never fatal.
//! What the claims leave out is filled in so that they get past issuer, audience and time.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use trust::Claims;
use trust::provider::{Pool, Provider, exchange, validate};

/// Longer input only repeats what shorter input does.
const INPUT_BYTES: usize = 8 * 1024;

/// When the exchange takes place, in seconds.
const NOW: i64 = 1_790_000_000;

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    provider: Provider,
    #[serde(default)]
    claims: Map<String, Value>,
}

fuzz_target!(|text: &str| {
    if text.len() > INPUT_BYTES {
        return;
    }
    let Ok(Input { provider, mut claims }) = serde_json::from_str(text) else { return };
    let _ = validate(&provider);
    fill_in(&mut claims, &provider);
    let now = Timestamp::from_second(NOW).expect("a time after 1970");
    match exchange(&Pool::default(), &provider, &Claims::from_map(claims), now) {
        Ok(mapped) => assert!(mapped.subject.len() <= 127, "a subject that Google would refuse"),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
});

fn fill_in(claims: &mut Map<String, Value>, provider: &Provider) {
    let audience = provider.admitted_audiences().into_iter().next();
    let defaults = [
        ("iss", json!(provider.issuer())),
        ("aud", json!(audience)),
        ("iat", json!(NOW)),
        ("exp", json!(NOW + 3600)),
    ];
    for (name, value) in defaults {
        claims.entry(name).or_insert(value);
    }
}
