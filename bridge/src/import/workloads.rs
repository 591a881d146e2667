//! Workloads: pods that become one of the bridge's managed identities.

use std::collections::BTreeSet;

use super::repositories::WORKLOAD_IDENTITY_USER;
use super::{LeftOut, Survey, Trust};
use crate::convention::workload_account_id;
use crate::resource::{FederatedCredential, GrantTarget, ManagedIdentity, Resource};
use crate::spec::{Team, Via, Workload, WorkloadRight};

/// All workloads, by name.
pub(super) fn workloads(
    survey: &Survey,
    trust: &Trust,
    teams: &[Team],
    left_out: &mut Vec<LeftOut>,
) -> Vec<Workload> {
    let ours: Vec<&ManagedIdentity> = survey
        .ours(trust)
        .filter_map(|resource| match resource {
            Resource::ManagedIdentity(identity) => Some(identity),
            _ => None,
        })
        .collect();
    let mut all = Vec::new();
    for seen in &survey.seen {
        let Resource::FederatedCredential(credential) = &seen.resource else { continue };
        let what = || {
            let FederatedCredential { name, identity, subject, .. } = credential;
            format!("credential `{name}` of managed identity `{identity}`, for `{subject}`")
        };
        let Some(identity) = ours.iter().find(|it| it.name == credential.identity) else {
            left_out.push(LeftOut::new(
                what(),
                format!(
                    "the identities of a bridge's workloads are its own, `gp-{}-N`; this one stays as it is",
                    trust.name
                ),
            ));
            continue;
        };
        match workload(survey, teams, identity, credential) {
            Ok(workload) => all.push(workload),
            Err(why) => left_out.push(LeftOut::new(what(), why)),
        }
    }
    all.sort_by(|a: &Workload, b| a.name.cmp(&b.name));
    all
}

fn workload(
    survey: &Survey,
    teams: &[Team],
    identity: &ManagedIdentity,
    credential: &FederatedCredential,
) -> Result<Workload, &'static str> {
    let team = teams.iter().find(|team| team.name == identity.team);
    let team = team.ok_or("its identity is for a team that is not there; a plan takes it away")?;
    if identity.rights != "read-models" {
        return Err("its identity is not for `read-models`, the one right that a workload can have");
    }
    let (via, pods) = if let Some(pods) = credential.subject.strip_prefix("system:serviceaccount:") {
        (Via::Cluster, pods.replacen(':', "/", 1))
    } else {
        let pods = pods_of(survey, &workload_account_id(&credential.name));
        (Via::Google, pods.ok_or("its subject is neither pods nor a Google account that pods become")?)
    };
    let (namespace, account) = pods.split_once('/').unwrap_or_default();
    if namespace != team.namespace {
        return Err("its pods are not in its team's namespace");
    }
    Ok(Workload {
        name: credential.name.clone(),
        team: team.name.clone(),
        service_account: account.to_owned(),
        may: BTreeSet::from([WorkloadRight::ReadModels]),
        via,
    })
}

/// `NAMESPACE/ACCOUNT` of the pods that become a Google account, if it is one alone.
fn pods_of(survey: &Survey, account: &str) -> Option<String> {
    let target = GrantTarget::ServiceAccount(account.to_owned());
    let grants = survey.grants().filter(|it| it.target == target && it.role == WORKLOAD_IDENTITY_USER);
    let mut pods = grants
        .flat_map(|it| &it.members)
        .filter_map(|member| member.split_once(".svc.id.goog[")?.1.strip_suffix(']').map(str::to_owned));
    pods.next().filter(|_| pods.next().is_none())
}
