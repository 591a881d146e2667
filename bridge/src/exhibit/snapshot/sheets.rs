//! The single files of a snapshot.

use serde::Serialize;
use serde_json::{Value, json};

use super::{Around, Sheet};
use crate::doctor::{Answer, Ask, Sight};
use crate::exhibit::attempt;
use crate::manifest::to_yaml;
use crate::resource::{FederatedCredential, Resource};

/// How everything went that was tried and looked at.
pub(super) fn attempts(seen: &[(Ask, Answer)]) -> Sheet {
    let rows: Vec<Value> = seen.iter().map(|(ask, answer)| attempt::written(ask, answer)).collect();
    plain("attempts.json", &json!({ "attempts": rows }))
}

/// The file of one thing that was seen.
pub(super) fn of_answer(around: &Around<'_>, ask: &Ask, answer: &Answer) -> Option<Sheet> {
    match (ask, answer) {
        (_, Answer::EntraToken(Sight::Seen(claims))) => Some(plain("claims.json", claims)),
        (_, Answer::Pool(Sight::Seen(pool))) => Some(plain("pool.json", pool)),
        (_, Answer::Provider(Sight::Seen(provider))) => Some(plain("provider.json", provider)),
        (Ask::ServiceAccount { project, service_account }, Answer::ServiceAccount(Sight::Seen(account))) => {
            let shown = json!({
                "name": format!("projects/{project}/serviceAccounts/{service_account}"),
                "email": service_account,
                "projectId": project,
                "disabled": account.disabled,
            });
            Some(plain("service-account.json", &shown))
        }
        (_, Answer::Node(Sight::Seen(node))) => {
            let google = &around.bridge.google;
            let account = &node.service_account;
            let pools: Vec<Value> = node
                .pools
                .iter()
                .map(|pool| json!({"name": pool.name, "config": {"serviceAccount": account, "oauthScopes": pool.scopes}}))
                .collect();
            let config = json!({"serviceAccount": account});
            let shown = json!({"name": google.cluster, "location": google.location, "nodeConfig": config, "nodePools": pools});
            Some(plain("cluster.json", &shown))
        }
        _ => policy(ask, answer),
    }
}

/// An IAM policy beside what it is on, as `gcloud asset search-all-iam-policies` prints it.
fn policy(ask: &Ask, answer: &Answer) -> Option<Sheet> {
    let (name, resource, policy) = match (ask, answer) {
        (
            Ask::ServiceAccountPolicy { service_account, .. },
            Answer::ServiceAccountPolicy(Sight::Seen(policy)),
        ) => (
            "service-account-policy.json",
            format!("//iam.googleapis.com/projects/-/serviceAccounts/{service_account}"),
            policy,
        ),
        (
            Ask::RepositoryPolicy { project, location, repository },
            Answer::RepositoryPolicy(Sight::Seen(policy)),
        ) => (
            "repository-policy.json",
            format!(
                "//artifactregistry.googleapis.com/projects/{project}/locations/{location}/repositories/{repository}"
            ),
            policy,
        ),
        (Ask::ProjectPolicy { project }, Answer::ProjectPolicy(Sight::Seen(policy))) => (
            "project-policy.json",
            format!("//cloudresourcemanager.googleapis.com/projects/{project}"),
            policy,
        ),
        _ => return None,
    };
    Some(plain(name, &json!({"resource": resource, "policy": policy})))
}

/// The way back: what Entra's managed identities admit, and what the cluster lets the teams do.
pub(super) fn of_back(around: &Around<'_>, seen: &[(Ask, Answer)]) -> Vec<Sheet> {
    credentials(around).into_iter().chain(rbac(around, seen)).collect()
}

/// As `az identity federated-credential list` prints them; no file where there is none.
fn credentials(around: &Around<'_>) -> Option<Sheet> {
    let found = around.inventory?.found.values();
    let all: Vec<Value> = found
        .filter_map(|observed| match &observed.resource {
            Resource::FederatedCredential(it) => Some(credential(it)),
            _ => None,
        })
        .collect();
    (!all.is_empty()).then(|| plain("federated-credentials.json", &all))
}

fn credential(it: &FederatedCredential) -> Value {
    let group = it.resource_group.rsplit('/').next().unwrap_or_default();
    let id = format!(
        "{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}/federatedIdentityCredentials/{}",
        it.resource_group, it.identity, it.name
    );
    json!({
        "audiences": it.audiences,
        "id": id,
        "issuer": it.issuer,
        "name": it.name,
        "resourceGroup": group,
        "subject": it.subject,
        "type": "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
    })
}

/// As `kubectl get role,rolebinding -o yaml` prints those of the teams' namespaces. Without an administrator's way into the
/// cluster, the bindings of the team that was looked at.
fn rbac(around: &Around<'_>, seen: &[(Ask, Answer)]) -> Option<Sheet> {
    let teams = &around.bridge.teams;
    let ours = |namespace: &str| teams.iter().any(|team| team.namespace == namespace);
    let mut items: Vec<Value> = Vec::new();
    if let Some(rbac) = around.rbac {
        let roles = rbac.roles.iter().filter(|it| ours(&it.metadata.namespace));
        items.extend(roles.map(|it| object("Role", it)));
        let bindings = rbac.role_bindings.iter().filter(|it| ours(&it.metadata.namespace));
        items.extend(bindings.map(|it| object("RoleBinding", it)));
    } else {
        let spaces = seen.iter().filter_map(|(_, answer)| match answer {
            Answer::Space(Sight::Seen(space)) => Some(&space.bindings),
            _ => None,
        });
        items.extend(spaces.flatten().map(|it| object("RoleBinding", it)));
    }
    if items.is_empty() {
        return None;
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    Some(Sheet { name: "rbac.yaml", text: to_yaml(&[list]).ok()? })
}

fn object<T: Serialize>(kind: &str, it: &T) -> Value {
    let mut shown = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind});
    if let (Some(shown), Ok(Value::Object(fields))) = (shown.as_object_mut(), serde_json::to_value(it)) {
        shown.extend(fields);
    }
    shown
}

/// A file of JSON.
pub(super) fn plain<T: Serialize>(name: &'static str, value: &T) -> Sheet {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    Sheet { name, text: text + "\n" }
}
