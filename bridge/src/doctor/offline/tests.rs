//! The order of the walk, and what is said of what was not given.

use super::*;
use crate::exhibit::{Paper, gather};

fn report(papers: &[(&str, &str)]) -> Report {
    let papers: Vec<Paper<'_>> = papers.iter().map(|(name, text)| Paper { name, text }).collect();
    examine(&gather(&papers))
}

const PROVIDER: &str = r#"{"name": "projects/1/locations/global/workloadIdentityPools/p/providers/a", "state": "ACTIVE",
    "attributeMapping": {"google.subject": "assertion.sub"}, "attributeCondition": "assertion.sub == 'x'",
    "oidc": {"issuerUri": "https://issuer", "allowedAudiences": ["aud"]}}"#;

#[test]
fn nothing_in_nothing_out() {
    let found = report(&[]);
    assert!(!found.is_broken());
    assert_eq!(found.lacking[0].what, "the error text");
}

#[test]
fn a_sound_token_passes_and_the_condition_is_the_last_to_refuse() {
    let claims = |sub: &str| format!("{{\"iss\": \"https://issuer\", \"aud\": \"aud\", \"sub\": \"{sub}\"}}");
    assert!(!report(&[("p.json", PROVIDER), ("t.json", &claims("x"))]).is_broken());
    let found = report(&[("p.json", PROVIDER), ("t.json", &claims("X"))]);
    assert_eq!(found.findings[0].code, "google/condition-rejects-subject");
    assert_eq!(found.findings[0].found.as_ref().unwrap().origin, "t.json:1, `claims.sub`");
}

#[test]
fn the_link_that_the_text_names_is_looked_at_first() {
    let claims = r#"{"iss": "https://other", "aud": "aud", "sub": "x"}"#;
    let docker = r#"{"auths": {}}"#;
    let text = "denied: Unauthenticated request on europe-docker.pkg.dev/p/r/i";
    let found =
        report(&[("p.json", PROVIDER), ("t.json", claims), ("config.json", docker), ("error.txt", text)]);
    assert_eq!(found.findings[0].code, "client/registry-credential-absent");
    let found = report(&[("p.json", PROVIDER), ("t.json", claims), ("config.json", docker)]);
    assert_eq!(found.findings[0].code, "google/issuer-differs");
}
