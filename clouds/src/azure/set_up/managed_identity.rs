//! User-assigned managed identities and their federated credentials: found by tag, made, changed, removed.
//!
//! Azure takes one write of a federated credential at a time for each identity, and refuses the others:
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations>. So writes of ours wait for
//! each other, and one that somebody else's got in the way of is made again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azure_core::http::Method;
use bridge::import::Seen;
use bridge::inventory::{Facts, Observed, Shard, State};
use bridge::plan::{Action, Outputs, client_id_of, principal_id_of};
use bridge::port::{PortError, PortResult, Refused};
use bridge::resource::{FederatedCredential, ManagedIdentity, Resource};
use bridge::spec::Bridge;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex as Turn;

use super::MANAGEMENT;
use crate::azure::rest::Rest;
use crate::error;

const API_VERSION: &str = "2023-01-31";

/// Tags of an identity: whose it is, for which team, for what.
const BRIDGE_TAG: &str = "gangplank";
const TEAM_TAG: &str = "gangplank-team";
const RIGHTS_TAG: &str = "gangplank-rights";

/// The code of a write that met another one.
const CONCURRENT: &str = "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity";

/// How often a write that met another one is made in all, and how long it waits first; then twice as long each time.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Whose turn it is to write, by identity.
pub(super) struct Turns {
    taken: Mutex<BTreeMap<String, Arc<Turn<()>>>>,
    first_pause: Duration,
}

impl Default for Turns {
    fn default() -> Self {
        Self::pausing(FIRST_PAUSE)
    }
}

impl Turns {
    /// Pauses this long before a write that met another one is made again.
    pub(super) fn pausing(first_pause: Duration) -> Self {
        Self { taken: Mutex::default(), first_pause }
    }

    fn of(&self, identity: &str) -> Arc<Turn<()>> {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(identity.to_owned()).or_default())
    }

    /// Makes a write, and again if another one was under way.
    async fn write<F: Future<Output = PortResult<()>>>(&self, write: impl Fn() -> F) -> PortResult<()> {
        let mut pause = self.first_pause;
        for _ in 1..ATTEMPTS {
            match Box::pin(write()).await {
                Err(refused) if met_another(&refused) => {
                    tracing::debug!(%refused, ?pause, "another write of this identity's credentials was under way");
                }
                outcome => return outcome,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        // Whoever else is writing takes long; let whoever planned decide.
        Box::pin(write()).await.map_err(|refused| {
            if met_another(&refused) { PortError { kind: Refused::Unavailable, ..refused } } else { refused }
        })
    }
}

/// An identity as Resource Manager shows it.
#[derive(Debug, Clone, Deserialize)]
struct Registered {
    name: String,
    location: String,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    properties: Ids,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ids {
    client_id: String,
    principal_id: String,
}

/// A federated credential as Resource Manager shows it.
#[derive(Debug, Clone, Deserialize)]
struct Held {
    name: String,
    properties: Trust,
}

#[derive(Debug, Clone, Deserialize)]
struct Trust {
    issuer: String,
    subject: String,
    #[serde(default)]
    audiences: Vec<String>,
}

/// The identities of ours, with what they hold.
pub(super) async fn shards(management: &Rest, bridge: &Bridge) -> PortResult<BTreeMap<String, Shard>> {
    let mut shards = BTreeMap::new();
    for identity in all(management, bridge).await?.into_iter().filter(|it| it.is_ours(bridge)) {
        let held = credentials(management, bridge, &identity.name).await?;
        shards.insert(identity.name.clone(), identity.shard(held.into_iter().map(|it| it.name).collect()));
    }
    Ok(shards)
}

/// The identities of ours and those with wanted names, and the credentials of ours.
pub(super) async fn observe(
    management: &Rest,
    bridge: &Bridge,
    wanted: &[Resource],
) -> PortResult<Vec<Observed>> {
    let wanted: BTreeSet<&str> = wanted.iter().filter_map(identity_name).collect();
    let mut observed = Vec::new();
    for identity in all(management, bridge).await? {
        let marked = identity.is_ours(bridge);
        if marked || wanted.contains(identity.name.as_str()) {
            let held = credentials(management, bridge, &identity.name).await?;
            observed.extend(held.into_iter().map(|it| live(it.resource(bridge, &identity.name), marked)));
            observed.push(live(identity.resource(bridge), marked));
        }
    }
    Ok(observed)
}

/// Every identity of the resource group, with its credentials.
pub(super) async fn survey(management: &Rest, bridge: &Bridge) -> PortResult<Vec<Seen>> {
    let mut seen = Vec::new();
    for identity in all(management, bridge).await? {
        let mark = identity.tags.get(BRIDGE_TAG).cloned();
        let held = credentials(management, bridge, &identity.name).await?.into_iter();
        let held = held.map(|it| Seen { resource: it.resource(bridge, &identity.name), mark: mark.clone() });
        seen.extend(held);
        seen.push(Seen { resource: identity.resource(bridge), mark });
    }
    Ok(seen)
}

/// Makes one change to an identity.
pub(super) async fn perform(
    management: &Rest,
    bridge: &Bridge,
    facts: &Facts,
    (action, wanted): (&Action, &ManagedIdentity),
    outputs: &mut Outputs,
) -> PortResult<()> {
    let path = path(&wanted.resource_group, &format!("/{}", wanted.name));
    let found: Option<Registered> = management.find(&path).await?;
    let adopting = matches!(action, Action::Adopt { .. });
    if let Some(found) = found.as_ref().filter(|found| !adopting && !found.is_ours(bridge)) {
        let (name, bridge) = (&found.name, &bridge.name);
        let problem =
            format!("managed identity `{name}` exists and does not carry the tag `gangplank: {bridge}`");
        return Err(error::own(MANAGEMENT, Refused::Conflict, problem));
    }
    if matches!(action, Action::Delete { .. }) {
        return match found {
            Some(_) => management.delete(&path).await,
            None => Ok(()),
        };
    }
    // Others' tags stay; a PUT replaces them all.
    let mut tags = found.as_ref().map(|found| found.tags.clone()).unwrap_or_default();
    tags.insert(BRIDGE_TAG.to_owned(), bridge.name.clone());
    tags.insert(TEAM_TAG.to_owned(), wanted.team.clone());
    tags.insert(RIGHTS_TAG.to_owned(), wanted.rights.clone());
    let location = found.map_or_else(|| facts.region.clone(), |found| found.location);
    let made = management.write(Method::Put, &path, &json!({ "location": location, "tags": tags })).await?;
    let made: Registered = serde_json::from_value(made).map_err(|problem| {
        let problem = format!("the answer is not what is documented: {problem}");
        error::own(MANAGEMENT, Refused::Invalid, problem)
    })?;
    outputs.late.insert(client_id_of(&wanted.name), made.properties.client_id);
    outputs.late.insert(principal_id_of(&wanted.name), made.properties.principal_id);
    Ok(())
}

/// Makes one change to a federated credential, when it is its turn.
pub(super) async fn perform_credential(
    management: &Rest,
    turns: &Turns,
    bridge: &Bridge,
    (action, wanted): (&Action, &FederatedCredential),
    outputs: &Outputs,
) -> PortResult<()> {
    let turn = turns.of(&wanted.identity);
    let _mine = turn.lock().await;
    let identity = path(&wanted.resource_group, &format!("/{}", wanted.identity));
    let found: Option<Registered> = management.find(&identity).await?;
    let path = credential_path(&wanted.resource_group, &wanted.identity, &format!("/{}", wanted.name));
    let gone = matches!(action, Action::Delete { .. });
    match found {
        None if gone => return Ok(()),
        // Made just now, and not known everywhere: the write says the same, and is tried again.
        None => {}
        Some(found) if found.is_ours(bridge) => {}
        Some(found) => {
            let problem = format!("managed identity `{}` is not this bridge's", found.name);
            return Err(error::own(MANAGEMENT, Refused::Conflict, problem));
        }
    }
    if gone {
        return turns.write(|| management.delete(&path)).await;
    }
    let late =
        |unknown: bridge::plan::Unresolved| error::own(MANAGEMENT, Refused::NotFound, unknown.to_string());
    let body = json!({ "properties": {
        "issuer": wanted.issuer,
        "subject": outputs.resolve(&wanted.subject).map_err(late)?,
        "audiences": wanted.audiences,
    } });
    turns.write(|| async { management.write(Method::Put, &path, &body).await.map(drop) }).await
}

fn met_another(refused: &PortError) -> bool {
    refused.code.as_deref() == Some(CONCURRENT) || refused.message.contains(CONCURRENT)
}

async fn all(management: &Rest, bridge: &Bridge) -> PortResult<Vec<Registered>> {
    match management.list(&path(&bridge.resource_group_scope(), "")).await {
        // A subscription that never had an identity may not know the kind.
        Err(refused) if bridge.workloads.is_empty() && !refused.is_transient() => {
            tracing::debug!(%refused, "managed identities cannot be listed, and none are declared");
            Ok(Vec::new())
        }
        outcome => outcome,
    }
}

async fn credentials(management: &Rest, bridge: &Bridge, identity: &str) -> PortResult<Vec<Held>> {
    match management.list(&credential_path(&bridge.resource_group_scope(), identity, "")).await {
        // Deleted since it was listed.
        Err(refused) if refused.kind == Refused::NotFound => Ok(Vec::new()),
        outcome => outcome,
    }
}

fn path(resource_group: &str, rest: &str) -> String {
    format!(
        "{resource_group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities{rest}?api-version={API_VERSION}"
    )
}

fn credential_path(resource_group: &str, identity: &str, rest: &str) -> String {
    path(resource_group, &format!("/{identity}/federatedIdentityCredentials{rest}"))
}

fn identity_name(resource: &Resource) -> Option<&str> {
    match resource {
        Resource::ManagedIdentity(identity) => Some(&identity.name),
        _ => None,
    }
}

fn live(resource: Resource, marked: bool) -> Observed {
    Observed { resource, marked, state: State::Live, holds: None }
}

impl Registered {
    fn is_ours(&self, bridge: &Bridge) -> bool {
        self.tags.get(BRIDGE_TAG) == Some(&bridge.name)
    }

    fn tag(&self, name: &str) -> String {
        self.tags.get(name).cloned().unwrap_or_default()
    }

    fn shard(&self, credentials: BTreeSet<String>) -> Shard {
        Shard {
            client_id: self.properties.client_id.to_ascii_lowercase(),
            principal_id: self.properties.principal_id.to_ascii_lowercase(),
            team: self.tag(TEAM_TAG),
            rights: self.tag(RIGHTS_TAG),
            credentials,
        }
    }

    fn resource(&self, bridge: &Bridge) -> Resource {
        Resource::ManagedIdentity(ManagedIdentity {
            name: self.name.clone(),
            resource_group: bridge.resource_group_scope(),
            team: self.tag(TEAM_TAG),
            rights: self.tag(RIGHTS_TAG),
        })
    }
}

impl Held {
    fn resource(self, bridge: &Bridge, identity: &str) -> Resource {
        Resource::FederatedCredential(FederatedCredential {
            identity: identity.to_owned(),
            resource_group: bridge.resource_group_scope(),
            name: self.name,
            issuer: self.properties.issuer,
            subject: self.properties.subject,
            audiences: self.properties.audiences,
        })
    }
}
