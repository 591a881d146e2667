//! Tables for federated credentials: one line a case, with Entra's exact words.

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

#[test]
fn expressions_match_where_entra_allows_them() {
    const GITHUB: &str = "https://token.actions.githubusercontent.com";
    let flexible = |issuer: &str| {
        serde_json::from_value::<FederatedCredential>(json!({
            "name": "flexible", "issuer": issuer, "subject": null, "audiences": [AUDIENCE],
            "claimsMatchingExpression": {"value": "claims['sub'] matches 'repo:a/*'", "languageVersion": 1}
        }))
        .unwrap()
    };
    let github = |sub: &str| json!({"iss": GITHUB, "sub": sub});
    assert_eq!(assert_match(&github("repo:a/b:x"), &[flexible(GITHUB)]), Ok("flexible".to_owned()));
    let refused = assert_match(&github("repo:b/b:x"), &[flexible(GITHUB)]).unwrap_err();
    assert!(
        refused.starts_with(
            "AADSTS7002131: No matching federated identity record or no federated identity credential expression found"
        ),
        "{refused}"
    );
    let elsewhere = assert_match(&json!({"sub": "repo:a/b:x"}), &[flexible(ISSUER)]).unwrap_err();
    assert!(elsewhere.starts_with("AADSTS7002131: "), "{elsewhere}");
}

#[test]
fn what_is_no_token_is_malformed() {
    let now = Timestamp::from_second(NOW).unwrap();
    for text in ["", "ya29.opaque", "a.b.c", "\"e30.e30.x\""] {
        let refused = match_token(&[credential()], "client-1", text, now).unwrap_err();
        assert_eq!(refused.to_string(), "AADSTS50027: JWT token is invalid or malformed.", "{text}");
    }
    // {"alg":"RS256"} and {}: a token, that has expired.
    let credentials = [credential()];
    let expired = match_token(&credentials, "client-1", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln", now);
    assert_eq!(expired.unwrap_err().code, 700_024);
}

#[test]
fn other_refusals_have_their_words() {
    let claims = Claims::from_value(json!({"iss": "i", "sub": "s", "aud": "a"})).unwrap();
    let table = [
        (
            AadSts::chained(),
            "AADSTS700231: Token obtained using another federated identity credential may not be used as federated identity credential.",
        ),
        (
            AadSts::no_record_until_2023(&claims),
            "AADSTS70021: No matching federated identity record found for presented assertion. Assertion Issuer: 'i'. Assertion Subject: 's'. Assertion Audience: 'a'.",
        ),
    ];
    for (refusal, expected) in table {
        assert_eq!(refusal.to_string(), expected);
    }
}

proptest! {
    #[test]
    fn never_panics(iss in ".{0,20}", sub in ".{0,20}", iat in any::<i64>(), exp in any::<f64>(), now in -100_000_000_000_i64..100_000_000_000) {
        let claims = Claims::from_value(json!({"iss": iss, "sub": sub, "iat": iat, "exp": exp, "nbf": iat})).unwrap();
        let assertion = Assertion { client: "c", claims: &claims, entra_issuers: &[] };
        let _ = match_assertion(&[credential()], &assertion, Timestamp::from_second(now).unwrap());
    }
}
