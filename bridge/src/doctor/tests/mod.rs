//! Tables: one broken world, one finding. A world is a sound chain in which one thing is changed.

mod azure;
mod entra;
mod exchange;
mod google;
mod walk;
mod wide;

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

/// Breaks a world in one place.
type Break = fn(&mut World);
