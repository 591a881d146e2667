//! What the doctor sees of a bridge, as files that somebody may pass on: the bridge file, how every attempt went, claims
//! without a signature, settings, policies, what belongs to the way back. Each has the form that a cloud's own tool prints,
//! where one does. Nothing comes out if anything in them looks like a secret.

mod sheets;

use jiff::Timestamp;

use self::sheets::{attempts, of_answer, of_back, plain};
use super::without_secrets;
use crate::can::Rbac;
use crate::doctor::{Answer, Ask};
use crate::inventory::Inventory;
use crate::manifest::{LeakKind, secret_kind};
use crate::spec::{Bridge, Team};

/// The names of all files that a snapshot may have.
pub const NAMES: [&str; 14] = [
    "attempts.json",
    "bridge.yaml",
    "claims.json",
    "cluster.json",
    "environment.json",
    "federated-credentials.json",
    "pool.json",
    "project-policy.json",
    "provider.json",
    "rbac.yaml",
    "refusal.txt",
    "repository-policy.json",
    "service-account.json",
    "service-account-policy.json",
];

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub text: String,
}

/// A file that would hold a secret. Names the file and never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}` would hold {kind}; nothing was written")]
pub struct Secret {
    /// Which file.
    pub file: &'static str,
    /// What it looks like.
    pub kind: LeakKind,
}

/// What belongs to a snapshot besides the answers.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The bridge.
    pub bridge: &'a Bridge,
    /// The bridge file as it is written.
    pub file: &'a str,
    /// The team whose chain was looked at.
    pub team: &'a Team,
    /// The current time.
    pub now: Timestamp,
    /// What is set up, where an administrator could look.
    pub inventory: Option<&'a Inventory>,
    /// The cluster's roles and bindings, where an administrator could look.
    pub rbac: Option<&'a Rbac>,
}

/// Everything that is asked for a team, in the order of the chain.
pub fn questions(bridge: &Bridge, team: &Team) -> Vec<Ask> {
    let google = &bridge.google;
    let (project, pool) = (google.project.clone(), bridge.federation.pool.clone());
    let provider = bridge.federation.provider.clone();
    let service_account = bridge.service_account_email(&team.name);
    let location = google.region().to_owned();
    let (repository, namespace) = (bridge.repository_of(team).to_owned(), team.namespace.clone());
    let (cluster, place) = (google.cluster.clone(), google.location.clone());
    let scope = bridge.workspace_scope();
    vec![
        Ask::FirstToken,
        Ask::EntraToken { scope: format!("{}/.default", bridge.identifier_uri()) },
        Ask::Exchange { pool: pool.clone(), provider: provider.clone() },
        Ask::Pool { project: project.clone(), pool: pool.clone() },
        Ask::Provider { project: project.clone(), pool, provider },
        Ask::Impersonation { service_account: service_account.clone() },
        Ask::ServiceAccount { project: project.clone(), service_account: service_account.clone() },
        Ask::ServiceAccountPolicy { project: project.clone(), service_account: service_account.clone() },
        Ask::Upload { project: project.clone(), location: location.clone(), repository: repository.clone() },
        Ask::RepositoryPolicy { project: project.clone(), location, repository },
        Ask::ProjectPolicy { project: project.clone() },
        Ask::Cluster {
            project: project.clone(),
            location: place.clone(),
            cluster: cluster.clone(),
            namespace: namespace.clone(),
            service_account: service_account.clone(),
        },
        Ask::Space { project: project.clone(), location: place.clone(), cluster: cluster.clone(), namespace },
        Ask::Node { project, location: place, cluster, service_account },
        Ask::Workspace { scope: scope.clone() },
        Ask::Storage { scope },
    ]
}

/// The files that the answers come to.
pub fn sheets(seen: &[(Ask, Answer)], around: &Around<'_>) -> Result<Vec<Sheet>, Secret> {
    let environment = serde_json::json!({"time": around.now.to_string(), "team": around.team.name});
    let mut sheets = vec![
        Sheet { name: "bridge.yaml", text: without_secrets(around.file) },
        plain("environment.json", &environment),
        attempts(seen),
    ];
    sheets.extend(seen.iter().filter_map(|(ask, answer)| of_answer(around, ask, answer)));
    sheets.extend(of_back(around, seen));
    // Later attempts are refused because an earlier one was.
    if let Some(first) = seen.iter().find_map(|(_, answer)| refusal(answer)) {
        sheets.push(Sheet { name: "refusal.txt", text: without_secrets(&first) + "\n" });
    }
    gate(sheets)
}

/// Nothing goes out if one file holds a secret.
fn gate(sheets: Vec<Sheet>) -> Result<Vec<Sheet>, Secret> {
    match sheets.iter().find_map(|it| Some(Secret { file: it.name, kind: secret_kind(&it.text)? })) {
        Some(secret) => Err(secret),
        None => Ok(sheets),
    }
}

/// What an attempt was refused with.
fn refusal(answer: &Answer) -> Option<String> {
    match answer {
        Answer::FirstToken(_)
        | Answer::EntraToken(_)
        | Answer::Exchange(_)
        | Answer::Impersonation(_)
        | Answer::Upload(_)
        | Answer::Cluster(_)
        | Answer::Workspace(_)
        | Answer::Storage(_) => answer.outcome().refusal().map(ToString::to_string),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
