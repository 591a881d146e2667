//! Wishes on the Google side: who is trusted, and the rights they come to.

use std::collections::{BTreeMap, BTreeSet};

use super::azure::application_id;
use super::condition::{attribute_condition, attribute_mapping};
use super::people::People;
use crate::convention::{service_account_id, workload_account_id};
use crate::inventory::Facts;
use crate::plan::Obstacle;
use crate::resource::{
    Grant, GrantTarget, Pool, Provider, Repository, Resource, ResourceKey, ServiceAccount,
};
use crate::spec::{Bridge, Google, Right, Team, Via, Workload};

/// Pushes and reads images; deletes none and changes no policy.
const WRITER: &str = "roles/artifactregistry.writer";

/// Reads images.
const READER: &str = "roles/artifactregistry.reader";

/// Looks the cluster's address up. What may be done inside is up to RBAC alone: any `container.developer` here would
/// go around it.
const CLUSTER_VIEWER: &str = "roles/container.clusterViewer";

/// Becomes a service account by impersonation.
const WORKLOAD_IDENTITY_USER: &str = "roles/iam.workloadIdentityUser";

pub(super) fn wanted(bridge: &Bridge, facts: &Facts, people: &People<'_>) -> (Vec<Resource>, Vec<Obstacle>) {
    let provider = provider(bridge, facts);
    let obstacles = refused(&provider);
    let mut resources = vec![
        Resource::Pool(Pool { id: bridge.federation.pool.clone(), disabled: false }),
        Resource::Provider(provider),
    ];
    resources.extend(repositories(bridge).map(|id| {
        Resource::Repository(Repository { id: id.to_owned(), location: bridge.google.region().to_owned() })
    }));
    resources.extend(bridge.teams.iter().map(service_account));
    resources.extend(google_workloads(bridge).map(workload_account));
    resources.extend(grants(bridge, facts, people));
    (resources, obstacles)
}

fn provider(bridge: &Bridge, facts: &Facts) -> Provider {
    Provider {
        pool: bridge.federation.pool.clone(),
        id: bridge.federation.provider.clone(),
        issuer: facts.issuer.clone(),
        audiences: vec![application_id(facts)],
        mapping: attribute_mapping(bridge),
        condition: attribute_condition(bridge, facts),
        uploaded_keys: false,
        disabled: false,
    }
}

/// What Google would refuse about the provider, said before anything is written.
fn refused(provider: &Provider) -> Vec<Obstacle> {
    let mend = |field: &str| {
        if field == "attributeCondition" {
            "let callers that may do the same hold one app role, instead of declaring each"
        } else {
            "declare what Google takes"
        }
    };
    let as_google_has_it = trust::provider::Provider {
        attribute_mapping: provider.mapping.clone(),
        attribute_condition: provider.condition.clone(),
        oidc: Some(trust::provider::Oidc {
            issuer_uri: provider.issuer.clone(),
            allowed_audiences: provider.audiences.clone(),
            jwks_json: None,
        }),
        ..trust::provider::Provider::default()
    };
    let violations = trust::provider::validate(&as_google_has_it).into_iter();
    let obstacle = |violation: trust::provider::Violation| Obstacle {
        key: Resource::Provider(provider.clone()).key(),
        problem: format!("Google would refuse `{}`: {}", violation.field, violation.description),
        mend: mend(&violation.field).to_owned(),
    };
    violations.map(obstacle).collect()
}

/// A wrong number would build principals that nobody is.
pub(super) fn other_project(bridge: &Bridge, facts: &Facts) -> Option<Obstacle> {
    let Google { project, project_number, .. } = &bridge.google;
    (*project_number != facts.project_number).then(|| Obstacle {
        key: ResourceKey(format!("google/project/{project}")),
        problem: format!(
            "the number of project `{project}` is `{}`, and `projectNumber` says `{project_number}`",
            facts.project_number
        ),
        mend: format!("write `projectNumber: \"{}\"` into `bridge.yaml`", facts.project_number),
    })
}

fn service_account(team: &Team) -> Resource {
    Resource::ServiceAccount(ServiceAccount {
        id: service_account_id(&team.name),
        display_name: format!("Gangplank: deploys for {}", team.name),
    })
}

/// The workloads that show a token of Google's.
fn google_workloads(bridge: &Bridge) -> impl Iterator<Item = &Workload> {
    bridge.workloads.iter().filter(|workload| workload.via == Via::Google)
}

/// An account that can do nothing in Google: all it is for is its ID token.
fn workload_account(workload: &Workload) -> Resource {
    Resource::ServiceAccount(ServiceAccount {
        id: workload_account_id(&workload.name),
        display_name: format!("Gangplank: workload {}", workload.name),
    })
}

/// All grants, each role on each target once.
fn grants(bridge: &Bridge, facts: &Facts, people: &People<'_>) -> Vec<Resource> {
    let mut grants: BTreeMap<(GrantTarget, &'static str), BTreeSet<String>> = BTreeMap::new();
    let mut give = |target: &GrantTarget, role, members: Vec<String>| {
        if !members.is_empty() {
            grants.entry((target.clone(), role)).or_default().extend(members);
        }
    };
    let by_right = people.by_right(bridge, facts);
    let members = |right: &Right| by_right.get(right).cloned().unwrap_or_default();
    let shared = GrantTarget::Repository(bridge.google.repository.clone());
    give(&shared, WRITER, members(&Right::Push));
    for team in &bridge.teams {
        if let Some(own) = &team.repository {
            let own = GrantTarget::Repository(own.clone());
            give(&own, WRITER, members(&Right::PushFor(team.name.clone())));
        }
    }
    for id in repositories(bridge) {
        let repository = GrantTarget::Repository(id.to_owned());
        give(&repository, READER, members(&Right::Read));
        // Nodes pull with their own identity, whoever deployed the pod.
        give(&repository, READER, vec![service_account_member(&facts.node_service_account)]);
    }
    for team in &bridge.teams {
        let account = GrantTarget::ServiceAccount(service_account_id(&team.name));
        give(&account, WORKLOAD_IDENTITY_USER, members(&Right::Deploy(team.name.clone())));
        let email = bridge.service_account_email(&team.name);
        give(&GrantTarget::Project, CLUSTER_VIEWER, vec![service_account_member(&email)]);
    }
    for workload in google_workloads(bridge) {
        let Some(team) = bridge.team(&workload.team) else { continue };
        let account = GrantTarget::ServiceAccount(workload_account_id(&workload.name));
        let pods = bridge.kubernetes_member(&team.namespace, &workload.service_account);
        give(&account, WORKLOAD_IDENTITY_USER, vec![pods]);
    }
    let grant = |((target, role), members): ((_, &str), _)| {
        Resource::Grant(Grant { target, role: role.to_owned(), members })
    };
    grants.into_iter().map(grant).collect()
}

/// The shared repository and every team's own.
fn repositories(bridge: &Bridge) -> impl Iterator<Item = &str> {
    let own = bridge.teams.iter().filter_map(|team| team.repository.as_deref());
    std::iter::once(bridge.google.repository.as_str()).chain(own)
}

fn service_account_member(email: &str) -> String {
    format!("serviceAccount:{email}")
}
