//! Google's side of the federation: workload identity pools and providers, what they make of a token's claims, and the
//! words in which the Security Token Service refuses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod administration;
mod attempt;
mod exchange;
mod keys;
mod mapping;
mod refusal;
mod resource_name;
mod validate;
mod verdict;

pub use administration::Hindrance;
pub use attempt::{Attempt, STEPS, attempt};
pub use exchange::{Presented, SKEW_SECONDS, exchange, judge};
pub use mapping::CONDITION_LENGTH;
pub use refusal::{Refusal, Stage};
pub use resource_name::ResourceName;
pub use validate::{Violation, validate};
pub use verdict::{Held, Step, Verdict};

/// Is a pool or provider there, or in its thirty days between delete and gone?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    /// There.
    #[default]
    Active,
    /// Deleted, and can still be undeleted.
    Deleted,
    /// A state this version does not know.
    #[serde(other)]
    StateUnspecified,
}

/// A workload identity pool, as `gcloud iam workload-identity-pools describe --format=json` prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pool {
    /// `projects/NUMBER/locations/global/workloadIdentityPools/POOL`.
    pub name: String,
    /// For people; at most 32 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// For people; at most 256 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// There or deleted.
    pub state: State,
    /// Switched off: no new exchange, tokens already out stay good.
    #[serde(skip_serializing_if = "is_false")]
    pub disabled: bool,
}

/// A provider of a pool, as `gcloud iam workload-identity-pools providers describe --format=json` prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Provider {
    /// `projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER`.
    pub name: String,
    /// For people; at most 32 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// For people; at most 256 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// There or deleted.
    pub state: State,
    /// Switched off.
    #[serde(skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// Google's attribute (`google.subject`) → CEL expression over `assertion`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attribute_mapping: BTreeMap<String, String>,
    /// CEL over `assertion`, `google` and `attribute`; empty admits everybody the issuer knows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub attribute_condition: String,
    /// The issuer it trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc: Option<Oidc>,
}

/// An OpenID Connect issuer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Oidc {
    /// Compared with `iss`, character by character.
    pub issuer_uri: String,
    /// Compared with `aud`. Empty: the provider's full resource name, with or without `https:`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_audiences: Vec<String>,
    /// Keys uploaded by hand, for an issuer that Google cannot reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_json: Option<String>,
}

/// Whom Google makes of a token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapped {
    /// `google.subject`.
    pub subject: String,
    /// `google.groups`.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Custom attributes, without the prefix `attribute.`.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

impl Provider {
    /// The audiences that are admitted, defaults filled in.
    pub fn admitted_audiences(&self) -> Vec<String> {
        let listed = self.oidc.as_ref().map(|oidc| oidc.allowed_audiences.clone()).unwrap_or_default();
        if listed.is_empty() {
            let name = format!("//iam.googleapis.com/{}", self.name);
            return vec![format!("https:{name}"), name];
        }
        listed
    }

    /// The issuer, or nothing for a provider of another sort.
    pub fn issuer(&self) -> &str {
        self.oidc.as_ref().map_or("", |oidc| &oidc.issuer_uri)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests;
