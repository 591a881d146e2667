//! What Google refuses when somebody writes a provider, before any token is seen.

use super::Provider;
use super::keys::fault_of_upload;
use super::mapping::{CONDITION_LENGTH, EXPRESSION_LENGTH, VARIABLES};
use crate::cel;

/// Audiences a provider may list.
const AUDIENCES: usize = 10;
/// Characters of one audience.
const AUDIENCE_LENGTH: usize = 256;
/// Custom attributes a provider may map.
const CUSTOM_ATTRIBUTES: usize = 50;
/// Characters of a custom attribute's name.
const ATTRIBUTE_LENGTH: usize = 100;
/// Characters of a display name.
const DISPLAY_NAME_LENGTH: usize = 32;
/// Characters of a description.
const DESCRIPTION_LENGTH: usize = 256;

/// One thing wrong with a provider: status 400, `INVALID_ARGUMENT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field, as in Google's JSON.
    pub field: String,
    /// What the service says, in its own words where they are known.
    pub description: String,
}

/// Everything Google would refuse about `provider`; empty if it would take it.
pub fn validate(provider: &Provider) -> Vec<Violation> {
    let mut found = Vec::new();
    texts(provider, &mut found);
    issuer(provider, &mut found);
    mapping(provider, &mut found);
    condition(provider, &mut found);
    found
}

fn violation(field: impl Into<String>, description: impl Into<String>) -> Violation {
    Violation { field: field.into(), description: description.into() }
}

fn texts(provider: &Provider, found: &mut Vec<Violation>) {
    if provider.display_name.chars().count() > DISPLAY_NAME_LENGTH {
        found.push(violation("displayName", "display name must be less than or equal to 32 characters"));
    }
    if provider.description.chars().count() > DESCRIPTION_LENGTH {
        found.push(violation("description", "description must be less than or equal to 256 characters"));
    }
}

fn issuer(provider: &Provider, found: &mut Vec<Violation>) {
    let Some(oidc) = &provider.oidc else {
        found.push(violation("oidc", "The provider has no OIDC configuration."));
        return;
    };
    if !oidc.issuer_uri.starts_with("https://") {
        found.push(violation("oidc.issuerUri", "Invalid OIDC issuer URI. The scheme must be https."));
    }
    if oidc.allowed_audiences.len() > AUDIENCES {
        let description =
            format!("The number of allowed audiences must be less than or equal to {AUDIENCES}.");
        found.push(violation("oidc.allowedAudiences", description));
    }
    for audience in &oidc.allowed_audiences {
        if audience.is_empty() || audience.chars().count() > AUDIENCE_LENGTH {
            let description = format!("An allowed audience must have 1 to {AUDIENCE_LENGTH} characters.");
            found.push(violation("oidc.allowedAudiences", description));
        }
    }
    if let Some(fault) = oidc.jwks_json.as_deref().and_then(fault_of_upload) {
        found.push(violation("oidc.jwksJson", fault));
    }
}

fn mapping(provider: &Provider, found: &mut Vec<Violation>) {
    let mapping = &provider.attribute_mapping;
    if !mapping.contains_key("google.subject") {
        found.push(violation("attributeMapping", "The attribute mapping must map google.subject."));
    }
    if mapping.keys().filter(|key| key.starts_with("attribute.")).count() > CUSTOM_ATTRIBUTES {
        let description = format!(
            "The number of custom mapped attributes must be less than or equal to {CUSTOM_ATTRIBUTES}."
        );
        found.push(violation("attributeMapping", description));
    }
    for (key, expression) in mapping {
        let field = format!("attributeMapping.{key}");
        if !known_key(key) {
            let description = format!(
                "Invalid mapped attribute key: {key}. Custom mapped attributes must be in format \
                 'attribute.{{custom_attribute}}'"
            );
            found.push(violation(field, description));
        } else if let Err(problem) = cel::compile(expression, EXPRESSION_LENGTH, &["assertion"]) {
            found.push(violation(field, format!("Invalid attribute mapping for {key}: {problem}.")));
        }
    }
}

/// `google.subject`, `google.groups` or `attribute.NAME`.
fn known_key(key: &str) -> bool {
    if matches!(key, "google.subject" | "google.groups") {
        return true;
    }
    key.strip_prefix("attribute.").is_some_and(|name| {
        let fits = !name.is_empty() && name.len() <= ATTRIBUTE_LENGTH;
        fits && name
            .chars()
            .all(|character| character == '_' || character.is_ascii_digit() || character.is_ascii_lowercase())
    })
}

fn condition(provider: &Provider, found: &mut Vec<Violation>) {
    let condition = &provider.attribute_condition;
    if condition.is_empty() {
        return;
    }
    match cel::compile(condition, CONDITION_LENGTH, &VARIABLES) {
        Err(problem) => {
            found.push(violation("attributeCondition", format!("Invalid attribute condition: {problem}.")));
        }
        Ok(program) if !VARIABLES.iter().any(|name| program.names().variables.contains(*name)) => {
            let description = "The attribute condition must reference one of the provider's claims.";
            found.push(violation("attributeCondition", description));
        }
        Ok(_) => {}
    }
}
