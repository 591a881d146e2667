//! What others made: in the way, unless it is asked for by its key. Then it is taken over: marked, and made what is
//! declared. Nothing is taken over that was not named.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Comparison, compare};
use super::{Action, Change, Obstacle, Plan};
use crate::file::nearest::nearest;
use crate::inventory::{Inventory, Observed, State};
use crate::resource::{Grant, Resource, ResourceKey};
use crate::spec::Bridge;

/// A key that names nothing which could be taken over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` is not a key of anything that this bridge declares and that can carry a mark")]
pub struct UnknownKey {
    /// As it was given.
    pub key: String,
    /// What was probably meant.
    pub nearest: Option<String>,
}

/// The keys to take over, checked against what is wanted. A key of something that is ours already, or that is not there,
/// is fine: an interrupted command is run again as it was typed.
pub fn adoption(keys: &[String], wanted: &[Resource]) -> Result<BTreeSet<ResourceKey>, UnknownKey> {
    let known: BTreeSet<ResourceKey> =
        wanted.iter().filter(|resource| resource.can_be_marked()).map(Resource::key).collect();
    let check = |key: &String| {
        let named = ResourceKey(key.clone());
        if known.contains(&named) {
            return Ok(named);
        }
        let nearest = nearest(key, known.iter().map(|known| known.0.as_str())).map(str::to_owned);
        Err(UnknownKey { key: key.clone(), nearest })
    };
    keys.iter().map(check).collect()
}

/// What was found, as far as it concerns us once `adopting` is taken over: an application's mark stands for its parts,
/// and the principals of somebody else's pool are somebody else's members.
pub(super) fn found(
    inventory: &Inventory,
    adopting: &BTreeSet<ResourceKey>,
    wanted: &[Resource],
) -> BTreeMap<ResourceKey, Observed> {
    let declared: BTreeMap<ResourceKey, &BTreeSet<String>> = wanted
        .iter()
        .filter_map(|resource| match resource {
            Resource::Grant(grant) => Some((resource.key(), &grant.members)),
            _ => None,
        })
        .collect();
    let takes_application = inventory.found.iter().any(|(key, observed)| {
        matches!(observed.resource, Resource::Application(_)) && adopting.contains(key)
    });
    let foreign_pools: Vec<String> = inventory
        .found
        .iter()
        .filter(|(key, observed)| !observed.marked && !adopting.contains(key))
        .filter_map(|(_, observed)| match &observed.resource {
            Resource::Pool(pool) => Some(format!("/workloadIdentityPools/{}/", pool.id)),
            _ => None,
        })
        .collect();
    let concerns = |(key, observed): (&ResourceKey, &Observed)| {
        let mut observed = observed.clone();
        match &mut observed.resource {
            Resource::ServicePrincipal(_) | Resource::AppRoleAssignment(_) => {
                observed.marked |= takes_application;
            }
            Resource::FederatedCredential(credential) => {
                let identity = ResourceKey(format!("azure/managed-identity/{}", credential.identity));
                observed.marked |= adopting.contains(&identity);
            }
            Resource::Grant(Grant { members, .. }) => {
                let is_declared = |member: &String| declared.get(key).is_some_and(|it| it.contains(member));
                members.retain(|member| {
                    is_declared(member) || !foreign_pools.iter().any(|pool| member.contains(pool))
                });
                if members.is_empty() {
                    return None;
                }
            }
            _ => {}
        }
        Some((key.clone(), observed))
    };
    inventory.found.iter().filter_map(concerns).collect()
}

/// Plans to take `observed` over.
pub(super) fn take_over(bridge: &Bridge, wanted: &Resource, observed: &Observed, plan: &mut Plan) {
    let differences = match compare(wanted, &observed.resource) {
        Comparison::Equal => Vec::new(),
        Comparison::Differs(differences) => differences,
        Comparison::Irreconcilable => {
            let obstacle = foreign(bridge, wanted, observed);
            let problem = format!("{}, and differs in what no update changes", obstacle.problem);
            let mend = "remove it, so that it can be made as declared".to_owned();
            plan.obstacles.push(Obstacle { problem, mend, ..obstacle });
            return;
        }
    };
    let deleted = observed.state == State::SoftDeleted;
    let found = observed.resource.clone();
    let action = Action::Adopt { wanted: wanted.clone(), found, differences, deleted };
    plan.changes.push(Change { key: wanted.key(), action });
}

/// Something of the wanted name is there and is not ours. Even if it were equal today we must not count on it: whoever
/// made it may change or remove it, and `destroy` would leave it behind.
pub(super) fn foreign(bridge: &Bridge, wanted: &Resource, observed: &Observed) -> Obstacle {
    let key = wanted.key();
    let exists = match observed.state {
        State::Live => "exists already and",
        State::SoftDeleted => "was deleted, still holds its name, and",
    };
    let argument = if key.0.contains(' ') { format!("'{key}'") } else { key.0.clone() };
    Obstacle {
        problem: format!("`{key}` {exists} does not carry the mark of `{}`", bridge.name),
        mend: format!(
            "`gangplank apply --adopt {argument}` takes it over (`gangplank plan --adopt {argument}` shows what would change); or declare another name in `bridge.yaml`"
        ),
        key,
    }
}
