//! IAM policies: reading one, and changing one role's members in it without touching anybody else's.

use std::collections::BTreeSet;
use std::time::Duration;

use bridge::port::{PortResult, Refused};
use bridge::resource::GrantTarget;
use bridge::spec::Bridge;
use google_cloud_iam_v1::model::{Binding, Policy};

use super::project::Projects;
use super::refusal::own;
use super::repository::Repositories;
use super::service_account::ServiceAccounts;
use super::settling::may_be_too_new;
use crate::settling::Settling;

/// The version that shows conditions; asking for less would hide them, and writing back would remove them.
pub(super) const POLICY_VERSION: i32 = 3;
/// How often a policy is read again after somebody else wrote it in between.
const ATTEMPTS: u32 = 6;
/// The wait before the second attempt; doubles every time, as IAM asks of those it tells of concurrent changes.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

const SERVICE: &str = "Google IAM";

/// Every place a policy can be.
pub(super) struct Policies<'a> {
    pub(super) projects: &'a Projects,
    pub(super) service_accounts: &'a ServiceAccounts,
    pub(super) repositories: &'a Repositories,
    /// How long to wait for IAM to know what this run made; `None` if it made nothing that a policy could name.
    pub(super) settling: Option<Settling>,
}

/// What shall become of one role's members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct MemberChange {
    pub(super) add: BTreeSet<String>,
    pub(super) remove: BTreeSet<String>,
    /// Those of both that held the role when the plan was made.
    pub(super) found: BTreeSet<String>,
}

impl Policies<'_> {
    pub(super) async fn get(&self, bridge: &Bridge, target: &GrantTarget) -> PortResult<Policy> {
        match target {
            GrantTarget::Project => self.projects.policy(&bridge.google.project).await,
            GrantTarget::ServiceAccount(id) => self.service_accounts.policy(bridge, id).await,
            GrantTarget::Repository(id) => self.repositories.policy(bridge, id).await,
        }
    }

    async fn set(&self, bridge: &Bridge, target: &GrantTarget, policy: Policy) -> PortResult<()> {
        match target {
            GrantTarget::Project => self.projects.set_policy(&bridge.google.project, policy).await,
            GrantTarget::ServiceAccount(id) => self.service_accounts.set_policy(bridge, id, policy).await,
            GrantTarget::Repository(id) => self.repositories.set_policy(bridge, id, policy).await,
        }
    }

    /// Makes the change; waits for accounts and pools that are too new to be in a policy.
    pub(super) async fn change(
        &self,
        bridge: &Bridge,
        target: &GrantTarget,
        role: &str,
        change: &MemberChange,
    ) -> PortResult<()> {
        let ask = || self.change_now(bridge, target, role, change);
        match &self.settling {
            Some(settling) if !change.add.is_empty() => {
                settling.wait(|refusal| may_be_too_new(target, refusal), ask).await
            }
            _ => ask().await,
        }
    }

    /// Reads, changes, writes with the etag read; again if somebody else wrote in between.
    async fn change_now(
        &self,
        bridge: &Bridge,
        target: &GrantTarget,
        role: &str,
        change: &MemberChange,
    ) -> PortResult<()> {
        let (mut attempt, mut pause) = (1, FIRST_PAUSE);
        loop {
            let policy = self.get(bridge, target).await?;
            // Others' members may come and go between reading and writing. Where ours did, the plan is out of date.
            if !change.fits(&policy, role) {
                let problem =
                    format!("the members of `{role}` that are ours changed since the plan was made");
                return Err(own(SERVICE, Refused::Conflict, problem));
            }
            let Some(policy) = changed(policy, role, change) else { return Ok(()) };
            match self.set(bridge, target, policy).await {
                Err(refusal) if refusal.kind == Refused::Conflict && attempt < ATTEMPTS => {
                    tokio::time::sleep(pause).await;
                    (attempt, pause) = (attempt + 1, pause * 2);
                }
                outcome => return outcome,
            }
        }
    }
}

impl MemberChange {
    /// Whether the members that this is about are as they were found, or as they shall be.
    fn fits(&self, policy: &Policy, role: &str) -> bool {
        let concerned = |member: &&String| self.add.contains(*member) || self.remove.contains(*member);
        let now: BTreeSet<&String> = members(policy, role).filter(concerned).collect();
        now.iter().copied().eq(&self.found) || now.iter().copied().eq(&self.add)
    }
}

/// The policy with the change made, or `None` if there is nothing to change. Only the unconditional binding of the role
/// is touched.
fn changed(mut policy: Policy, role: &str, change: &MemberChange) -> Option<Policy> {
    let before: BTreeSet<String> = members(&policy, role).cloned().collect();
    let mut after: BTreeSet<String> = before.difference(&change.remove).cloned().collect();
    after.extend(change.add.iter().cloned());
    if after == before {
        return None;
    }
    policy.bindings.retain(|binding| !(binding.role == role && binding.condition.is_none()));
    if !after.is_empty() {
        policy.bindings.push(Binding::new().set_role(role).set_members(after));
    }
    if policy.bindings.iter().any(|binding| binding.condition.is_some()) {
        policy.version = POLICY_VERSION;
    }
    Some(policy)
}

/// The members that hold a role without a condition.
pub(super) fn members<'a>(policy: &'a Policy, role: &'a str) -> impl Iterator<Item = &'a String> {
    unconditional(policy).filter(move |binding| binding.role == role).flat_map(|binding| &binding.members)
}

/// The bindings that hold always.
pub(super) fn unconditional(policy: &Policy) -> impl Iterator<Item = &Binding> {
    policy.bindings.iter().filter(|binding| binding.condition.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn binding(role: &str, members: &[&str]) -> Binding {
        Binding::new().set_role(role).set_members(members.iter().copied())
    }

    fn policy(bindings: impl IntoIterator<Item = Binding>) -> Policy {
        Policy::new().set_bindings(bindings).set_etag("e1")
    }

    fn change(add: &[&str], remove: &[&str]) -> MemberChange {
        let set = |members: &[&str]| members.iter().map(|member| (*member).to_owned()).collect();
        MemberChange { add: set(add), remove: set(remove), found: set(remove) }
    }

    fn all(policy: &Policy, role: &str) -> Vec<String> {
        members(policy, role).cloned().collect()
    }

    #[test]
    fn only_the_named_members_of_the_named_role_change() {
        let before = policy([binding("r", &["user:a", "ours:1"]), binding("other", &["ours:1"])]);
        let after = changed(before, "r", &change(&["ours:2"], &["ours:1"])).unwrap();
        assert_eq!(all(&after, "r"), ["ours:2", "user:a"]);
        assert_eq!(all(&after, "other"), ["ours:1"]);
        assert_eq!(after.etag, "e1");
    }

    #[test]
    fn a_change_that_is_made_already_writes_nothing() {
        let before = policy([binding("r", &["ours:1"])]);
        assert_eq!(changed(before.clone(), "r", &change(&["ours:1"], &[])), None);
        assert_eq!(changed(before, "r", &change(&[], &["ours:9"])), None);
    }

    #[test]
    fn the_last_member_takes_the_binding_along() {
        let after = changed(policy([binding("r", &["ours:1"])]), "r", &change(&[], &["ours:1"])).unwrap();
        assert!(after.bindings.is_empty());
    }

    #[test]
    fn conditional_bindings_stay_as_they_are() {
        let conditional = json!({"role": "r", "members": ["ours:1"], "condition": {"expression": "false"}});
        let conditional: Binding = serde_json::from_value(conditional).unwrap();
        let after = changed(policy([conditional.clone()]), "r", &change(&["ours:1"], &[])).unwrap();
        assert_eq!(after.bindings, [conditional, binding("r", &["ours:1"])]);
        assert_eq!(after.version, POLICY_VERSION);
    }

    #[test]
    fn split_bindings_of_one_role_become_one() {
        let before = policy([binding("r", &["user:a"]), binding("r", &["user:b"])]);
        let after = changed(before, "r", &change(&["ours:1"], &[])).unwrap();
        assert_eq!(all(&after, "r"), ["ours:1", "user:a", "user:b"]);
        assert_eq!(after.bindings.len(), 1);
    }

    #[test]
    fn a_plan_that_is_out_of_date_is_noticed() {
        let found = |members: &[&str]| policy([binding("r", members)]);
        let change = change(&["ours:2"], &["ours:1"]);
        assert!(change.fits(&found(&["ours:1", "user:new"]), "r"), "as found, and others come and go");
        assert!(change.fits(&found(&["ours:2"]), "r"), "as it shall be: the answer was lost");
        assert!(!change.fits(&found(&["ours:1", "ours:2"]), "r"));
        assert!(!change.fits(&found(&[]), "r"));
    }
}
