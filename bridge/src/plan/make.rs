//! Making plans: what is wanted against what was found, and what to take away when all is over.

use std::collections::BTreeSet;

use trust::first_party;

use super::adopt::{self, foreign};
use super::compare::{Comparison, compare};
use super::{Action, Change, Kept, Obstacle, Plan};
use crate::inventory::{Inventory, Observed, State};
use crate::manifest::SERVICE_LABEL;
use crate::resource::{KubernetesObject, Resource, ResourceKey};
use crate::spec::Bridge;
use crate::want::CALLER_ROLE;

/// Compares what is wanted, in the order it must be made, with what was found. Obstacles that are known already
/// are carried over.
pub fn plan(bridge: &Bridge, wanted: &[Resource], obstacles: Vec<Obstacle>, inventory: &Inventory) -> Plan {
    plan_adopting(bridge, wanted, obstacles, inventory, &BTreeSet::new())
}

/// The same, taking over what others made where it is asked for by its key.
pub fn plan_adopting(
    bridge: &Bridge,
    wanted: &[Resource],
    obstacles: Vec<Obstacle>,
    inventory: &Inventory,
    adopting: &BTreeSet<ResourceKey>,
) -> Plan {
    let found = adopt::found(inventory, adopting, wanted);
    let mut plan = Plan { obstacles, notes: notes(wanted), ..Plan::default() };
    for resource in wanted {
        if let Some(obstacle) = first_party_audience(resource) {
            plan.obstacles.push(obstacle);
            continue;
        }
        let key = resource.key();
        match found.get(&key) {
            None => plan.push(Action::Create { wanted: resource.clone() }),
            Some(observed) if !observed.marked && adopting.contains(&key) => {
                adopt::take_over(bridge, resource, observed, &mut plan);
            }
            // The application's own obstacle speaks for its parts.
            Some(observed) if !observed.marked && !resource.can_be_marked() => {}
            Some(observed) if !observed.marked => plan.obstacles.push(foreign(bridge, resource, observed)),
            Some(Observed { state: State::SoftDeleted, .. }) => {
                plan.push(Action::Undelete { wanted: resource.clone() });
            }
            Some(observed) => step_towards(resource, &observed.resource, &mut plan),
        }
    }
    let declared: BTreeSet<ResourceKey> = wanted.iter().map(Resource::key).collect();
    let serving: BTreeSet<(&str, &str)> = bridge.serving().collect();
    // What ships make is not wanted here; it is left over once its service is declared no more.
    let leftover = |observed: &&Observed| match shipped_for(&observed.resource) {
        Some(shipped) => !serving.contains(&shipped),
        None => observed.resource.is_set_up() && !declared.contains(&observed.resource.key()),
    };
    delete(found.values().filter(leftover), &mut plan);
    plan
}

/// Takes away everything that carries our mark, last made first, except what holds things of others.
pub fn destroy_plan(inventory: &Inventory) -> Plan {
    let mut plan = Plan::default();
    let found = adopt::found(inventory, &BTreeSet::new(), &[]);
    let buried = |observed: &&Observed| match &observed.resource {
        // A provider of a deleted pool is gone with it, although it does not say so itself.
        Resource::Provider(provider) => {
            let pool = found.get(&ResourceKey(format!("google/pool/{}", provider.pool)));
            pool.is_some_and(|pool| pool.state == State::SoftDeleted)
        }
        _ => false,
    };
    delete(found.values().filter(|observed| !buried(observed)), &mut plan);
    plan
}

/// A provider that would admit tokens made for one of Microsoft's own services is never made: any program of the tenant
/// holds such tokens.
fn first_party_audience(wanted: &Resource) -> Option<Obstacle> {
    let Resource::Provider(provider) = wanted else { return None };
    let (audience, service) =
        provider.audiences.iter().find_map(|audience| Some((audience, first_party::find(audience)?)))?;
    Some(Obstacle {
        key: wanted.key(),
        problem: format!(
            "`{audience}` is the audience of {}: any program of the tenant can get such a token",
            service.name
        ),
        mend: "let the provider admit an application of your own and nothing else".to_owned(),
    })
}

/// What was chosen in making the wishes, in words.
fn notes(wanted: &[Resource]) -> Vec<String> {
    let by_role = wanted.iter().any(
        |resource| matches!(resource, Resource::Application(it) if it.app_roles.contains_key(CALLER_ROLE)),
    );
    let note = format!(
        "Google takes conditions of 4,096 characters, and the declared callers do not fit: instead of naming each, the condition admits holders of the app role `{CALLER_ROLE}`, which this bridge gives to them and to nobody else; a managed identity's token can be a day old, so that it may be refused for as long"
    );
    if by_role { vec![note] } else { Vec::new() }
}

/// Namespace and service that an object was shipped for, if it was.
fn shipped_for(resource: &Resource) -> Option<(&str, &str)> {
    let Resource::Kubernetes(KubernetesObject { object }) = resource else { return None };
    let metadata = object.get("metadata")?;
    Some((metadata.get("namespace")?.as_str()?, metadata.get("labels")?.get(SERVICE_LABEL)?.as_str()?))
}

fn step_towards(wanted: &Resource, found: &Resource, plan: &mut Plan) {
    match compare(wanted, found) {
        Comparison::Equal => {}
        Comparison::Differs(differences) => {
            plan.push(Action::Update { wanted: wanted.clone(), found: found.clone(), differences });
        }
        Comparison::Irreconcilable => {
            plan.push(Action::Delete { found: found.clone() });
            plan.push(Action::Create { wanted: wanted.clone() });
        }
    }
}

fn delete<'a>(candidates: impl Iterator<Item = &'a Observed>, plan: &mut Plan) {
    let mut going: Vec<&Observed> =
        candidates.filter(|observed| observed.marked && observed.state == State::Live).collect();
    going.sort_by_key(|observed| (std::cmp::Reverse(observed.resource.rank()), observed.resource.key()));
    for observed in going {
        match &observed.holds {
            Some(why) => plan.kept.push(Kept { key: observed.resource.key(), why: why.clone() }),
            None => plan.push(Action::Delete { found: observed.resource.clone() }),
        }
    }
}

impl Plan {
    fn push(&mut self, action: Action) {
        self.changes.push(Change { key: action.resource().key(), action });
    }
}
