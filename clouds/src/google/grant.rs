//! Grants: who of ours holds which role where.

use std::collections::{BTreeMap, BTreeSet};

use bridge::inventory::{Facts, Observed, State};
use bridge::plan::Action;
use bridge::port::{PortResult, Refused};
use bridge::resource::{Grant, GrantTarget, Resource};
use bridge::spec::Bridge;

use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use google_cloud_iam_v1::model::Policy;

use super::member::Ours;
use super::policy::{MemberChange, Policies, unconditional};
use crate::patience::patiently;

/// Policies read at the same time.
const AT_ONCE: usize = 8;

/// Every grant of ours on the project and on what was `found` of service accounts and repositories.
pub(super) async fn observe(
    policies: &Policies<'_>,
    bridge: &Bridge,
    facts: &Facts,
    found: &[Observed],
) -> PortResult<Vec<Observed>> {
    let ours = Ours::of(bridge, facts, found);
    let targets = targets(bridge, found);
    let reads: Vec<_> = targets.iter().map(|target| read(policies, bridge, target).boxed()).collect();
    let read: Vec<Option<Policy>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    let policies = targets.iter().zip(read).filter_map(|(target, policy)| Some((target, policy?)));
    Ok(policies.flat_map(|(target, policy)| grants(&ours, target, &policy)).collect())
}

/// A target's policy; `None` if the target was deleted since it was listed.
async fn read(policies: &Policies<'_>, bridge: &Bridge, target: &GrantTarget) -> PortResult<Option<Policy>> {
    match patiently(|| policies.get(bridge, target)).await {
        Err(refusal) if refusal.kind == Refused::NotFound && *target != GrantTarget::Project => Ok(None),
        other => other.map(Some),
    }
}

/// The grants of ours that a policy holds.
fn grants(ours: &Ours, target: &GrantTarget, policy: &Policy) -> Vec<Observed> {
    let mut roles: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for binding in unconditional(policy) {
        let members = binding.members.iter().filter(|member| ours.holds(target, &binding.role, member));
        roles.entry(&binding.role).or_default().extend(members.cloned());
    }
    let held = roles.into_iter().filter(|(_, members)| !members.is_empty());
    let observed = held.map(|(role, members)| Observed {
        resource: Resource::Grant(Grant { target: target.clone(), role: role.to_owned(), members }),
        marked: true,
        state: State::Live,
        holds: None,
    });
    observed.collect()
}

fn targets(bridge: &Bridge, found: &[Observed]) -> BTreeSet<GrantTarget> {
    let live = found.iter().filter(|observed| observed.state == State::Live);
    let mut targets: BTreeSet<GrantTarget> = live
        .filter_map(|observed| match &observed.resource {
            Resource::ServiceAccount(account) => Some(GrantTarget::ServiceAccount(account.id.clone())),
            Resource::Repository(repository) if repository.location == bridge.google.region() => {
                Some(GrantTarget::Repository(repository.id.clone()))
            }
            _ => None,
        })
        .collect();
    targets.insert(GrantTarget::Project);
    targets
}

/// Makes one role's members of ours what is wanted.
pub(super) async fn perform(
    policies: &Policies<'_>,
    bridge: &Bridge,
    action: &Action,
    grant: &Grant,
) -> PortResult<()> {
    match policies.change(bridge, &grant.target, &grant.role, &member_change(action, grant)).await {
        // A grant on something that is gone is gone as well.
        Err(refusal) if refusal.kind == Refused::NotFound && super::is_deletion(action) => Ok(()),
        outcome => outcome,
    }
}

fn member_change(action: &Action, grant: &Grant) -> MemberChange {
    match action {
        Action::Delete { .. } => {
            MemberChange { add: BTreeSet::new(), remove: grant.members.clone(), found: grant.members.clone() }
        }
        Action::Update { found: Resource::Grant(found), .. } => MemberChange {
            add: grant.members.clone(),
            remove: found.members.difference(&grant.members).cloned().collect(),
            found: found.members.clone(),
        },
        _ => MemberChange { add: grant.members.clone(), ..MemberChange::default() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(members: &[&str]) -> Grant {
        Grant {
            target: GrantTarget::Project,
            role: "r".to_owned(),
            members: members.iter().map(|member| (*member).to_owned()).collect(),
        }
    }

    #[test]
    fn an_update_removes_what_was_found_and_is_not_wanted() {
        let (wanted, found) = (grant(&["a", "b"]), grant(&["b", "c"]));
        let action = Action::Update {
            wanted: Resource::Grant(wanted.clone()),
            found: Resource::Grant(found),
            differences: Vec::new(),
        };
        let change = member_change(&action, &wanted);
        assert_eq!((change.add, change.remove), (wanted.members, BTreeSet::from(["c".to_owned()])));
    }
}
