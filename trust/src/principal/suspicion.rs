//! What looks wrong about a member string, though IAM took it: most such strings are well-formed and mean nobody.

use std::collections::BTreeMap;

use super::{ParsePrincipalError, Principal};

/// What looks wrong about a member string.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Suspicion {
    /// It is no member string.
    #[error(transparent)]
    Malformed(#[from] ParsePrincipalError),
    /// A `*` in a value, where it stands for itself.
    #[error(
        "`*` in `{0}` stands for itself, so only a token with that very value is meant; map an attribute that has the part to compare, and name it whole"
    )]
    LiteralWildcard(String),
    /// The provider maps no such attribute.
    #[error("the provider maps no `attribute.{name}`, only {}", listed(.mapped))]
    UnmappedAttribute {
        /// Without `attribute.`.
        name: String,
        /// What it maps.
        mapped: Vec<String>,
    },
    /// The provider maps no groups.
    #[error("the provider maps no `google.groups`, only {}", listed(.mapped))]
    UnmappedGroups {
        /// What it maps.
        mapped: Vec<String>,
    },
    /// A part of an example that was to be replaced.
    #[error("`{0}` looks like the placeholder of an example, expected a value of your own")]
    Placeholder(String),
    /// Two attributes in one member.
    #[error(
        "`{0}` names a second attribute, and the whole of it is taken for the value of the first; map one attribute that joins both"
    )]
    TwoAttributes(String),
    /// Space or quotes around a value.
    #[error("`{0}` has space or quotes at an end, which are compared as well")]
    Padded(String),
    /// Whom it meant was deleted.
    #[error(
        "whom `{0}` meant was deleted; a new one of that name is another one, and has to be granted anew"
    )]
    Deleted(String),
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What looks wrong about a member string; `mapping` is that of the pool's provider, where it is known.
pub fn suspicions(member: &str, mapping: Option<&BTreeMap<String, String>>) -> Vec<Suspicion> {
    let mut found: Vec<Suspicion> = placeholder(member).map(Suspicion::Placeholder).into_iter().collect();
    let principal = match member.parse::<Principal>() {
        Ok(principal) => principal,
        Err(error) => {
            // A placeholder is why it is malformed.
            if found.is_empty() {
                found.push(Suspicion::Malformed(error));
            }
            return found;
        }
    };
    if let Principal::Deleted(whom) = &principal {
        found.push(Suspicion::Deleted(whom.clone()));
    }
    if let Some(value) = value(&principal) {
        found.extend(about_value(value));
    }
    found.extend(mapping.and_then(|mapping| unmapped(&principal, mapping)));
    found
}

/// The value that is compared with what a token was mapped to.
fn value(principal: &Principal) -> Option<&str> {
    match principal {
        Principal::Subject { subject: value, .. }
        | Principal::FederatedGroup { group: value, .. }
        | Principal::Attribute { value, .. }
        | Principal::Namespace { namespace: value, .. }
        | Principal::Cluster { cluster: value, .. } => Some(value),
        Principal::KubernetesServiceAccount { name, .. } => Some(name),
        Principal::User(_)
        | Principal::ServiceAccount(_)
        | Principal::Group(_)
        | Principal::Domain(_)
        | Principal::Pool { .. }
        | Principal::Deleted(_)
        | Principal::AllUsers
        | Principal::AllAuthenticatedUsers => None,
    }
}

fn about_value(value: &str) -> Vec<Suspicion> {
    let mut found = Vec::new();
    if value.contains('*') {
        found.push(Suspicion::LiteralWildcard(value.to_owned()));
    }
    if value.contains("attribute.") {
        found.push(Suspicion::TwoAttributes(value.to_owned()));
    }
    let padding = |character: char| character.is_whitespace() || "\"'`".contains(character);
    if value.starts_with(padding) || value.ends_with(padding) {
        found.push(Suspicion::Padded(value.to_owned()));
    }
    found
}

fn unmapped(principal: &Principal, mapping: &BTreeMap<String, String>) -> Option<Suspicion> {
    let mapped = || mapping.keys().cloned().collect();
    if let Principal::Attribute { name, .. } = principal
        && !mapping.contains_key(&format!("attribute.{name}"))
    {
        return Some(Suspicion::UnmappedAttribute { name: name.clone(), mapped: mapped() });
    }
    let groups = matches!(principal, Principal::FederatedGroup { .. });
    (groups && !mapping.contains_key("google.groups")).then(|| Suspicion::UnmappedGroups { mapped: mapped() })
}

/// Words that examples have where a value of one's own belongs.
const EXAMPLE_WORDS: [&str; 12] = [
    "OWNER",
    "REPO",
    "ORG",
    "REPLACE_ME",
    "CHANGEME",
    "TODO",
    "PROJECT_ID",
    "PROJECT_NUMBER",
    "POOL_ID",
    "NAMESPACE",
    "KSA_NAME",
    "SUBJECT",
];

/// The first part that looks like a placeholder: `<…>`, `${…}`, `{{…}}`, `YOUR_…`, `OWNER/REPO`.
fn placeholder(member: &str) -> Option<String> {
    for (open, close) in [("${", "}"), ("{{", "}}"), ("<", ">"), ("$(", ")")] {
        let inner = member.split_once(open).and_then(|(_, rest)| rest.split_once(close));
        if let Some((inner, _)) = inner {
            return Some(format!("{open}{inner}{close}"));
        }
    }
    let words =
        member.split(|character: char| !(character.is_ascii_alphanumeric() || "_-".contains(character)));
    words
        .into_iter()
        .find(|word| {
            let upper = word.to_ascii_uppercase().replace('-', "_");
            let shouted = upper == *word && EXAMPLE_WORDS.contains(&upper.as_str());
            shouted || upper.starts_with("YOUR_") || upper.starts_with("MY_ORG") || upper == "REPLACE_ME"
        })
        .map(str::to_owned)
}
