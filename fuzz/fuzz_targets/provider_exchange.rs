//! `{"provider": …, "claims": …, "kid": …, "keys": …}` through the exchange: every stage is told or refused, never fatal.
//! What the claims leave out is filled in so that they get past issuer, audience and time.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use trust::Claims;
use trust::provider::{Pool, Presented, Provider, judge, validate};
use trust::token::Header;

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
    kid: Option<String>,
    keys: Option<Value>,
}

fuzz_target!(|text: &str| {
    if text.len() > INPUT_BYTES {
        return;
    }
    let Ok(Input { provider, mut claims, kid, keys }) = serde_json::from_str(text) else { return };
    let _ = validate(&provider);
    fill_in(&mut claims, &provider);
    let now = Timestamp::from_second(NOW).expect("a time after 1970");
    let header = kid.map(|kid| Header { alg: "RS256".to_owned(), kid: Some(kid), typ: None });
    let claims = Claims::from_map(claims);
    let token = Presented { claims: &claims, header: header.as_ref(), keys: keys.as_ref() };
    let verdict = judge(&Pool::default(), &provider, token, now);
    assert!(!verdict.trace.is_empty());
    match verdict.outcome {
        Ok(mapped) => assert!(mapped.subject.len() <= 127, "a subject that Google would refuse"),
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty());
            assert_eq!(
                verdict.trace.last().map(|step| step.stage),
                Some(refusal.stage),
                "the last stage refuses"
            );
        }
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
