//! The words in which Google's Security Token Service refuses, exactly as it says them, with what was expected and found.

use std::fmt;

use serde::Serialize;

/// Where an exchange stopped. The order is the order of the walk: all earlier stages held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The request itself: its `audience` parameter names no provider.
    Request,
    /// The pool and provider are there and switched on.
    Live,
    /// `iss` is the provider's issuer.
    Issuer,
    /// The signature is by a key of the issuer. Checked by whoever holds the keys, not here.
    Signature,
    /// `aud` is admitted.
    Audience,
    /// The token is within its time.
    Time,
    /// Every mapped attribute gets a value of the right type.
    Mapping,
    /// The subject fits.
    SubjectSize,
    /// The attribute condition holds.
    Condition,
}

/// A refused exchange: an OAuth error (status 400) and the two values that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Where it stopped.
    pub stage: Stage,
    /// OAuth's `error`.
    pub error: &'static str,
    /// OAuth's `error_description`, in the service's own words.
    pub description: String,
    /// What would have passed.
    pub expected: String,
    /// What was there.
    pub found: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.error, self.description)
    }
}

impl Refusal {
    /// A mapping gave nothing, as opposed to something that does not do.
    pub(super) fn lacks_value(&self) -> bool {
        self.stage == Stage::Mapping
            && self.error == "unauthorized_client"
            && self.description.starts_with("Could not")
    }

    /// The request's `audience` parameter is no provider's resource name.
    pub fn audience_parameter(found: &str) -> Self {
        Self {
            stage: Stage::Request,
            error: "invalid_request",
            description: "Invalid value for \"audience\". This value should be the full resource name of the Identity \
                          Provider. See https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token for the \
                          list of possible formats."
                .to_owned(),
            expected: "//iam.googleapis.com/projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER"
                .to_owned(),
            found: found.to_owned(),
        }
    }

    /// No live provider of that name.
    pub fn no_live_provider(found: impl Into<String>) -> Self {
        Self {
            stage: Stage::Live,
            error: "invalid_target",
            description: "The target service indicated by the \"audience\" parameters is invalid. This might either be \
                          because the pool or provider is disabled or deleted or because it doesn't exist."
                .to_owned(),
            expected: "a pool and a provider that exist and are enabled".to_owned(),
            found: found.into(),
        }
    }

    /// `iss` is another issuer's, or absent.
    pub fn issuer(expected: &str, found: Option<&str>) -> Self {
        let shown = found.unwrap_or("null");
        Self {
            stage: Stage::Issuer,
            error: "invalid_grant",
            description: format!(
                "The issuer in ID Token {shown} does not match the expected one in config: {expected}"
            ),
            expected: expected.to_owned(),
            found: shown.to_owned(),
        }
    }

    /// Google gets no usable key: discovery or key set unreachable or broken, or no key of that `kid`.
    pub fn unusable_keys(found: impl Into<String>) -> Self {
        Self {
            stage: Stage::Signature,
            error: "invalid_grant",
            description: "Error connecting to the given credential's issuer.".to_owned(),
            expected: "a published key with the token's `kid`".to_owned(),
            found: found.into(),
        }
    }

    /// The key is there and the signature is not by it.
    pub fn signature(kid: &str) -> Self {
        Self {
            stage: Stage::Signature,
            error: "invalid_grant",
            description: "Unable to verify the ID Token signature.".to_owned(),
            expected: format!("a signature by the issuer's key `{kid}`"),
            found: "another signature: the token was altered, or the key replaced under the same id"
                .to_owned(),
        }
    }

    /// `aud` is not admitted.
    pub fn audience(admitted: &[String], found: &[&str]) -> Self {
        let shown = found.join(", ");
        Self {
            stage: Stage::Audience,
            error: "invalid_grant",
            description: format!("The audience in ID Token [{shown}] does not match the expected audience."),
            expected: admitted.join(" or "),
            found: if shown.is_empty() { "no audience".to_owned() } else { shown },
        }
    }

    /// Expired, from the future, or without times.
    pub fn stale(issued_at: Option<i64>, expected: String, found: String) -> Self {
        let shown = issued_at.map_or_else(|| "null".to_owned(), |seconds| seconds.to_string());
        Self {
            stage: Stage::Time,
            error: "invalid_grant",
            description: format!("ID Token issued at {shown} is stale to sign-in."),
            expected,
            found,
        }
    }

    /// A mapping gave nothing.
    pub fn no_value(attribute: &str, expression: &str, found: String) -> Self {
        Self {
            stage: Stage::Mapping,
            error: "unauthorized_client",
            description: format!("Could not obtain a value for {attribute} from the given credential."),
            expected: format!("a value for `{attribute}` from `{expression}`"),
            found,
        }
    }

    /// A mapping gave a value of the wrong type.
    pub fn wrong_type(attribute: &str, expression: &str, kind: &str, found: &str) -> Self {
        Self {
            stage: Stage::Mapping,
            error: "unauthorized_client",
            description: format!("The mapped attribute '{attribute}' must be of type {kind}."),
            expected: format!("{kind} from `{expression}`"),
            found: found.to_owned(),
        }
    }

    /// More groups than a token may carry.
    pub fn too_many_groups(count: usize, limit: usize) -> Self {
        Self {
            stage: Stage::Mapping,
            error: "invalid_request",
            description: format!(
                "The current count of {count} mapped attribute google.groups exceeds the {limit} count limit."
            ),
            expected: format!("at most {limit} groups"),
            found: count.to_string(),
        }
    }

    /// All mapped values together are too large.
    pub fn mapped_too_large(size: usize, limit: usize) -> Self {
        Self {
            stage: Stage::Mapping,
            error: "invalid_request",
            // The service's own words are not known; the limit is documented.
            description: format!("The total size of all mapped attributes exceeds the {limit} bytes limit."),
            expected: format!("at most {limit} bytes in all mapped values"),
            found: format!("{size} bytes"),
        }
    }

    /// The subject is too long.
    pub fn subject_too_long(size: usize, limit: usize) -> Self {
        Self {
            stage: Stage::SubjectSize,
            error: "invalid_request",
            description: format!(
                "The size of mapped attribute google.subject exceeds the {limit} bytes limit. Either modify your \
                 attribute mapping or the incoming assertion to produce a mapped attribute that is less than {limit} bytes."
            ),
            expected: format!("at most {limit} bytes"),
            found: format!("{size} bytes"),
        }
    }

    /// The attribute condition is not true of this token.
    pub fn condition(condition: &str, found: String) -> Self {
        Self {
            stage: Stage::Condition,
            error: "unauthorized_client",
            description: "The given credential is rejected by the attribute condition.".to_owned(),
            expected: condition.to_owned(),
            found,
        }
    }
}
