//! Tables: one broken world, one finding. A world is a sound chain in which one thing is changed.

use std::sync::Mutex;

use serde_json::json;
use trust::iam::{Binding, Policy};
use trust::provider::{Oidc, Pool, Provider, State};
use trust::token::Claims;

use super::evidence::{Account, Node, NodePool, Space, Store};
use super::*;
use crate::act::doctor::examine;
use crate::finding::{CODES, Confidence};
use crate::manifest::fixture::{self, CLIENT, NUMBER, TENANT, now};
use crate::port::{PortError, Refused};

const APP: &str = "11111111-2222-3333-4444-555555555555";
const OBJECT: &str = "c3d2e5f4-9d86-403b-9e7a-f42081ac0d03";
const NODE: &str = "nodes@harbour.iam.gserviceaccount.com";
const NOW: i64 = 1_800_000_000;

/// A sound chain, and what is seen of it.
struct World {
    bridge: Bridge,
    claims: serde_json::Value,
    pool: Pool,
    provider: Provider,
    account: Policy,
    repository: Policy,
    project: Policy,
    node: Node,
    space: Space,
    store: Store,
    disabled: bool,
    /// Nothing but attempts can be seen.
    blind: bool,
    /// Refusals of attempts, by the name of the ask, instead of what the configuration gives.
    refused: Vec<(Hop, PortError)>,
    asked: Mutex<Vec<Ask>>,
}

fn member() -> String {
    format!(
        "principal://iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/azure/subject/{OBJECT}"
    )
}

fn pool(name: &str, scope: &str) -> NodePool {
    NodePool { name: name.to_owned(), scopes: vec![format!("https://www.googleapis.com/auth/{scope}")] }
}

fn grant(role: &str, member: String) -> Policy {
    let binding = Binding { role: role.to_owned(), members: vec![member], condition: None };
    Policy { version: 1, etag: "e".to_owned(), bindings: vec![binding] }
}

/// The repository's policy, with what the nodes need.
fn readable(mut policy: Policy) -> Policy {
    policy.bindings.extend(grant("roles/artifactregistry.reader", format!("serviceAccount:{NODE}")).bindings);
    policy
}

fn error(kind: Refused, message: &str) -> PortError {
    PortError {
        service: "Google",
        kind,
        status: Some(403),
        code: None,
        message: message.to_owned(),
        retry_after: None,
    }
}

impl World {
    fn sound() -> Self {
        let issuer = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        let name = format!("projects/{NUMBER}/locations/global/workloadIdentityPools/azure");
        Self {
            bridge: fixture::bridge(),
            claims: json!({
                "aud": APP, "iss": issuer, "tid": TENANT, "sub": OBJECT, "oid": OBJECT, "azp": CLIENT, "ver": "2.0",
                "iat": NOW - 60, "nbf": NOW - 60, "exp": NOW + 3600
            }),
            pool: Pool { name: name.clone(), ..Pool::default() },
            provider: Provider {
                name: format!("{name}/providers/entra"),
                attribute_mapping: [("google.subject".to_owned(), "assertion.sub".to_owned())].into(),
                attribute_condition: format!("assertion.tid == '{TENANT}' && assertion.sub in ['{OBJECT}']"),
                oidc: Some(Oidc {
                    issuer_uri: issuer,
                    allowed_audiences: vec![APP.to_owned()],
                    jwks_json: None,
                }),
                ..Provider::default()
            },
            account: grant("roles/iam.workloadIdentityUser", member()),
            repository: readable(grant("roles/artifactregistry.writer", member())),
            project: Policy::default(),
            node: Node { service_account: NODE.to_owned(), pools: Vec::new() },
            space: Space::default(),
            store: Store::default(),
            disabled: false,
            blind: false,
            refused: Vec::new(),
            asked: Mutex::default(),
        }
    }

    fn claims(&self) -> Claims {
        Claims::from_value(self.claims.clone()).unwrap()
    }

    fn attempt<T>(&self, hop: Hop, or: impl FnOnce() -> Sight<T>) -> Sight<T> {
        let refused = self.refused.iter().find(|(of, _)| *of == hop);
        refused.map_or_else(or, |(_, error)| Sight::Refused(error.clone()))
    }

    fn look<T: Clone>(&self, thing: &T) -> Sight<T> {
        if self.blind {
            return Sight::Unseen { why: "no log-in that may look".to_owned() };
        }
        Sight::Seen(thing.clone())
    }

    /// Whether the policy lets the caller through, as the live service would say it.
    fn granted(&self, policy: &Policy, permission: &str) -> Sight<()> {
        let claims = self.claims();
        let mapped = trust::provider::exchange(&self.pool, &self.provider, &claims, time()).unwrap();
        let pool_resource = self.pool.name.clone();
        let caller = trust::Caller::Federated { pool_resource, mapped };
        if trust::iam::decide(&[("it", policy)], &caller, permission).allowed {
            return Sight::Seen(());
        }
        let text = format!("Permission '{permission}' denied on resource (or it may not exist).");
        Sight::Refused(error(Refused::Denied, &text))
    }

    fn diagnosis(&self) -> Diagnosis {
        let team = fixture::team();
        let walk = Walk::declared(&self.bridge, &team, time());
        now(examine(&walk, self))
    }

    /// The one finding.
    fn finding(&self) -> Finding {
        let mut diagnosis = self.diagnosis();
        assert_eq!(diagnosis.findings.len(), 1, "{diagnosis:#?}");
        let finding = diagnosis.findings.remove(0);
        assert!(CODES.contains(&finding.code), "{} is not listed", finding.code);
        finding
    }
}

fn time() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

impl Probe for World {
    async fn fetch(&self, ask: &Ask) -> Answer {
        self.asked.lock().unwrap().push(ask.clone());
        match ask {
            Ask::FirstToken => Answer::FirstToken(self.attempt(Hop::FirstToken, || {
                Sight::Seen(FirstToken { source: "client secret".to_owned(), claims: None })
            })),
            Ask::EntraToken { scope } => {
                assert_eq!(*scope, format!("api://{TENANT}/gangplank/.default"));
                Answer::EntraToken(self.attempt(Hop::EntraToken, || Sight::Seen(self.claims())))
            }
            Ask::Exchange { .. } => Answer::Exchange(self.attempt(Hop::Exchange, || {
                match trust::provider::exchange(&self.pool, &self.provider, &self.claims(), time()) {
                    Ok(_) => Sight::Seen(()),
                    Err(refusal) => Sight::Refused(PortError {
                        code: Some(refusal.error.to_owned()),
                        status: Some(400),
                        ..error(Refused::Invalid, &refusal.description)
                    }),
                }
            })),
            Ask::Pool { .. } => Answer::Pool(self.look(&self.pool)),
            Ask::Provider { .. } => Answer::Provider(self.look(&self.provider)),
            Ask::Impersonation { .. } => Answer::Impersonation(self.attempt(Hop::Impersonation, || {
                self.granted(&self.account, "iam.serviceAccounts.getAccessToken")
            })),
            Ask::ServiceAccountPolicy { .. } => Answer::ServiceAccountPolicy(self.look(&self.account)),
            Ask::Upload { .. } => Answer::Upload(self.attempt(Hop::Registry, || {
                self.granted(&self.repository, "artifactregistry.repositories.uploadArtifacts")
            })),
            Ask::RepositoryPolicy { .. } => Answer::RepositoryPolicy(self.look(&self.repository)),
            Ask::Cluster { .. } => Answer::Cluster(self.attempt(Hop::Cluster, || Sight::Seen(()))),
            Ask::ServiceAccount { .. } => {
                Answer::ServiceAccount(self.look(&Account { disabled: self.disabled }))
            }
            Ask::ProjectPolicy { .. } => Answer::ProjectPolicy(self.look(&self.project)),
            Ask::Space { .. } => Answer::Space(self.look(&self.space)),
            Ask::Node { .. } => Answer::Node(self.look(&self.node)),
            Ask::Workspace { .. } => {
                Answer::Workspace(self.attempt(Hop::Workspace, || Sight::Seen(self.store.clone())))
            }
            Ask::Storage { .. } => Answer::Storage(self.attempt(Hop::Storage, || Sight::Seen(()))),
        }
    }
}

fn oidc(world: &mut World) -> &mut Oidc {
    world.provider.oidc.as_mut().unwrap()
}

fn commands(finding: &Finding) -> String {
    finding.mend.iter().filter_map(|mend| mend.command.clone()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_sound_chain_has_no_finding() {
    let world = World::sound();
    let diagnosis = world.diagnosis();
    assert!(!diagnosis.is_broken(), "{diagnosis:#?}");
    assert!(diagnosis.hops.iter().all(|hop| hop.outcome == Outcome::Sound), "{diagnosis:#?}");
    let asked = world.asked.lock().unwrap();
    let each: std::collections::BTreeSet<_> = asked.iter().collect();
    assert_eq!(each.len(), asked.len(), "nothing is asked for twice");
}

/// Breaks a world in one place.
type Break = fn(&mut World);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn one_fault_one_finding() {
    let rows: [(Break, &str, Hop); 12] = [
        (
            |w| oidc(w).allowed_audiences = vec!["other".to_owned()],
            "google/audience-not-admitted",
            Hop::Exchange,
        ),
        (
            |w| w.claims["aud"] = json!("https://management.azure.com/"),
            "google/audience-not-admitted",
            Hop::Exchange,
        ),
        (
            |w| {
                w.claims["iss"] = json!(format!("https://sts.windows.net/{TENANT}/"));
                w.claims["ver"] = json!("1.0");
            },
            "google/issuer-differs",
            Hop::Exchange,
        ),
        (
            |w| oidc(w).issuer_uri = format!("https://sts.windows.net/{TENANT}/"),
            "google/issuer-differs",
            Hop::Exchange,
        ),
        (
            |w| w.provider.attribute_condition = "assertion.sub in ['somebody-else']".to_owned(),
            "google/condition-rejects-subject",
            Hop::Exchange,
        ),
        (|w| w.account = Policy::default(), "google/impersonation-not-granted", Hop::Impersonation),
        (
            |w| w.account = grant("roles/iam.workloadIdentityUser", member().replace(OBJECT, "other")),
            "google/impersonation-not-granted",
            Hop::Impersonation,
        ),
        (
            |w| w.repository = readable(Policy::default()),
            "google/repository-write-not-granted",
            Hop::Registry,
        ),
        (
            |w| w.repository = readable(grant("roles/artifactregistry.reader", member())),
            "google/repository-write-not-granted",
            Hop::Registry,
        ),
        (|w| w.pool.state = State::Deleted, "google/provider-not-live", Hop::Exchange),
        (|w| w.claims["exp"] = json!(NOW - 3600), "google/token-out-of-time", Hop::Exchange),
        (
            |w| {
                let text = "Required \"container.clusters.get\" permission(s) for \"projects/harbour\"";
                w.refused.push((Hop::Cluster, error(Refused::Denied, text)));
            },
            "google/cluster-get-not-granted",
            Hop::Cluster,
        ),
    ];
    for (index, (break_it, code, hop)) in rows.into_iter().enumerate() {
        let mut world = World::sound();
        break_it(&mut world);
        let diagnosis = world.diagnosis();
        let codes: Vec<_> = diagnosis.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "row {index}");
        assert!(CODES.contains(&code), "{code} is not listed");
        for report in &diagnosis.hops {
            let expected = match report.hop.cmp(&hop) {
                std::cmp::Ordering::Less => Outcome::Sound,
                std::cmp::Ordering::Equal => Outcome::Broken,
                std::cmp::Ordering::Greater => Outcome::NotReached,
            };
            assert_eq!(report.outcome, expected, "row {index}: {report:?}");
        }
    }
}

const SUBJECT: &str =
    "AADSTS700213: No matching federated identity record found for presented assertion subject 'a:b'. Check";

/// What Entra says, the finding, its cause.
const ENTRAS_REFUSALS: [(&str, &str, &str); 20] = [
    (
        "AADSTS7000222: The provided client secret keys for app 'x' are expired.",
        "azure/credential-refused",
        "token-expired",
    ),
    ("AADSTS7000215: Invalid client secret provided.", "azure/credential-refused", "credential-absent"),
    ("AADSTS700027: The certificate with identifier used", "azure/certificate-unknown", "credential-source"),
    ("AADSTS700027: [Reason - The key used is expired.", "azure/certificate-unknown", "token-expired"),
    ("AADSTS700211: … issuer 'https://i/'.", "azure/no-federated-credential", "issuer-mismatch"),
    ("AADSTS700212: … audience 'x'.", "azure/no-federated-credential", "audience-mismatch"),
    (SUBJECT, "azure/no-federated-credential", "literal-mismatch"),
    ("AADSTS7002138: … subject 'A:b'.", "azure/no-federated-credential", "literal-mismatch"),
    ("AADSTS70025: The client 'x' has no configured", "azure/no-federated-credential", "object-missing"),
    ("AADSTS700016: Application with identifier 'x'", "azure/application-not-in-tenant", "object-missing"),
    ("AADSTS7000229: The client application 'x'", "azure/application-not-in-tenant", "object-missing"),
    (
        "AADSTS500011: The resource principal named api://x",
        "azure/application-not-in-tenant",
        "object-missing",
    ),
    ("AADSTS501051: Application 'x'(y) is not assigned", "azure/assignment-required", "grant-missing"),
    (
        "AADSTS50105: Your administrator has configured the application x ('y') to block users",
        "azure/assignment-required",
        "grant-missing",
    ),
    (
        "AADSTS65001: The user or administrator has not consented to use the application with ID 'x'",
        "azure/cli-not-admitted",
        "grant-missing",
    ),
    (
        "AADSTS650057: Invalid resource. The client has requested access to a resource which is not listed",
        "azure/cli-not-admitted",
        "grant-missing",
    ),
    ("AADSTS53003: Access has been blocked", "azure/conditional-access", "other"),
    ("Identity not found", "azure/managed-identity-not-found", "object-missing"),
    (
        "Multiple user assigned identities exist, please",
        "azure/managed-identity-not-found",
        "credential-source",
    ),
    ("AADSTS700222: AAD-issued tokens may not", "azure/wrong-proof", "credential-source"),
];

#[test]
fn entras_refusals_have_findings_of_their_own() {
    for (text, code, cause) in ENTRAS_REFUSALS {
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

#[test]
fn grants_are_named_exactly_and_no_wider() {
    let mut world = World::sound();
    world.account = grant("roles/iam.workloadIdentityUser", "user:other@example.com".to_owned());
    let finding = world.finding();
    assert_eq!(finding.expected.as_ref().unwrap().value, member());
    assert_eq!(finding.found.as_ref().unwrap().value, "user:other@example.com");
    assert_eq!(
        commands(&finding),
        format!(
            "gangplank apply\ngcloud iam service-accounts add-iam-policy-binding \
             gp-cellar@harbour.iam.gserviceaccount.com --project=harbour --role=roles/iam.workloadIdentityUser \
             --member='{}'",
            member()
        )
    );
    let mut world = World::sound();
    world.repository = Policy::default();
    let finding = world.finding();
    assert_eq!(finding.found.as_ref().unwrap().value, "nobody");
    let command =
        "artifacts repositories add-iam-policy-binding models --project=harbour --location=europe-west4 ";
    assert!(commands(&finding).contains(command));
    world.bridge.google.location = "europe-west4-a".to_owned();
    assert!(commands(&world.finding()).contains(command), "a zone's repository is in its region");
}

#[test]
fn a_right_that_is_not_declared_is_not_proposed() {
    let mut world = World::sound();
    world.bridge.identities[0].may.clear();
    world.account = Policy::default();
    let finding = world.finding();
    assert_eq!(commands(&finding), "");
    assert!(finding.mend[0].what.contains("without `deploy:cellar`"), "{finding:#?}");
}

#[test]
fn blind_it_trusts_the_services_words_less() {
    let rows: [(Break, &str); 5] = [
        (|w| oidc(w).allowed_audiences = vec!["other".to_owned()], "google/audience-not-admitted"),
        (|w| oidc(w).issuer_uri = "https://other/".to_owned(), "google/issuer-differs"),
        (|w| w.provider.attribute_condition = "false".to_owned(), "google/condition-rejects-subject"),
        (|w| w.account = Policy::default(), "google/impersonation-not-granted"),
        (|w| w.repository = Policy::default(), "google/repository-write-not-granted"),
    ];
    for (break_it, code) in rows {
        let mut world = World::sound();
        break_it(&mut world);
        world.blind = true;
        let finding = world.finding();
        assert_eq!(finding.code, code);
        assert_eq!(finding.confidence, Confidence::Likely, "{code}");
        let told = finding.mend.iter().any(|mend| mend.what.contains("roles/iam."));
        assert!(told, "{code}: which right would let us see: {finding:#?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn unexplained_refusals_stay_honest() {
    let denied = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).";
    let rows = [
        (
            Hop::FirstToken,
            error(Refused::Unauthenticated, "no log-in"),
            "azure/first-token-failed",
            "credential-absent",
        ),
        (
            Hop::EntraToken,
            PortError {
                code: Some("AADSTS7000215".to_owned()),
                ..error(Refused::Unauthenticated, "Invalid client secret")
            },
            "azure/credential-refused",
            "credential-absent",
        ),
        (
            Hop::EntraToken,
            error(Refused::Invalid, "AADSTS700211: No matching federated identity record found"),
            "azure/no-federated-credential",
            "issuer-mismatch",
        ),
        (Hop::EntraToken, error(Refused::Invalid, "AADSTS9: who knows"), "azure/entra-token-failed", "other"),
        (
            Hop::Exchange,
            error(Refused::Invalid, "Unable to verify the ID Token signature."),
            "google/issuer-keys-unusable",
            "keys",
        ),
        (Hop::Impersonation, error(Refused::Denied, denied), "google/grant-not-honoured-yet", "propagation"),
        (
            Hop::Impersonation,
            error(
                Refused::Denied,
                "IAM Service Account Credentials API has not been used in project 1 before",
            ),
            "google/api-disabled",
            "api-disabled",
        ),
        (
            Hop::Impersonation,
            error(Refused::NotFound, "Unknown service account."),
            "google/service-account-missing",
            "object-missing",
        ),
        (
            Hop::Registry,
            error(Refused::NotFound, "name unknown"),
            "google/repository-missing",
            "object-missing",
        ),
        (
            Hop::Cluster,
            PortError { status: None, ..error(Refused::Unavailable, "dial tcp: i/o timeout") },
            "google/cluster-failed",
            "network",
        ),
        (
            Hop::Cluster,
            error(Refused::Denied, "deployments.apps is forbidden: User \"gp\" cannot list resource"),
            "kubernetes/namespace-not-granted",
            "grant-missing",
        ),
    ];
    for (hop, error, code, cause) in rows {
        let mut world = World::sound();
        let text = error.message.clone();
        world.refused.push((hop, error));
        let finding = world.finding();
        assert_eq!((finding.code, finding.cause), (code, cause), "{text}");
        if finding.confidence != Confidence::Certain {
            assert_eq!(finding.found.as_ref().unwrap().value, text, "the service's own words");
        }
    }
}

#[test]
fn what_cannot_be_seen_is_no_fault() {
    struct Nothing;
    impl Probe for Nothing {
        async fn fetch(&self, ask: &Ask) -> Answer {
            ask.unseen("not collected")
        }
    }
    let (bridge, team) = (fixture::bridge(), fixture::team());
    let diagnosis = now(examine(&Walk::declared(&bridge, &team, time()), &Nothing));
    assert!(!diagnosis.is_broken());
    assert!(
        diagnosis
            .hops
            .iter()
            .all(|hop| hop.outcome == Outcome::Unseen && hop.detail.contains("not collected"))
    );
}

#[test]
fn a_configuration_alone_can_be_judged() {
    /// Claims and configuration were collected; nothing was tried.
    struct Collected(World);
    impl Probe for Collected {
        async fn fetch(&self, ask: &Ask) -> Answer {
            match ask {
                Ask::EntraToken { .. } | Ask::Pool { .. } | Ask::Provider { .. } => self.0.fetch(ask).await,
                _ => ask.unseen("not collected"),
            }
        }
    }
    let diagnose = |world: World| {
        let (bridge, team) = (fixture::bridge(), fixture::team());
        now(examine(&Walk::declared(&bridge, &team, time()), &Collected(world)))
    };
    assert!(!diagnose(World::sound()).is_broken());
    let mut world = World::sound();
    oidc(&mut world).allowed_audiences = vec!["other".to_owned()];
    assert_eq!(diagnose(world).findings[0].code, "google/audience-not-admitted");
}

#[test]
fn a_probe_that_answers_something_else_is_not_asked_forever() {
    struct Deaf(Mutex<u32>);
    impl Probe for Deaf {
        async fn fetch(&self, _: &Ask) -> Answer {
            *self.0.lock().unwrap() += 1;
            Answer::Cluster(Sight::Seen(()))
        }
    }
    let (bridge, team) = (fixture::bridge(), fixture::team());
    let deaf = Deaf(Mutex::new(0));
    let diagnosis = now(examine(&Walk::declared(&bridge, &team, time()), &deaf));
    assert!(!diagnosis.is_broken());
    assert!(*deaf.0.lock().unwrap() <= 20);
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
    assert_eq!(diagnosis.findings[0].code, "azure/first-token-failed");
    assert_eq!(diagnosis.findings[0].cause, "token-expired");
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_fault_of_the_google_side_has_its_name() {
    let rows: [(Break, &str, &str); 17] = [
        (|w| w.pool.disabled = true, "google/provider-not-live", "object-missing"),
        (|w| w.provider.state = State::Deleted, "google/provider-not-live", "object-missing"),
        (
            |w| w.provider.attribute_mapping = [("google.subject".into(), "assertion.email".into())].into(),
            "google/mapping-unusable",
            "claim-unusable",
        ),
        (
            |w| {
                w.provider.attribute_mapping =
                    [("google.subject".into(), "assertion.sub == 'a'".into())].into();
            },
            "google/mapping-unusable",
            "claim-unusable",
        ),
        (
            |w| {
                let long = format!("'{}' + assertion.sub", "x".repeat(100));
                w.provider.attribute_mapping = [("google.subject".into(), long)].into();
            },
            "google/subject-too-long",
            "limit",
        ),
        (
            |w| {
                let text = "The target service indicated by the \"audience\" parameters is invalid.";
                w.bridge.google.project_number = "1".into();
                w.refused.push((Hop::Exchange, error(Refused::Invalid, text)));
            },
            "google/project-number-differs",
            "resource-name",
        ),
        (
            |w| {
                let text = "The target service indicated by the \"audience\" parameters is invalid.";
                w.refused.push((Hop::Exchange, error(Refused::Invalid, text)));
            },
            "google/provider-not-honoured-yet",
            "propagation",
        ),
        (
            |w| {
                let text = "ID Token issued at 1 is stale to sign-in.";
                w.refused.push((Hop::Exchange, error(Refused::Invalid, text)));
            },
            "google/token-out-of-time",
            "token-expired",
        ),
        (
            |w| {
                oidc(w).jwks_json = Some("{}".into());
                let text = "Error connecting to the given credential's issuer.";
                w.refused.push((Hop::Exchange, error(Refused::Invalid, text)));
            },
            "google/issuer-keys-unusable",
            "keys",
        ),
        (
            |w| {
                w.disabled = true;
                w.refused.push((Hop::Impersonation, error(Refused::Invalid, "Service account is disabled.")));
            },
            "google/service-account-disabled",
            "object-missing",
        ),
        (
            |w| w.account = grant("roles/iam.workloadIdentityUser", member().replace(NUMBER, "harbour")),
            "google/member-names-project-id",
            "resource-name",
        ),
        (
            |w| {
                w.account = grant(
                    "roles/iam.workloadIdentityUser",
                    member().to_uppercase().replace(
                        "PRINCIPAL://IAM.GOOGLEAPIS.COM/PROJECTS",
                        "principal://iam.googleapis.com/projects",
                    ),
                );
            },
            "google/member-differs",
            "literal-mismatch",
        ),
        (
            |w| {
                w.repository =
                    readable(grant("roles/artifactregistry.writer", member().replace("c3d2", "c3d3")));
            },
            "google/member-differs",
            "literal-mismatch",
        ),
        (
            |w| w.repository = grant("roles/artifactregistry.writer", member()),
            "google/node-may-not-pull",
            "grant-missing",
        ),
        (
            |w| w.node.pools = vec![pool("old", "logging.write"), pool("new", "cloud-platform")],
            "google/node-scope-too-narrow",
            "scope",
        ),
        (
            |w| {
                let gone = "deleted:serviceAccount:gp-cellar@harbour.iam.gserviceaccount.com?uid=1";
                w.project = grant("roles/container.clusterViewer", gone.into());
                let text = "Required \"container.clusters.get\" permission(s) for \"projects/harbour\"";
                w.refused.push((Hop::Cluster, error(Refused::Denied, text)));
            },
            "google/grant-names-a-ghost",
            "object-missing",
        ),
        (
            |w| {
                let binding = json!({
                    "metadata": { "name": "gangplank-deployer", "namespace": "cellar" },
                    "subjects": [{ "kind": "User", "name": "somebody@else" }],
                });
                w.space.bindings = vec![serde_json::from_value(binding).unwrap()];
                let text = "deployments.apps is forbidden: User \"gp-cellar@x\" cannot list resource";
                w.refused.push((Hop::Cluster, error(Refused::Denied, text)));
            },
            "kubernetes/binding-names-another",
            "rbac-subject",
        ),
    ];
    for (index, (break_it, code, cause)) in rows.into_iter().enumerate() {
        let mut world = World::sound();
        break_it(&mut world);
        let finding = world.finding();
        assert_eq!((finding.code, finding.cause), (code, cause), "row {index}");
        assert!(!finding.mend.is_empty(), "row {index}");
    }
}

#[test]
fn a_number_as_user_is_a_matter_of_scope() {
    let mut world = World::sound();
    let text = "deployments.apps is forbidden: User \"104815162342\" cannot list resource";
    world.refused.push((Hop::Cluster, error(Refused::Denied, text)));
    let finding = world.finding();
    assert_eq!((finding.code, finding.cause), ("kubernetes/user-is-a-number", "scope"));
}

#[test]
fn the_azure_side_has_its_findings() {
    let rows = [
        (
            Hop::Workspace,
            Refused::Denied,
            "AuthorizationFailed",
            "azure/workspace-read-not-granted",
            "grant-missing",
        ),
        (Hop::Workspace, Refused::NotFound, "ResourceNotFound", "azure/workspace-not-found", "resource-name"),
        (
            Hop::Storage,
            Refused::Denied,
            "AuthorizationPermissionMismatch",
            "azure/storage-role-not-granted",
            "grant-missing",
        ),
        (Hop::Storage, Refused::Denied, "AuthorizationFailure", "azure/storage-network-rules", "network"),
        (
            Hop::Storage,
            Refused::Denied,
            "KeyBasedAuthenticationNotPermitted",
            "azure/shared-key-disabled",
            "shared-key-disabled",
        ),
        (Hop::Storage, Refused::Denied, "Else", "azure/storage-failed", "other"),
    ];
    for (hop, kind, said, code, cause) in rows {
        let mut world = World::sound();
        world.refused.push((hop, PortError { code: Some(said.to_owned()), ..error(kind, "no") }));
        let finding = world.finding();
        assert_eq!((finding.code, finding.cause), (code, cause), "{said}");
    }
}

/// Opens a world somewhere.
type Widen = Box<dyn Fn(&mut World)>;

#[test]
fn what_lets_in_too_much_is_a_warning_although_every_hop_holds() {
    let everybody =
        format!("{}/*", member().split("/subject/").next().unwrap().replace("principal:", "principalSet:"));
    let pods = everybody.replace("/*", "/namespace/team");
    let rows: [(&str, Widen); 7] = [
        ("azure/shared-key-disabled", Box::new(|w| w.store.dead_key = Some("AccountKey".into()))),
        (
            "google/first-party-audience",
            Box::new(|w| oidc(w).allowed_audiences.push("https://management.azure.com/".into())),
        ),
        (
            "google/provider-admits-the-tenant",
            Box::new(|w| w.provider.attribute_condition = format!("assertion.tid == '{TENANT}'")),
        ),
        (
            "google/subject-is-constant",
            Box::new(|w| {
                w.provider.attribute_mapping = [("google.subject".into(), format!("'{OBJECT}'"))].into();
            }),
        ),
        (
            "google/pool-wide-grant",
            Box::new(move |w| {
                w.account
                    .bindings
                    .extend(grant("roles/iam.workloadIdentityUser", everybody.clone()).bindings);
            }),
        ),
        (
            "google/namespace-wide-grant",
            Box::new(move |w| {
                w.repository.bindings.extend(grant("roles/artifactregistry.writer", pods.clone()).bindings);
            }),
        ),
        (
            "google/broad-cluster-role",
            Box::new(|w| {
                let account = "serviceAccount:gp-cellar@harbour.iam.gserviceaccount.com";
                w.project = grant("roles/container.developer", account.into());
            }),
        ),
    ];
    for (code, widen) in rows {
        let mut world = World::sound();
        widen(&mut world);
        let diagnosis = world.diagnosis();
        let codes: Vec<&str> = diagnosis.findings.iter().map(|it| it.code).collect();
        assert_eq!(codes, [code]);
        assert_eq!(diagnosis.findings[0].severity, Severity::Warning, "{code}");
        assert!(!diagnosis.is_broken(), "{code}");
        assert_eq!(diagnosis.hops.iter().filter(|hop| hop.outcome == Outcome::Risky).count(), 1, "{code}");
        assert!(diagnosis.limits.is_empty(), "{code}");
    }
    let mut world = World::sound();
    world.blind = true;
    assert_eq!(world.diagnosis().limits.len(), 4, "what could not be looked at is said");
}

#[test]
fn a_walk_to_one_hop_looks_no_further() {
    let world = World::sound();
    let team = fixture::team();
    let walk = Walk::declared(&world.bridge, &team, time()).until(Some(Hop::Exchange));
    let diagnosis = now(examine(&walk, &world));
    let hops: Vec<Hop> = diagnosis.hops.iter().map(|hop| hop.hop).collect();
    assert_eq!(hops, [Hop::FirstToken, Hop::EntraToken, Hop::Exchange]);
    assert_eq!(world.asked.lock().unwrap().len(), 3);
}
