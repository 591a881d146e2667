//! Both clouds, in memory: they refuse what comes too early, and fail on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::inventory::{ApplicationIds, Facts, Inventory, Observed, Shard, State};
use crate::plan::{
    Action, Change, Missing, Need, Outputs, Plan, client_id_of, plan, principal_id_of, unique_id_of,
};
use crate::port::{PortError, PortResult, Refused, SetUp};
use crate::resource::{GrantTarget, Resource, ResourceKey, RoleAssignment};
use crate::spec::Bridge;
use crate::want::tests::harbour;
use crate::want::wanted;

/// What happens to one call of `perform`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fault {
    /// Refused, and nothing was done.
    Before(Refused),
    /// Done, but the answer says it was not.
    After(Refused),
    /// Done, and the answer never comes: the process is killed here.
    KilledAfter,
    /// Nothing is done, and no answer ever comes.
    KilledBefore,
}

/// Both clouds, in memory. They refuse what comes before that which it refers to.
#[derive(Default)]
pub(super) struct Clouds {
    pub(super) live: Mutex<BTreeMap<ResourceKey, Resource>>,
    deleted: Mutex<BTreeMap<ResourceKey, Resource>>,
    faults: Mutex<BTreeMap<usize, Fault>>,
    pub(super) calls: Mutex<usize>,
}

pub(super) const APPLICATION_ID: &str = "11111111-2222-4333-8444-555555555555";

impl Clouds {
    pub(super) fn failing(faults: impl IntoIterator<Item = (usize, Fault)>) -> Self {
        Self { faults: Mutex::new(faults.into_iter().collect()), ..Self::default() }
    }

    pub(super) fn facts_now(&self) -> Facts {
        let (_, mut facts) = harbour();
        let live = self.live.lock().unwrap();
        let has = |name: &str| live.keys().any(|key| key.0.starts_with(name));
        facts.application = has("entra/application").then(|| ApplicationIds {
            app_id: APPLICATION_ID.into(),
            object_id: "object".into(),
            service_principal_id: has("entra/service-principal").then(|| "principal".into()),
        });
        facts.cluster_issuer = Some("https://cluster".into());
        facts.workload_pool = Some("harbour-prod.svc.id.goog".into());
        for resource in live.values() {
            match resource {
                Resource::ManagedIdentity(it) => {
                    let shard = Shard {
                        client_id: format!("client of {}", it.name),
                        principal_id: format!("principal of {}", it.name),
                        team: it.team.clone(),
                        rights: it.rights.clone(),
                        credentials: credentials(&live, &it.name),
                    };
                    facts.shards.insert(it.name.clone(), shard);
                }
                Resource::ServiceAccount(it) => {
                    facts.unique_ids.insert(it.id.clone(), format!("number of {}", it.id));
                }
                _ => {}
            }
        }
        facts
    }

    pub(super) fn inventory_now(&self) -> Inventory {
        let observed = |state| {
            move |(key, resource): (&ResourceKey, &Resource)| {
                (key.clone(), Observed { resource: resource.clone(), marked: true, state, holds: None })
            }
        };
        let (live, deleted) = (self.live.lock().unwrap(), self.deleted.lock().unwrap());
        let found =
            deleted.iter().map(observed(State::SoftDeleted)).chain(live.iter().map(observed(State::Live)));
        Inventory { found: found.collect() }
    }

    pub(super) fn plan_now(&self, bridge: &Bridge) -> Plan {
        let (resources, obstacles) = wanted(bridge, &self.facts_now());
        plan(bridge, &resources, obstacles, &self.inventory_now())
    }

    fn require(&self, key: &str) -> PortResult<()> {
        let found = self.live.lock().unwrap().contains_key(&ResourceKey(key.to_owned()));
        if found { Ok(()) } else { Err(refusal(Refused::Invalid, &format!("{key} does not exist"))) }
    }

    /// What a resource refers to must be there.
    fn check(&self, resource: &Resource) -> PortResult<()> {
        match resource {
            Resource::ServicePrincipal(_) | Resource::AppRoleAssignment(_) => {
                self.require("entra/application/gangplank-harbour")
            }
            Resource::Provider(it) => self.require(&format!("google/pool/{}", it.pool)),
            Resource::FederatedCredential(it) => {
                self.require(&format!("azure/managed-identity/{}", it.identity))?;
                let held = credentials(&self.live.lock().unwrap(), &it.identity);
                let full = held.len() >= 20 && !held.contains(&it.name);
                if full { Err(refusal(Refused::Invalid, "twenty are the most")) } else { Ok(()) }
            }
            Resource::Grant(it) => match &it.target {
                GrantTarget::Project => Ok(()),
                GrantTarget::ServiceAccount(id) => self.require(&format!("google/service-account/{id}")),
                GrantTarget::Repository(id) => self.require(&format!("google/repository/europe-west4/{id}")),
            },
            Resource::Kubernetes(it) => match it.object_key().and_then(|key| key.namespace) {
                Some(namespace) => self.require(&format!("kubernetes/Namespace/{namespace}")),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn make(&self, change: &Change, outputs: &mut Outputs) -> PortResult<()> {
        let key = change.key.clone();
        if let Action::Delete { found } = &change.action {
            if self.live.lock().unwrap().remove(&key).is_none() {
                return Err(refusal(Refused::NotFound, "gone already"));
            }
            if matches!(found, Resource::Pool(_) | Resource::Provider(_)) {
                self.deleted.lock().unwrap().insert(key, found.clone());
            }
            if matches!(found, Resource::Pool(_)) {
                // With a pool go its providers.
                let mut live = self.live.lock().unwrap();
                let providers = live.extract_if(.., |_, resource| matches!(resource, Resource::Provider(_)));
                self.deleted.lock().unwrap().extend(providers);
            }
            return Ok(());
        }
        let mut resource = change.action.resource().clone();
        self.check(&resource)?;
        let resolve =
            |text: &str| outputs.resolve(text).map_err(|error| refusal(Refused::Invalid, &error.to_string()));
        match &mut resource {
            Resource::Application(_) => outputs.application_id = Some(APPLICATION_ID.into()),
            Resource::ServicePrincipal(it) => it.app_id = resolve(&it.app_id)?,
            Resource::Provider(it) => {
                it.audiences = it.audiences.iter().map(|text| resolve(text)).collect::<PortResult<_>>()?;
            }
            Resource::ManagedIdentity(it) => {
                outputs.late.insert(client_id_of(&it.name), format!("client of {}", it.name));
                outputs.late.insert(principal_id_of(&it.name), format!("principal of {}", it.name));
            }
            Resource::ServiceAccount(it) => {
                outputs.late.insert(unique_id_of(&it.id), format!("number of {}", it.id));
            }
            Resource::FederatedCredential(it) => it.subject = resolve(&it.subject)?,
            Resource::RoleAssignment(it) => {
                it.principal_id = resolve(&it.principal_id)?;
                it.name = RoleAssignment::name_of(&it.scope, &it.role_definition, &it.principal_id);
            }
            Resource::Kubernetes(it) => {
                let resolved = outputs.resolve_all(&it.object);
                it.object = resolved.map_err(|error| refusal(Refused::Invalid, &error.to_string()))?;
            }
            _ => {}
        }
        self.deleted.lock().unwrap().remove(&key);
        // What stood for an id is that id from now on.
        self.live.lock().unwrap().insert(resource.key(), resource);
        Ok(())
    }
}

/// The credentials of one identity, by name.
fn credentials(live: &BTreeMap<ResourceKey, Resource>, identity: &str) -> BTreeSet<String> {
    let of = |resource: &Resource| match resource {
        Resource::FederatedCredential(it) if it.identity == identity => Some(it.name.clone()),
        _ => None,
    };
    live.values().filter_map(of).collect()
}

pub(super) fn refusal(kind: Refused, message: &str) -> PortError {
    PortError { service: "Cloud", kind, status: None, code: None, message: message.into(), retry_after: None }
}

impl SetUp for Clouds {
    async fn facts(&self, _: &Bridge) -> PortResult<Facts> {
        Ok(self.facts_now())
    }

    async fn observe(&self, _: &Bridge, _: &Facts, _: &[Resource]) -> PortResult<Inventory> {
        Ok(self.inventory_now())
    }

    async fn missing(&self, _: &Bridge, _: &[Need]) -> PortResult<Vec<Missing>> {
        Ok(Vec::new())
    }

    async fn perform(&self, _: &Bridge, _: &Facts, change: &Change, outputs: &mut Outputs) -> PortResult<()> {
        let call = {
            let mut calls = self.calls.lock().unwrap();
            *calls += 1;
            *calls - 1
        };
        let fault = self.faults.lock().unwrap().remove(&call);
        match fault {
            None => self.make(change, outputs),
            Some(Fault::Before(kind)) => Err(refusal(kind, "not now")),
            Some(Fault::After(kind)) => self.make(change, outputs).and(Err(refusal(kind, "not so"))),
            Some(Fault::KilledAfter) => {
                self.make(change, outputs)?;
                std::future::pending().await
            }
            Some(Fault::KilledBefore) => std::future::pending().await,
        }
    }
}
