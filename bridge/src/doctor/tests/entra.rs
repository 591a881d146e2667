//! The first two hops: what the caller logs in with, and what Entra says to it.

use super::*;

const SUBJECT: &str =
    "AADSTS700213: No matching federated identity record found for presented assertion subject 'a:b'. Check";

/// The finding, its cause, and what Entra says.
const ENTRAS_REFUSALS: [(&str, &str, &[&str]); 15] = [
    (
        "azure/credential-refused",
        "token-expired",
        &["AADSTS7000222: The provided client secret keys for app 'x' are expired."],
    ),
    ("azure/credential-refused", "credential-absent", &["AADSTS7000215: Invalid client secret provided."]),
    (
        "azure/certificate-unknown",
        "credential-source",
        &["AADSTS700027: The certificate with identifier used"],
    ),
    ("azure/certificate-unknown", "token-expired", &["AADSTS700027: [Reason - The key used is expired."]),
    ("azure/no-federated-credential", "issuer-mismatch", &["AADSTS700211: … issuer 'https://i/'."]),
    ("azure/no-federated-credential", "audience-mismatch", &["AADSTS700212: … audience 'x'."]),
    ("azure/no-federated-credential", "literal-mismatch", &[SUBJECT, "AADSTS7002138: … subject 'A:b'."]),
    ("azure/no-federated-credential", "object-missing", &["AADSTS70025: The client 'x' has no configured"]),
    (
        "azure/application-not-in-tenant",
        "object-missing",
        &[
            "AADSTS700016: Application with identifier 'x'",
            "AADSTS7000229: The client application 'x'",
            "AADSTS500011: The resource principal named api://x",
        ],
    ),
    (
        "azure/assignment-required",
        "grant-missing",
        &[
            "AADSTS501051: Application 'x'(y) is not assigned",
            "AADSTS50105: Your administrator has configured the application x ('y') to block users",
        ],
    ),
    (
        "azure/cli-not-admitted",
        "grant-missing",
        &[
            "AADSTS65001: The user or administrator has not consented to use the application with ID 'x'",
            "AADSTS650057: Invalid resource. The client has requested access to a resource which is not listed",
        ],
    ),
    ("azure/conditional-access", "other", &["AADSTS53003: Access has been blocked"]),
    ("azure/managed-identity-not-found", "object-missing", &["Identity not found"]),
    (
        "azure/managed-identity-not-found",
        "credential-source",
        &["Multiple user assigned identities exist, please"],
    ),
    ("azure/wrong-proof", "credential-source", &["AADSTS700222: AAD-issued tokens may not"]),
];

/// Each text, with its finding and cause.
fn entras_refusals() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    ENTRAS_REFUSALS
        .iter()
        .flat_map(|&(code, cause, texts)| texts.iter().map(move |&text| (text, code, cause)))
}

#[test]
fn entras_refusals_have_findings_of_their_own() {
    for (text, code, cause) in entras_refusals() {
        let mut world = World::sound();
        world.refused.push((Hop::EntraToken, error(Refused::Invalid, text)));
        let finding = world.finding();
        assert_eq!((finding.code, finding.cause), (code, cause), "{text}");
        assert!(!finding.mend.is_empty(), "{text}");
    }
    let mut world = World::sound();
    world.refused.push((Hop::EntraToken, error(Refused::Invalid, SUBJECT)));
    assert_eq!(world.finding().found.unwrap().value, "a:b");
    let unquoted = format!(
        "AADSTS7000229: The client application {CLIENT} is missing service principal in the tenant {TENANT}."
    );
    let mut world = World::sound();
    world.refused.push((Hop::EntraToken, error(Refused::Invalid, &unquoted)));
    assert_eq!(world.finding().found.unwrap().value, CLIENT);
}

/// Without a bridge, from the text alone: the same judgement, save where it takes a declaration.
#[test]
fn the_words_alone_come_to_the_same_finding() {
    use crate::exhibit::{Paper, gather};
    let otherwise = [
        ("AADSTS500011", "azure/resource-unknown"),
        // Of another client than the Azure CLI, consent is what is missing.
        ("AADSTS65001", "client/known-by-its-words"),
        ("AADSTS650057", "client/known-by-its-words"),
        // Nothing but the walk of a bridge knows that these words are about its caller.
        ("Identity not found", "client/known-by-its-words"),
        ("Multiple user assigned", "client/known-by-its-words"),
    ];
    for (text, live, cause) in entras_refusals() {
        let other = otherwise.iter().find(|(start, _)| text.starts_with(start));
        let log = format!("2026-11-28T10:00:00Z 'job 7' could not log in: {text}\nTrace ID: 1");
        let report = offline::examine(&gather(&[Paper { name: "job.log", text: &log }]), None).unwrap();
        let finding = &report.findings[0];
        assert_eq!(finding.code, other.map_or(live, |(_, code)| *code), "{text}");
        if other.is_none() {
            assert_eq!(finding.cause, cause, "{text}");
            assert_ne!(finding.found.as_ref().unwrap().value, "job 7", "what others quote is not Entra's");
        }
    }
}

#[test]
fn groups_that_do_not_fit_are_named_where_the_caller_is_known_by_group_alone() {
    let mut world = World::sound();
    world.claims["_claim_names"] = json!({ "groups": "src1" });
    let known = world.diagnosis();
    assert!(!known.is_broken(), "{known:#?}");
    for identity in &mut world.bridge.identities {
        identity.who = crate::spec::Who::Group {
            id: "3ad9fc0b-04fd-47a2-a5e1-6b97f358e410".to_owned(),
            includes_people: false,
        };
    }
    assert_eq!(world.finding().code, "azure/groups-overage");
}

#[test]
fn an_expired_first_token_is_named_before_anything_is_tried() {
    struct Stale(World);
    impl Probe for Stale {
        async fn fetch(&self, ask: &Ask) -> Answer {
            match ask {
                Ask::FirstToken => {
                    let claims = Claims::from_value(json!({"exp": NOW - 10, "sub": "s"}));
                    Answer::FirstToken(Sight::Seen(FirstToken { source: "file".to_owned(), claims }))
                }
                _ => self.0.fetch(ask).await,
            }
        }
    }
    let (bridge, team) = (fixture::bridge(), fixture::team());
    let diagnosis = now(examine(&Walk::declared(&bridge, &team, time()), &Stale(World::sound())));
    assert_eq!(diagnosis.findings[0].code, "azure/assertion-out-of-time");
    assert_eq!(diagnosis.findings[0].cause, "token-expired");
}
