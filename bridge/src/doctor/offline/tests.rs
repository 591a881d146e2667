//! The order of the walk, and what is said of what was not given.

use super::*;
use crate::exhibit::{Paper, gather};

fn report(papers: &[(&str, &str)]) -> Report {
    let papers: Vec<Paper<'_>> = papers.iter().map(|(name, text)| Paper { name, text }).collect();
    examine(&gather(&papers), None).unwrap()
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

const BRIDGE: &str = include_str!("../../../../cli/tests/bridge.yaml");
const TENANT: &str = "0f3a7c1e-5b52-4c8e-9d1a-6f2b8e4d7a10";

/// What `provider describe` prints of the provider that the bridge declares.
fn provider() -> String {
    format!(
        r#"{{"name": "projects/412907655821/locations/global/workloadIdentityPools/gangplank/providers/entra",
    "attributeMapping": {{"google.subject": "assertion.sub"}}, "attributeCondition": "assertion.tid == '{TENANT}'",
    "oidc": {{"issuerUri": "https://login.microsoftonline.com/{TENANT}/v2.0", "allowedAudiences": ["app"]}}}}"#
    )
}

fn claims(audience: &str) -> String {
    format!(
        r#"{{"iss": "https://login.microsoftonline.com/{TENANT}/v2.0", "aud": "{audience}", "sub": "s", "tid": "{TENANT}",
    "ver": "2.0", "azp": "a1f0c3d2-7b64-4e19-9c58-d20e6f7a8b01"}}"#
    )
}

/// A policy that lets one subject act as a team's account.
fn actor(subject: &str) -> String {
    let pool = "principal://iam.googleapis.com/projects/412907655821/locations/global/workloadIdentityPools/gangplank";
    format!(
        r#"{{"resource": "//iam.googleapis.com/projects/-/serviceAccounts/gp-oncology@harbour-sandbox.iam.gserviceaccount.com",
    "policy": {{"bindings": [{{"role": "roles/iam.workloadIdentityUser", "members": ["{pool}/subject/{subject}"]}}]}}}}"#
    )
}

fn for_team(papers: &[(&str, &str)], team: &str) -> Result<Report, NoSuchTeam> {
    let papers: Vec<Paper<'_>> = papers.iter().map(|(name, text)| Paper { name, text }).collect();
    examine(&gather(&papers), Some(team))
}

#[test]
fn a_bridge_among_the_exhibits_says_what_is_expected() {
    for (audience, subject, code, expected) in [
        ("other", "s", "google/audience-not-admitted", "p.json:3, `oidc.allowedAudiences`"),
        (
            "app",
            "else",
            "google/impersonation-not-granted",
            "bridge.yaml, `identities`: `oncology-ci` may deploy:oncology",
        ),
        ("app", "S", "google/member-differs", "bridge.yaml, `identities`: `oncology-ci`"),
    ] {
        let (provider, claims, policy) = (provider(), claims(audience), actor(subject));
        let papers = [
            ("bridge.yaml", BRIDGE),
            ("p.json", &provider),
            ("t.json", &claims),
            ("sa.json", policy.as_str()),
        ];
        let found = for_team(&papers, "oncology").unwrap();
        let finding = &found.findings[0];
        assert_eq!(finding.code, code, "{found:#?}");
        assert_eq!(finding.confidence, Confidence::Certain, "{code}");
        assert_eq!(finding.expected.as_ref().unwrap().origin, expected);
        assert_eq!(finding.mend[0].command.as_deref(), Some("gangplank apply"), "{code}");
        assert_eq!(found.hops.len(), 9);
    }
}

#[test]
fn what_no_exhibit_shows_could_not_be_seen_and_is_no_fault() {
    let found = for_team(&[("bridge.yaml", BRIDGE)], "oncology").unwrap();
    assert_eq!(found.findings, []);
    assert!(found.hops.iter().all(|hop| hop.outcome == Outcome::Unseen), "{:#?}", found.hops);
    assert!(found.hops[0].detail.contains("no exhibit shows it"));
}

#[test]
fn the_error_text_tells_how_attempts_went() {
    let (provider, claims, policy) = (provider(), claims("app"), actor("s"));
    let text = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
    let papers = [
        ("bridge.yaml", BRIDGE),
        ("p.json", &provider),
        ("t.json", &claims),
        ("sa.json", policy.as_str()),
        ("error.txt", text),
    ];
    let found = for_team(&papers, "oncology").unwrap();
    assert_eq!(found.findings[0].code, "google/grant-not-honoured-yet", "{found:#?}");
    assert_eq!(found.hops[2].outcome, Outcome::Sound);
    assert_eq!(found.hops[3].outcome, Outcome::Broken);
}

#[test]
fn a_team_is_chosen_or_asked_for() {
    assert!(report(&[("bridge.yaml", BRIDGE)]).limits[0].contains("--team"));
    let unknown = for_team(&[("bridge.yaml", BRIDGE)], "nobody").unwrap_err();
    assert!(unknown.to_string().contains("oncology, cellar"), "{unknown}");
    assert_eq!(for_team(&[], "oncology"), Err(NoSuchTeam::NoBridge("oncology".to_owned())));
    let told = report(&[("bridge.yaml", BRIDGE), ("environment.json", r#"{"team": "cellar"}"#)]);
    assert_eq!(told.hops.len(), 9);
}

#[test]
fn what_storage_says_is_judged_as_on_a_live_walk() {
    let permission = "This request is not authorized to perform this operation using this permission.";
    for (text, code) in [
        (permission, "azure/storage-role-not-granted"),
        ("ErrorCode:AuthorizationPermissionMismatch", "azure/storage-role-not-granted"),
        (
            "This request is not authorized to perform this operation.\nErrorCode:AuthorizationFailure",
            "azure/storage-network-rules",
        ),
        ("Key based authentication is not permitted on this storage account.", "azure/shared-key-disabled"),
    ] {
        let log = format!("HttpResponseError: (blob.core.windows.net) {text}");
        let found = report(&[("job.log", &log)]);
        assert_eq!(found.findings[0].code, code, "{text}");
        assert!(!found.findings[0].mend.is_empty(), "{text}: what to do");
    }
    // Assignments that were given say more than the words.
    let given = report(&[
        ("job.log", permission),
        (
            "t.json",
            r#"{"iss": "https://sts.windows.net/t/", "aud": "https://storage.azure.com", "oid": "o"}"#,
        ),
        ("roles.json", r#"[{"principalId": "o", "roleDefinitionName": "Owner", "scope": "/s"}]"#),
    ]);
    assert_eq!(given.findings[0].confidence, Confidence::Certain);
    assert_eq!(given.findings[0].found.as_ref().unwrap().value, "Owner");
}
