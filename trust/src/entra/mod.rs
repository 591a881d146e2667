//! Microsoft Entra's side of the way back: does an outside token match a federated identity credential, and in which
//! words is it refused if not.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};

use crate::token::{Claims, decode};

mod expression;
mod validate;

pub use expression::ClaimsExpression;
pub use validate::{MOST_CREDENTIALS, validate};

/// The longest life of an assertion: one day and one hour.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(25);
/// How far the assertion's times may be off.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// A federated identity credential, as Microsoft Graph prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FederatedCredential {
    /// Unchangeable name.
    pub name: String,
    /// Compared with `iss`.
    pub issuer: String,
    /// Compared with `sub`; empty where there is an expression.
    #[serde(deserialize_with = "or_empty")]
    pub subject: String,
    /// Compared with `aud`; exactly one, by rule mostly `api://AzureADTokenExchange`.
    pub audiences: Vec<String>,
    /// In place of a subject, for a few issuers.
    #[serde(rename = "claimsMatchingExpression", skip_serializing_if = "Option::is_none")]
    pub expression: Option<ClaimsExpression>,
}

/// An assertion that somebody presents in place of a client secret. Its signature is taken to be verified.
#[derive(Debug, Clone, Copy)]
pub struct Assertion<'a> {
    /// The client id it is presented for.
    pub client: &'a str,
    /// Its claims.
    pub claims: &'a Claims,
    /// What issuers of Entra itself start with, as `https://login.microsoftonline.com/`: their tokens are no assertions.
    pub entra_issuers: &'a [&'a str],
}

/// A refusal by the token endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AadSts {
    /// The number in `error_codes`.
    pub code: u32,
    /// The text after `AADSTS…: `, without trace id and time.
    pub text: String,
}

impl fmt::Display for AadSts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AADSTS{}: {}", self.code, self.text)
    }
}

impl AadSts {
    /// What was presented is no bare token.
    pub fn malformed() -> Self {
        Self { code: 50_027, text: "JWT token is invalid or malformed.".to_owned() }
    }

    /// The assertion was itself had for a federated credential. Its claims do not show that; Entra remembers.
    pub fn chained() -> Self {
        let text = "Token obtained using another federated identity credential may not be used as federated identity \
                    credential.";
        Self { code: 700_231, text: text.to_owned() }
    }

    /// How Entra said until 2023 that no credential matches, whatever part it was that did not.
    pub fn no_record_until_2023(claims: &Claims) -> Self {
        let text = format!(
            "No matching federated identity record found for presented assertion. Assertion Issuer: '{}'. Assertion \
             Subject: '{}'. Assertion Audience: '{}'.",
            claims.issuer().unwrap_or_default(),
            claims.subject().unwrap_or_default(),
            claims.audiences().join(", "),
        );
        Self { code: 70_021, text }
    }
}

/// Null is no text.
fn or_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// The public issuers of Entra's own tokens.
pub const ENTRA_ISSUERS: [&str; 2] = ["https://login.microsoftonline.com/", "https://sts.windows.net/"];

/// The credential that a presented token matches, or Entra's refusal. The signature is taken to be verified.
pub fn match_token<'c>(
    credentials: &'c [FederatedCredential],
    client: &str,
    jwt: &str,
    now: Timestamp,
) -> Result<&'c FederatedCredential, AadSts> {
    let token = decode(jwt).map_err(|_| AadSts::malformed())?;
    let assertion = Assertion { client, claims: &token.claims, entra_issuers: &ENTRA_ISSUERS };
    match_assertion(credentials, &assertion, now)
}

/// The credential that the assertion matches, exactly and case-sensitively, or Entra's refusal.
pub fn match_assertion<'c>(
    credentials: &'c [FederatedCredential],
    assertion: &Assertion<'_>,
    now: Timestamp,
) -> Result<&'c FederatedCredential, AadSts> {
    let claims = assertion.claims;
    let issuer = claims.issuer().unwrap_or_default();
    if assertion.entra_issuers.iter().any(|start| issuer.starts_with(start)) {
        return refuse(700_222, "AAD-issued tokens may not be used for federated identity flows.".to_owned());
    }
    require_time(claims, now)?;
    if credentials.is_empty() {
        let client = assertion.client;
        let text = format!("The client '{client}' has no configured federated identity credentials.");
        return refuse(70_025, text);
    }
    find(credentials, claims, issuer)
}

/// Narrows by issuer, then subject, then audience, and names the first that leaves nothing.
fn find<'c>(
    credentials: &'c [FederatedCredential],
    claims: &Claims,
    issuer: &str,
) -> Result<&'c FederatedCredential, AadSts> {
    let by_issuer: Vec<&FederatedCredential> =
        credentials.iter().filter(|one| one.issuer == issuer).collect();
    if by_issuer.is_empty() {
        return refuse(700_211, no_record("issuer", issuer));
    }
    let subject = claims.subject().unwrap_or_default();
    let by_subject: Vec<&FederatedCredential> =
        by_issuer.iter().copied().filter(|one| admits_subject(one, claims, subject)).collect();
    if by_subject.is_empty() {
        return Err(wrong_subject(&by_issuer, subject));
    }
    let audiences = claims.audiences();
    let admitted = |one: &FederatedCredential| {
        audiences.iter().any(|audience| one.audiences.iter().any(|own| own == audience))
    };
    match by_subject.into_iter().find(|one| admitted(one)) {
        Some(credential) => Ok(credential),
        None => refuse(700_212, no_record("audience", &audiences.join(", "))),
    }
}

/// By the subject itself, or by the expression in its place.
fn admits_subject(credential: &FederatedCredential, claims: &Claims, subject: &str) -> bool {
    match &credential.expression {
        Some(expression) => expression.matches(&credential.issuer, claims),
        None => credential.subject == subject,
    }
}

fn wrong_subject(candidates: &[&FederatedCredential], subject: &str) -> AadSts {
    if candidates.iter().any(|one| one.subject.to_lowercase() == subject.to_lowercase()) {
        let text = format!(
            "No matching federated identity record found for presented assertion subject '{subject}'. The subject matches \
             with case-insensitive comparison, but not with case-sensitive comparison. Check your federated identity \
             credential Subject, Audience and Issuer against the presented assertion. See documentation at: \
             https://learn.microsoft.com/entra/workload-id/workload-identity-federation. See breaking change notification \
             and remediation at: \
             https://learn.microsoft.com/en-us/entra/identity-platform/reference-breaking-changes#august-2024."
        );
        return AadSts { code: 7_002_138, text };
    }
    if candidates.iter().any(|one| one.expression.is_some()) {
        // Of this text only the middle is known.
        let text = no_record("subject", subject).replacen(
            "record found",
            "record or no federated identity credential expression found",
            1,
        );
        return AadSts { code: 7_002_131, text };
    }
    AadSts { code: 700_213, text: no_record("subject", subject) }
}

fn no_record(part: &str, value: &str) -> String {
    format!(
        "No matching federated identity record found for presented assertion {part} '{value}'. Check your federated \
         identity credential Subject, Audience and Issuer against the presented assertion. \
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
    )
}

fn require_time(claims: &Claims, now: Timestamp) -> Result<(), AadSts> {
    let issued_at = claims.issued_at().unwrap_or_default();
    let expires = claims.expires_at().unwrap_or_default();
    let begins = claims.not_before().unwrap_or_default();
    if now.duration_since(expires) > SKEW || begins.duration_since(now) > SKEW {
        let text = format!(
            "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time \
             of assertion {}. Review the documentation at \
             https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
            seven_digits(now),
            seven_digits(begins),
            seven_digits(expires),
        );
        return refuse(700_024, text);
    }
    if expires.duration_since(issued_at) > LONGEST_LIFE {
        let text = format!(
            "External OIDC Provider token must have a lifetime of less than or equal to 1.01:00:00. Token issued at {}.",
            issued_at.as_second()
        );
        return refuse(70_023, text);
    }
    Ok(())
}

/// A time as .NET prints it, with seven digits after the second.
fn seven_digits(time: Timestamp) -> String {
    format!("{time:.7}")
}

fn refuse<T>(code: u32, text: String) -> Result<T, AadSts> {
    Err(AadSts { code, text })
}

#[cfg(test)]
mod tests;
