//! Whom Google lets through the exchange, in CEL: the provider's attribute mapping and condition.
//!
//! The audience alone would admit everybody in the tenant: Entra gives any application a token for any other unless
//! assignment is required. So the condition names the tenant and every declared identity.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::inventory::Facts;
use crate::spec::{Bridge, Who};

/// Google attribute → CEL expression.
pub fn attribute_mapping(bridge: &Bridge) -> BTreeMap<String, String> {
    let roles = "has(assertion.roles) ? assertion.roles : []";
    // Groups are mapped only if one is declared: the fewer of them travel, the less there is to exceed Google's limit of
    // 8 KB on mapped values.
    let groups = if bridge.identities.iter().any(|identity| matches!(identity.who, Who::Group(_))) {
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

/// The condition that admits declared identities of the tenant and nobody else.
pub fn attribute_condition(bridge: &Bridge, facts: &Facts) -> String {
    let mut subjects = BTreeSet::new();
    let mut groups = BTreeSet::new();
    for identity in &bridge.identities {
        match &identity.who {
            Who::ServicePrincipal(id) | Who::ManagedIdentity(id) => {
                subjects.extend(facts.principals.get(id).map(|principal| principal.object_id.as_str()));
            }
            Who::AppRole { role, .. } => drop(groups.insert(role.as_str())),
            Who::Group(id) => drop(groups.insert(id.as_str())),
        }
    }
    let mut ways = Vec::new();
    if !subjects.is_empty() {
        let subjects: Vec<String> = subjects.into_iter().map(quote).collect();
        ways.push(format!("assertion.sub in [{}]", subjects.join(", ")));
    }
    ways.extend(groups.into_iter().map(|group| format!("{} in google.groups", quote(group))));
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
