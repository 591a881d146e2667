//! Wishes for the way back: pods of the cluster that become a managed identity in Azure.
//!
//! A managed identity takes twenty federated credentials and no more, and whatever it may do each of its workloads may.
//! So workloads are grouped by team and rights, each group is spread over as many identities as it needs, and a workload
//! stays with the identity that has its credential already, whoever comes and goes beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::azure::reads_models;
use crate::convention::{
    CLIENT_ID_ANNOTATION, GOOGLE_ACCOUNT_ANNOTATION, TENANT_ID_ANNOTATION, WORKLOAD_LABEL,
    kubernetes_subject, workload_account_id,
};
use crate::inventory::{Facts, Principal, Shard};
use crate::plan::{Obstacle, client_id_of, principal_id_of, unique_id_of};
use crate::resource::{FederatedCredential, KubernetesObject, ManagedIdentity, Resource, ResourceKey};
use crate::spec::{Bridge, Team, Via, Workload, WorkloadRight};

/// How many federated credentials a managed identity takes:
/// <https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations>.
const MOST: usize = 20;

/// A workload with the identity that has its credential, or is to have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed<'a> {
    /// The workload.
    pub workload: &'a Workload,
    /// Its team.
    pub team: &'a Team,
    /// The name of the managed identity.
    pub identity: String,
}

/// What makes two workloads able to share an identity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    team: String,
    rights: String,
}

/// Every workload in its place. Depends on nothing but the bridge and the identities there are.
pub fn placed<'a>(bridge: &'a Bridge, facts: &Facts) -> Vec<Placed<'a>> {
    let mut groups: BTreeMap<Group, Vec<&Workload>> = BTreeMap::new();
    for workload in &bridge.workloads {
        groups.entry(group(workload)).or_default().push(workload);
    }
    let mut rooms = Rooms::of(facts);
    let mut placed = Vec::new();
    for (group, workloads) in groups {
        let team = bridge.team(&group.team);
        let (staying, coming): (Vec<_>, Vec<_>) = workloads
            .into_iter()
            .map(|workload| (workload, rooms.holder(&group, &workload.name)))
            .partition(|(_, holder)| holder.is_some());
        let mut coming: Vec<&Workload> = coming.into_iter().map(|(workload, _)| workload).collect();
        coming.sort_by(|a, b| a.name.cmp(&b.name));
        let coming = coming.into_iter().map(|workload| (workload, rooms.take(bridge, &group)));
        let staying = staying.into_iter().filter_map(|(workload, holder)| Some((workload, holder?)));
        let all: Vec<(&Workload, String)> = staying.collect::<Vec<_>>().into_iter().chain(coming).collect();
        placed.extend(
            all.into_iter()
                .filter_map(|(workload, identity)| Some(Placed { workload, team: team?, identity })),
        );
    }
    placed.sort_by(|a, b| a.workload.name.cmp(&b.workload.name));
    placed
}

fn group(workload: &Workload) -> Group {
    let rights: Vec<&str> = workload.may.iter().copied().map(right).collect();
    Group { team: workload.team.clone(), rights: rights.join(",") }
}

fn right(right: WorkloadRight) -> &'static str {
    match right {
        WorkloadRight::ReadModels => "read-models",
    }
}

/// How full each identity is.
struct Rooms<'a> {
    shards: &'a BTreeMap<String, Shard>,
    /// Credentials there are and will be, by identity. One that leaves counts until it is gone: it is taken away last.
    taken: BTreeMap<String, (Group, usize)>,
}

impl<'a> Rooms<'a> {
    fn of(facts: &'a Facts) -> Self {
        let group = |shard: &Shard| Group { team: shard.team.clone(), rights: shard.rights.clone() };
        let taken =
            facts.shards.iter().map(|(name, shard)| (name.clone(), (group(shard), shard.credentials.len())));
        Self { shards: &facts.shards, taken: taken.collect() }
    }

    /// The identity of this group that has the credential already.
    fn holder(&self, group: &Group, credential: &str) -> Option<String> {
        let is_holder = |(name, shard): &(&String, &Shard)| {
            shard.credentials.contains(credential)
                && self.taken.get(*name).is_some_and(|(its, _)| its == group)
        };
        self.shards.iter().find(is_holder).map(|(name, _)| name.clone())
    }

    /// A place in the first identity of this group that has room, or in a new one.
    fn take(&mut self, bridge: &Bridge, group: &Group) -> String {
        for number in 1.. {
            let name = bridge.shard_name(number);
            let (its, count) = self.taken.entry(name.clone()).or_insert_with(|| (group.clone(), 0));
            if its == group && *count < MOST {
                *count += 1;
                return name;
            }
        }
        // The numbers do not end before the workloads do.
        String::new()
    }
}

pub(super) fn wanted(bridge: &Bridge, facts: &Facts) -> (Vec<Resource>, Vec<Obstacle>) {
    let placed = placed(bridge, facts);
    let (mut resources, mut obstacles) = (Vec::new(), Vec::new());
    let mut identities = BTreeSet::new();
    for place in &placed {
        if identities.insert(&place.identity) {
            resources.extend(identity(bridge, facts, place));
        }
        match credential(bridge, facts, place) {
            Ok(credential) => resources.push(credential),
            Err(obstacle) => obstacles.push(obstacle),
        }
        resources.push(service_account(bridge, facts, place));
    }
    (resources, obstacles)
}

/// The identity, and what its workloads may do.
fn identity(bridge: &Bridge, facts: &Facts, place: &Placed<'_>) -> Vec<Resource> {
    let Group { team, rights } = group(place.workload);
    let name = &place.identity;
    let known = facts.shards.get(name).map(|shard| shard.principal_id.clone());
    let principal = Principal {
        object_id: known.unwrap_or_else(|| principal_id_of(name)),
        principal_type: "ServicePrincipal".to_owned(),
        display_name: name.clone(),
    };
    let identity =
        ManagedIdentity { name: name.clone(), resource_group: bridge.resource_group_scope(), team, rights };
    let mut resources = vec![Resource::ManagedIdentity(identity)];
    if place.workload.may.contains(&WorkloadRight::ReadModels) {
        resources.extend(reads_models(bridge, facts, &principal));
    }
    resources
}

fn credential(bridge: &Bridge, facts: &Facts, place: &Placed<'_>) -> Result<Resource, Obstacle> {
    let (issuer, subject) = match place.workload.via {
        Via::Cluster => {
            let issuer = facts.cluster_issuer.clone().ok_or_else(|| no_issuer(bridge, place))?;
            (issuer, kubernetes_subject(&place.team.namespace, &place.workload.service_account))
        }
        Via::Google => {
            facts.workload_pool.as_ref().ok_or_else(|| no_pool(bridge, place))?;
            let account = workload_account_id(&place.workload.name);
            let known = facts.unique_ids.get(&account).cloned();
            (bridge.google_issuer().to_owned(), known.unwrap_or_else(|| unique_id_of(&account)))
        }
    };
    Ok(Resource::FederatedCredential(FederatedCredential {
        identity: place.identity.clone(),
        resource_group: bridge.resource_group_scope(),
        name: place.workload.name.clone(),
        issuer,
        subject,
        audiences: vec![bridge.token_exchange_audience().to_owned()],
    }))
}

/// The service account that the pods run under. It gets no token for the cluster's own API.
fn service_account(bridge: &Bridge, facts: &Facts, place: &Placed<'_>) -> Resource {
    let Placed { workload, team, identity } = place;
    let known = facts.shards.get(identity).map(|shard| shard.client_id.clone());
    let mut annotations = BTreeMap::from([
        (CLIENT_ID_ANNOTATION, known.unwrap_or_else(|| client_id_of(identity))),
        (TENANT_ID_ANNOTATION, bridge.azure.tenant.clone()),
    ]);
    if workload.via == Via::Google {
        annotations.insert(GOOGLE_ACCOUNT_ANNOTATION, bridge.workload_account_email(&workload.name));
    }
    let mut labels = bridge.team_labels(team);
    labels.insert(WORKLOAD_LABEL.to_owned(), workload.name.clone());
    let object = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": workload.service_account,
            "namespace": team.namespace,
            "labels": labels,
            "annotations": annotations,
        },
        "automountServiceAccountToken": false,
    });
    Resource::Kubernetes(KubernetesObject { object })
}

fn no_issuer(bridge: &Bridge, place: &Placed<'_>) -> Obstacle {
    obstacle(
        place,
        format!("cluster `{}` does not tell the issuer of its service-account tokens", bridge.google.cluster),
        "let the administrator read `/.well-known/openid-configuration` of the API server".to_owned(),
    )
}

fn no_pool(bridge: &Bridge, place: &Placed<'_>) -> Obstacle {
    let google = &bridge.google;
    obstacle(
        place,
        format!(
            "cluster `{}` has no Workload Identity Federation for GKE, which `via: google` needs",
            google.cluster
        ),
        format!(
            "switch it on with `gcloud container clusters update {} --project={} --location={} --workload-pool={}.svc.id.goog`, \
             or declare `via: cluster`",
            google.cluster, google.project, google.location, google.project
        ),
    )
}

fn obstacle(place: &Placed<'_>, problem: String, mend: String) -> Obstacle {
    let key = format!("azure/federated-credential/{}/{}", place.identity, place.workload.name);
    Obstacle { key: ResourceKey(key), problem, mend }
}

#[cfg(test)]
mod tests;
