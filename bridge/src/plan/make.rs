//! Making plans: what is wanted against what was found, and what to take away when all is over.

use std::collections::BTreeSet;

use trust::first_party;

use super::compare::{Comparison, compare};
use super::{Action, Change, Kept, Obstacle, Plan};
use crate::inventory::{Inventory, Observed, State};
use crate::manifest::SERVICE_LABEL;
use crate::resource::{KubernetesObject, Resource, ResourceKey};
use crate::spec::Bridge;

/// Compares what is wanted, in the order it must be made, with what was found. Obstacles that are known already
/// are carried over.
pub fn plan(bridge: &Bridge, wanted: &[Resource], obstacles: Vec<Obstacle>, inventory: &Inventory) -> Plan {
    let mut plan = Plan { changes: Vec::new(), obstacles, kept: Vec::new() };
    for resource in wanted {
        if let Some(obstacle) = first_party_audience(resource) {
            plan.obstacles.push(obstacle);
            continue;
        }
        match inventory.found.get(&resource.key()) {
            None => plan.push(Action::Create { wanted: resource.clone() }),
            Some(observed) if !observed.marked => plan.obstacles.push(foreign(bridge, resource)),
            Some(Observed { state: State::SoftDeleted, .. }) => {
                plan.push(Action::Undelete { wanted: resource.clone() });
            }
            Some(observed) => step_towards(resource, &observed.resource, &mut plan),
        }
    }
    let declared: BTreeSet<ResourceKey> = wanted.iter().map(Resource::key).collect();
    // What ships make is not wanted here; it is left over once its service is declared no more.
    let leftover = |observed: &&Observed| match shipped_for(&observed.resource) {
        Some((namespace, service)) => !bridge.serves(namespace, service),
        None => observed.resource.is_set_up() && !declared.contains(&observed.resource.key()),
    };
    delete(inventory.found.values().filter(leftover), &mut plan);
    plan
}

/// Takes away everything that carries our mark, last made first, except what holds things of others.
pub fn destroy_plan(inventory: &Inventory) -> Plan {
    let mut plan = Plan::default();
    delete(inventory.found.values(), &mut plan);
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

/// Something of the wanted name is there and is not ours. Even if it were equal today we must not count on it: whoever
/// made it may change or remove it, and `destroy` would leave it behind.
fn foreign(bridge: &Bridge, wanted: &Resource) -> Obstacle {
    Obstacle {
        key: wanted.key(),
        problem: format!(
            "`{}` exists already and does not carry the mark of `{}`",
            wanted.key(),
            bridge.name
        ),
        mend: format!("{}, or declare another name in `bridge.yaml`", hand_over(bridge, wanted)),
    }
}

/// How the owner of a resource hands it over to this bridge.
fn hand_over(bridge: &Bridge, wanted: &Resource) -> String {
    let name = &bridge.name;
    let project = &bridge.google.project;
    match wanted {
        Resource::Application(_) => {
            format!("add the tag `gangplank:{name}` to the application to hand it over")
        }
        Resource::Pool(pool) => format!(
            "hand it over with `gcloud iam workload-identity-pools update {} --project={project} --location=global --description=gangplank:{name}`",
            pool.id
        ),
        Resource::Provider(provider) => format!(
            "hand it over with `gcloud iam workload-identity-pools providers update-oidc {} --workload-identity-pool={} --project={project} --location=global --description=gangplank:{name}`",
            provider.id, provider.pool
        ),
        Resource::ServiceAccount(account) => format!(
            "hand it over with `gcloud iam service-accounts update {}@{project}.iam.gserviceaccount.com --description=gangplank:{name}`",
            account.id
        ),
        Resource::Repository(repository) => format!(
            "hand it over with `gcloud artifacts repositories update {} --project={project} --location={} --update-labels=gangplank-bridge={name}`",
            repository.id, repository.location
        ),
        Resource::Kubernetes(object) => format!(
            "hand it over with `kubectl label {} app.kubernetes.io/managed-by=gangplank gangplank.dev/bridge={name}`",
            kubectl_target(object)
        ),
        Resource::ManagedIdentity(identity) => format!(
            "hand it over with `az tag update --operation Merge --tags gangplank={name} --resource-id {}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}`",
            identity.resource_group, identity.name
        ),
        Resource::RoleAssignment(_)
        | Resource::FederatedCredential(_)
        | Resource::ServicePrincipal(_)
        | Resource::AppRoleAssignment(_)
        | Resource::Grant(_) => "remove it, so that it can be made with our mark".to_owned(),
    }
}

fn kubectl_target(object: &KubernetesObject) -> String {
    match object.object_key() {
        Some(key) => {
            let namespace =
                key.namespace.map(|namespace| format!(" --namespace={namespace}")).unwrap_or_default();
            format!("{} {}{namespace}", key.kind.kind.to_lowercase(), key.name)
        }
        None => "OBJECT".to_owned(),
    }
}
