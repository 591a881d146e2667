//! The IAM decision: deny rules first, then what any layer grants.
//! Source: <https://cloud.google.com/iam/docs/policy-types#evaluation>

use super::condition::{Holds, holds};
use super::deny::{Applies, applies};
use super::{Binding, Decision, Layer, Policy, Reason, Request, permissions_of};
use crate::cel::Meter;
use crate::principal::{Caller, Membership};

/// Steps that all conditions of one decision may take together: enough for hundreds of them, and some ten milliseconds.
const STEPS: usize = 100_000;

/// May `caller` use `permission`? `layers` are the resource and its ancestors, each with its allow policy: a grant on any
/// counts. Conditions stay open, and grant nothing; [`evaluate`] decides them.
pub fn decide(layers: &[(&str, &Policy)], caller: &Caller, permission: &str) -> Decision {
    let layers: Vec<Layer<'_>> =
        layers.iter().map(|(resource, policy)| Layer { resource, allow: Some(policy), deny: &[] }).collect();
    evaluate(&layers, &Request { caller, permission, resource: None, now: None })
}

/// May they? `layers` are the resource and its ancestors: a deny on any of them ends it, a grant on any counts.
pub fn evaluate(layers: &[Layer<'_>], request: &Request<'_>) -> Decision {
    // All conditions of a decision share the work that they may make.
    let meter = &mut Meter::new(STEPS);
    let denials: Vec<Reason> = layers.iter().flat_map(|layer| denials(layer, request, meter)).collect();
    let is_denied = |reason: &Reason| matches!(reason, Reason::Denied { .. });
    if denials.iter().any(is_denied) {
        let because = denials.into_iter().filter(is_denied).collect();
        return Decision { allowed: false, settled: true, because };
    }
    let found: Vec<Reason> = layers.iter().flat_map(|layer| grants(layer, request, meter)).collect();
    let is_granted = |reason: &Reason| matches!(reason, Reason::Granted { .. });
    if !found.iter().any(is_granted) {
        let settled = !found.iter().any(Reason::is_open);
        return Decision { allowed: false, settled, because: found };
    }
    let granted = found.into_iter().filter(is_granted);
    let allowed = denials.is_empty();
    Decision { allowed, settled: allowed, because: denials.into_iter().chain(granted).collect() }
}

fn denials(layer: &Layer<'_>, request: &Request<'_>, meter: &mut Meter) -> Vec<Reason> {
    let rules = layer.deny.iter().flat_map(|policy| policy.rules.iter().map(move |rule| (policy, rule)));
    let reasons = rules.filter_map(|(policy, rule)| {
        let resource = layer.resource.to_owned();
        let policy = policy.name.clone();
        match applies(&rule.deny_rule, request, meter) {
            Applies::No => None,
            Applies::Yes { principal, permission } => {
                Some(Reason::Denied { resource, policy, principal, permission })
            }
            Applies::Open { why, .. } => Some(Reason::DenialOpen { resource, policy, why }),
        }
    });
    reasons.collect()
}

fn grants(layer: &Layer<'_>, request: &Request<'_>, meter: &mut Meter) -> Vec<Reason> {
    let bindings = layer.allow.iter().flat_map(|policy| &policy.bindings);
    let reasons: Vec<Reason> =
        bindings.filter_map(|binding| reason(layer.resource, binding, request, meter)).collect();
    if reasons.is_empty() {
        return vec![Reason::NotNamed { resource: layer.resource.to_owned() }];
    }
    reasons
}

/// What a binding says about the caller and the permission; nothing if it is not about the caller.
fn reason(resource: &str, binding: &Binding, request: &Request<'_>, meter: &mut Meter) -> Option<Reason> {
    let (membership, member) = membership(binding, request.caller)?;
    let (resource, role, member) = (resource.to_owned(), binding.role.clone(), member.to_owned());
    let permissions = permissions_of(&role);
    let gives = permissions.as_ref().map(|permissions| permissions.contains(&request.permission));
    match (membership, gives) {
        (Membership::Unknown, Some(false)) | (Membership::No, _) => return None,
        (Membership::Unknown, _) => return Some(Reason::MembershipUnknown { resource, role, member }),
        (Membership::Yes, None) => return Some(Reason::UnknownRole { resource, role }),
        (Membership::Yes, Some(false)) => return Some(Reason::RoleLacks { resource, role, member }),
        (Membership::Yes, Some(true)) => {}
    }
    let Some(condition) = &binding.condition else {
        return Some(Reason::Granted { resource, role, member });
    };
    let named = if condition.title.is_empty() { &condition.expression } else { &condition.title };
    let named = named.clone();
    Some(match holds(condition, request, meter) {
        Holds::Yes => Reason::Granted { resource, role, member },
        Holds::No => Reason::ConditionFalse { resource, role, condition: named },
        Holds::Open(why) => Reason::Conditional { resource, role, condition: named, why },
    })
}

/// The member that means the caller for certain, or else one that may.
fn membership<'a>(binding: &'a Binding, caller: &Caller) -> Option<(Membership, &'a str)> {
    let mut open = None;
    for member in &binding.members {
        match member.parse().map_or(Membership::No, |principal| caller.membership(&principal)) {
            Membership::Yes => return Some((Membership::Yes, member)),
            Membership::Unknown => open = open.or(Some(member.as_str())),
            Membership::No => {}
        }
    }
    open.map(|member| (Membership::Unknown, member))
}
