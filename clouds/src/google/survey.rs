//! Everything on the Google side that a bridge file could speak of, whoever made it. Only reads.

use std::collections::BTreeMap;

use bridge::convention::marked_for;
use bridge::import::{LeftOut, Seen, Survey};
use bridge::port::{PortResult, Refused};
use bridge::resource::{Grant, GrantTarget, Repository, Resource, ServiceAccount};
use bridge::spec::Bridge;
use futures_util::FutureExt;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use google_cloud_iam_v1::model::{Binding, Policy};

use super::policy::unconditional;
use super::{SetUp, cluster, federation};
use crate::patience::patiently;

/// Policies read at the same time.
const AT_ONCE: usize = 8;

impl SetUp {
    /// Adds pools and providers, service accounts, the region's repositories, and who holds what on these and on the
    /// project. The number that the bridge file says is not believed but looked up.
    pub async fn survey(&self, bridge: &Bridge, survey: &mut Survey) -> PortResult<()> {
        survey.project_number = patiently(|| self.projects.number(&bridge.google.project)).await?;
        let cluster = cluster::find(bridge, self.credentials.clone(), &self.federation.http).await?;
        survey.node_service_account = cluster.node_service_account(&survey.project_number);
        survey.seen.extend(patiently(|| federation::survey(&self.federation, bridge)).await?);
        let mut targets = vec![GrantTarget::Project];
        for (id, account) in patiently(|| self.service_accounts.all(bridge)).await? {
            targets.push(GrantTarget::ServiceAccount(id.clone()));
            let resource = ServiceAccount { id, display_name: account.display_name };
            let mark = marked_for(&account.description).map(str::to_owned);
            survey.seen.push(Seen { resource: Resource::ServiceAccount(resource), mark });
        }
        for (id, mark) in patiently(|| self.repositories.survey(bridge)).await? {
            targets.push(GrantTarget::Repository(id.clone()));
            let location = bridge.google.region().to_owned();
            survey.seen.push(Seen { resource: Resource::Repository(Repository { id, location }), mark });
        }
        let reads: Vec<_> = targets.iter().map(|target| self.policy_of(bridge, target).boxed()).collect();
        let policies: Vec<Option<Policy>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        for (target, policy) in targets.iter().zip(policies).filter_map(|(target, it)| Some((target, it?))) {
            survey.seen.extend(grants(target, &policy));
            survey.odd.extend(policy.bindings.iter().filter_map(|binding| conditional(target, binding)));
        }
        Ok(())
    }

    /// A target's policy; `None` if the target was deleted since it was listed.
    async fn policy_of(&self, bridge: &Bridge, target: &GrantTarget) -> PortResult<Option<Policy>> {
        let policies = self.policies();
        match patiently(|| policies.get(bridge, target)).await {
            Err(refusal) if refusal.kind == Refused::NotFound && *target != GrantTarget::Project => Ok(None),
            other => other.map(Some),
        }
    }
}

/// Grants carry no mark; all their members are shown.
fn grants(target: &GrantTarget, policy: &Policy) -> Vec<Seen> {
    let mut roles: BTreeMap<&str, Grant> = BTreeMap::new();
    for binding in unconditional(policy) {
        let empty = || Grant { target: target.clone(), role: binding.role.clone(), members: [].into() };
        let grant = roles.entry(&binding.role).or_insert_with(empty);
        grant.members.extend(binding.members.iter().cloned());
    }
    roles.into_values().map(|grant| Seen { resource: Resource::Grant(grant), mark: None }).collect()
}

/// A grant to somebody of a pool that holds under a condition only.
fn conditional(target: &GrantTarget, binding: &Binding) -> Option<LeftOut> {
    let condition = binding.condition.as_ref()?;
    let member = binding.members.iter().find(|member| member.contains("/workloadIdentityPools/"))?;
    let place = match target {
        GrantTarget::Project => "the project".to_owned(),
        GrantTarget::ServiceAccount(id) => format!("service account `{id}`"),
        GrantTarget::Repository(id) => format!("repository `{id}`"),
    };
    Some(LeftOut {
        what: format!(
            "`{}` on {place}, which `{member}` holds while `{}`",
            binding.role, condition.expression
        ),
        why: "the rights of a bridge file hold always; this grant stays as it is".to_owned(),
    })
}
