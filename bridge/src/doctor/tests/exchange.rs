//! The exchange: a provider, a token, and what of them differs.

use super::*;

#[test]
fn a_provider_that_admits_microsofts_own_services_is_named() {
    let mut world = World::sound();
    oidc(&mut world).allowed_audiences = vec!["https://management.azure.com/".to_owned()];
    let finding = world.finding();
    assert_eq!(finding.code, "google/first-party-audience");
    assert_eq!(finding.found.as_ref().unwrap().value, "https://management.azure.com/");
    assert!(!commands(&finding).contains("management.azure.com"), "{finding:#?}");

    world.claims["aud"] = json!("https://management.azure.com/");
    assert_eq!(world.finding().code, "google/first-party-audience", "even if it lets the caller through");
}

#[test]
fn audience_shows_both_values_and_the_one_field_to_set() {
    let mut world = World::sound();
    oidc(&mut world).allowed_audiences = vec!["api://wrong".to_owned()];
    let finding = world.finding();
    assert_eq!(finding.confidence, Confidence::Certain);
    assert_eq!(finding.expected.as_ref().unwrap().value, "api://wrong");
    assert_eq!(finding.found.as_ref().unwrap().value, APP);
    let commands = commands(&finding);
    assert!(commands.starts_with("gangplank apply\n"), "{commands}");
    assert!(commands.contains(&format!("update-oidc entra --project=harbour --location=global --workload-identity-pool=azure --allowed-audiences='{APP}'")), "{commands}");
}

#[test]
fn a_first_party_audience_is_never_admitted() {
    for audience in [
        "https://management.azure.com/",
        "https://graph.microsoft.com",
        "00000003-0000-0000-c000-000000000000",
    ] {
        let mut world = World::sound();
        world.claims["aud"] = json!(audience);
        let commands = commands(&world.finding());
        assert!(!commands.contains("allowed-audiences"), "{commands}");
        assert!(commands.contains("api://"), "{commands}");
    }
}

#[test]
fn issuer_mends_the_side_that_differs_from_the_bridge() {
    let mut old_token = World::sound();
    old_token.claims["iss"] = json!(format!("https://sts.windows.net/{TENANT}/"));
    old_token.claims["ver"] = json!("1.0");
    let text = commands(&old_token.finding());
    assert!(text.contains("requestedAccessTokenVersion\":2") && !text.contains("--issuer-uri"), "{text}");

    let mut old_provider = World::sound();
    oidc(&mut old_provider).issuer_uri = format!("https://sts.windows.net/{TENANT}/");
    let text = commands(&old_provider.finding());
    assert!(
        text.contains(&format!("--issuer-uri='https://login.microsoftonline.com/{TENANT}/v2.0'")),
        "{text}"
    );

    let mut foreign = World::sound();
    foreign.claims["tid"] = json!("another");
    foreign.claims["iss"] = json!("https://login.microsoftonline.com/another/v2.0");
    let text = commands(&foreign.finding());
    assert_eq!(text, format!("az login --tenant {TENANT}"));
}

#[test]
fn a_stranger_is_told_that_turning_it_away_is_right() {
    let mut world = World::sound();
    world.claims["azp"] = json!("stranger");
    world.claims["sub"] = json!("stranger-object");
    let finding = world.finding();
    assert_eq!(finding.code, "google/condition-rejects-subject");
    assert!(finding.mend[1].what.contains("turning it away is right"), "{finding:#?}");
    assert_eq!(commands(&finding), "gangplank apply");
    assert!(finding.found.unwrap().value.contains("sub = stranger-object"));
}

#[test]
fn a_role_holder_without_the_role_is_told_so() {
    let mut world = World::sound();
    world.claims["azp"] = json!("taster");
    let finding = {
        world.account = Policy::default();
        world.finding()
    };
    assert_eq!(finding.code, "google/impersonation-not-granted");
    assert_eq!(finding.expected.as_ref().unwrap().value, "a token with the role `Cellar.Taster`");
    world.claims["roles"] = json!(["Cellar.Taster"]);
    let finding = world.finding();
    assert!(finding.expected.as_ref().unwrap().value.ends_with("/group/Cellar.Taster"), "{finding:#?}");
}
