//! Microsoft Entra's side of the way back: does an outside token match a federated identity credential, and in which
//! words is it refused if not.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::token::Claims;

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
    /// Compared with `sub`.
    pub subject: String,
    /// Compared with `aud`; exactly one, by rule mostly `api://AzureADTokenExchange`.
    pub audiences: Vec<String>,
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

/// The public issuers of Entra's own tokens.
pub const ENTRA_ISSUERS: [&str; 2] = ["https://login.microsoftonline.com/", "https://sts.windows.net/"];

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
        by_issuer.iter().copied().filter(|one| one.subject == subject).collect();
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
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const NOW: i64 = 1_800_000_000;
    const ISSUER: &str = "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c";
    const SUBJECT: &str = "system:serviceaccount:ci:oncology-ci";
    const AUDIENCE: &str = "api://AzureADTokenExchange";

    fn credential() -> FederatedCredential {
        serde_json::from_value(json!({
            "@odata.type": "#microsoft.graph.federatedIdentityCredential", "id": "1", "name": "ci",
            "issuer": ISSUER, "subject": SUBJECT, "audiences": [AUDIENCE]
        }))
        .unwrap()
    }

    fn assert_match(changes: &Value, credentials: &[FederatedCredential]) -> Result<String, String> {
        let mut claims = json!({
            "iss": ISSUER, "sub": SUBJECT, "aud": [AUDIENCE], "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 3540
        });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = Claims::from_value(claims).unwrap();
        let assertion = Assertion { client: "client-1", claims: &claims, entra_issuers: &ENTRA_ISSUERS };
        let now = Timestamp::from_second(NOW).unwrap();
        match match_assertion(credentials, &assertion, now) {
            Ok(credential) => Ok(credential.name.clone()),
            Err(refusal) => Err(refusal.to_string()),
        }
    }

    #[test]
    fn matches_exactly() {
        assert_eq!(assert_match(&json!({}), &[credential()]), Ok("ci".to_owned()));
        let other = FederatedCredential { name: "other".into(), subject: "x".into(), ..credential() };
        assert_eq!(assert_match(&json!({}), &[other, credential()]), Ok("ci".to_owned()));
    }

    #[test]
    fn refuses_in_entras_words() {
        let check = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. \
                     https://learn.microsoft.com/entra/workload-id/workload-identity-federation";
        let none = "No matching federated identity record found for presented assertion";
        let table = [
            (json!({"iss": format!("{ISSUER}/")}), format!("AADSTS700211: {none} issuer '{ISSUER}/'. {check}")),
            (json!({"sub": "system:serviceaccount:ci:x"}), format!("AADSTS700213: {none} subject 'system:serviceaccount:ci:x'. {check}")),
            (json!({"aud": [ISSUER]}), format!("AADSTS700212: {none} audience '{ISSUER}'. {check}")),
            (json!({"iss": "https://sts.windows.net/t/"}), "AADSTS700222: AAD-issued tokens may not be used for federated identity flows.".into()),
            (
                json!({"exp": NOW - 3600}),
                "AADSTS700024: Client assertion is not within its valid time range. Current time: \
                 2027-01-15T08:00:00.0000000Z, assertion valid from 2027-01-15T07:59:00.0000000Z, expiry time of assertion \
                 2027-01-15T07:00:00.0000000Z. Review the documentation at \
                 https://learn.microsoft.com/entra/identity-platform/certificate-credentials ."
                    .into(),
            ),
            (
                json!({"iat": null}),
                "AADSTS70023: External OIDC Provider token must have a lifetime of less than or equal to 1.01:00:00. Token \
                 issued at 0."
                    .into(),
            ),
            (
                json!({"sub": "system:serviceaccount:CI:oncology-ci"}),
                format!(
                    "AADSTS7002138: {none} subject 'system:serviceaccount:CI:oncology-ci'. The subject matches with \
                     case-insensitive comparison, but not with case-sensitive comparison. Check your federated identity \
                     credential Subject, Audience and Issuer against the presented assertion. See documentation at: \
                     https://learn.microsoft.com/entra/workload-id/workload-identity-federation. See breaking change \
                     notification and remediation at: \
                     https://learn.microsoft.com/en-us/entra/identity-platform/reference-breaking-changes#august-2024."
                ),
            ),
        ];
        for (changes, expected) in table {
            assert_eq!(assert_match(&changes, &[credential()]), Err(expected), "{changes}");
        }
        let none_configured = assert_match(&json!({}), &[]);
        let expected = "AADSTS70025: The client 'client-1' has no configured federated identity credentials.";
        assert_eq!(none_configured, Err(expected.to_owned()));
    }

    proptest! {
        #[test]
        fn never_panics(iss in ".{0,20}", sub in ".{0,20}", iat in any::<i64>(), exp in any::<f64>(), now in -100_000_000_000_i64..100_000_000_000) {
            let claims = Claims::from_value(json!({"iss": iss, "sub": sub, "iat": iat, "exp": exp, "nbf": iat})).unwrap();
            let assertion = Assertion { client: "c", claims: &claims, entra_issuers: &[] };
            let _ = match_assertion(&[credential()], &assertion, Timestamp::from_second(now).unwrap());
        }
    }
}
