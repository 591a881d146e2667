//! `{"policy": …, "deny": […], "caller": …, "permission": …, "names": […], "now": …}` through the IAM decision: read and
//! decided, or no such input; a grant is never given against a deny rule, nor by something that was not decided.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use trust::Caller;
use trust::iam::{DenyPolicy, Layer, Policy, Reason, Request, Resource, evaluate};

#[derive(Deserialize)]
struct Input {
    #[serde(default)]
    policy: Policy,
    #[serde(default)]
    deny: Vec<DenyPolicy>,
    caller: Caller,
    #[serde(default)]
    permission: String,
    #[serde(default)]
    names: Vec<String>,
    now: Option<i64>,
}

fuzz_target!(|text: &str| {
    let Ok(input) = serde_json::from_str::<Input>(text) else { return };
    let resource = Resource { names: input.names, kind: Some(input.permission.clone()), service: None };
    let request = Request {
        caller: &input.caller,
        permission: &input.permission,
        resource: Some(&resource),
        now: input.now,
    };
    let layer = Layer { resource: "it", allow: Some(&input.policy), deny: &input.deny };
    let decision = evaluate(&[layer], &request);
    assert!(!decision.because.is_empty(), "every decision has a reason");
    let has = |wanted: fn(&Reason) -> bool| decision.because.iter().any(wanted);
    if decision.allowed {
        assert!(decision.settled && has(|reason| matches!(reason, Reason::Granted { .. })));
        assert!(!has(|reason| matches!(reason, Reason::Denied { .. } | Reason::DenialOpen { .. })));
    }
    assert!(decision.because.iter().all(|reason| !reason.to_string().is_empty()));
});
