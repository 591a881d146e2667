//! Whom Google lets through the exchange, in CEL: the provider's attribute mapping and condition.
//!
//! The audience alone would admit everybody in the tenant: Entra gives any application a token for any other unless
//! assignment is required. So the condition names the tenant and every declared identity.
//!
//! `sub` is an object id in an application's own token alone. A person's is pairwise, made for the one application that asks
//! (<https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference>), and nobody knows it beforehand: people
//! are admitted by an app role or a group, never by their subject.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::inventory::Facts;
use crate::spec::{Bridge, Who};

/// Google attribute → CEL expression.
pub fn attribute_mapping(bridge: &Bridge) -> BTreeMap<String, String> {
    let roles = "has(assertion.roles) ? assertion.roles : []";
    // Groups are mapped only if one is declared: the fewer of them travel, the less there is to exceed Google's limit of
    // 8 KB on mapped values.
    let groups = if bridge.identities.iter().any(|identity| matches!(identity.who, Who::Group { .. })) {
        format!("({roles}) + (has(assertion.groups) ? assertion.groups : [])")
    } else {
        roles.to_owned()
    };
    BTreeMap::from([
        ("google.subject".to_owned(), "assertion.sub".to_owned()),
        ("google.groups".to_owned(), groups),
        ("attribute.client_id".to_owned(), "has(assertion.azp) ? assertion.azp : ''".to_owned()),
    ])
}

/// The app role that stands for every caller who is declared by its own id, where a condition that names each of them
/// would be longer than Google takes. Only this bridge's application has it, and only this bridge gives it.
pub const CALLER_ROLE: &str = "Gangplank.Caller";

/// The condition that admits declared identities of the tenant and nobody else.
pub fn attribute_condition(bridge: &Bridge, facts: &Facts) -> String {
    let named = condition(bridge, &subjects(bridge, facts), &groups(bridge));
    if fits(&named) { named } else { by_role(bridge) }
}

/// Whether callers are admitted by [`CALLER_ROLE`], because a condition that names them would be too long.
pub(super) fn admits_by_role(bridge: &Bridge, facts: &Facts) -> bool {
    let subjects = subjects(bridge, facts);
    !subjects.is_empty() && !fits(&condition(bridge, &subjects, &groups(bridge)))
}

fn fits(condition: &str) -> bool {
    condition.chars().count() <= trust::provider::CONDITION_LENGTH
}

fn by_role(bridge: &Bridge) -> String {
    let mut groups = groups(bridge);
    groups.insert(CALLER_ROLE);
    condition(bridge, &BTreeSet::new(), &groups)
}

/// The object ids of everybody who is declared by an id of their own.
fn subjects<'a>(bridge: &Bridge, facts: &'a Facts) -> BTreeSet<&'a str> {
    let own = bridge.identities.iter().filter_map(|identity| match &identity.who {
        Who::ServicePrincipal(id) | Who::ManagedIdentity(id) => facts.principals.get(id),
        Who::AppRole { .. } | Who::Group { .. } => None,
    });
    own.map(|principal| principal.object_id.as_str()).collect()
}

/// Declared app roles and groups.
fn groups(bridge: &Bridge) -> BTreeSet<&str> {
    let shared = bridge.identities.iter().filter_map(|identity| match &identity.who {
        Who::AppRole { role, .. } => Some(role.as_str()),
        Who::Group { id, .. } => Some(id.as_str()),
        Who::ServicePrincipal(_) | Who::ManagedIdentity(_) => None,
    });
    shared.collect()
}

fn condition(bridge: &Bridge, subjects: &BTreeSet<&str>, groups: &BTreeSet<&str>) -> String {
    let mut ways = Vec::new();
    if !subjects.is_empty() {
        let subjects: Vec<String> = subjects.iter().map(|subject| quote(subject)).collect();
        ways.push(format!("assertion.sub in [{}]", subjects.join(", ")));
    }
    ways.extend(groups.iter().map(|group| format!("{} in google.groups", quote(group))));
    // Nobody declared means nobody admitted.
    let anyone = if ways.is_empty() { "false".to_owned() } else { format!("({})", ways.join(" || ")) };
    format!("assertion.tid == {} && {anyone}", quote(&bridge.azure.tenant))
}

/// A CEL string literal. Whatever the text holds, it cannot end the literal.
fn quote(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for character in text.chars() {
        match character {
            '\'' | '\\' => literal.extend(['\\', character]),
            ' '..='~' => literal.push(character),
            // Writing into a string cannot fail.
            other => drop(write!(literal, "\\U{:08x}", u32::from(other))),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted() {
        assert_eq!(quote("a-b"), "'a-b'");
        assert_eq!(quote("' || true || '"), r"'\' || true || \''");
        assert_eq!(quote(r"\"), r"'\\'");
        assert_eq!(quote(r"\'"), r"'\\\''");
        assert_eq!(quote("\n"), r"'\U0000000a'");
        assert_eq!(quote("ü😀"), r"'\U000000fc\U0001f600'");
    }
}
