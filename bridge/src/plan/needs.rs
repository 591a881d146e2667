//! The rights that a plan needs of whoever applies it, so that what is missing is said before anything is written.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Action, Need, Plan};
use crate::resource::{GrantTarget, KubernetesObject, Resource};

/// Every right that carrying out `plan` takes, each once.
pub fn needs(plan: &Plan) -> Vec<Need> {
    let needs: BTreeSet<Need> = plan.changes.iter().flat_map(|change| needs_of(&change.action)).collect();
    needs.into_iter().collect()
}

fn needs_of(action: &Action) -> Vec<Need> {
    match action.resource() {
        Resource::Application(_) | Resource::ServicePrincipal(_) => {
            graph(&["Application.ReadWrite.OwnedBy", "Application.ReadWrite.All", "Directory.ReadWrite.All"])
        }
        Resource::AppRoleAssignment(_) => {
            graph(&["AppRoleAssignment.ReadWrite.All", "Directory.ReadWrite.All"])
        }
        Resource::RoleAssignment(assignment) => {
            let verb = if is_deletion(action) { "delete" } else { "write" };
            vec![Need::Azure {
                action: format!("Microsoft.Authorization/roleAssignments/{verb}"),
                scope: assignment.scope.clone(),
            }]
        }
        Resource::ManagedIdentity(identity) => {
            managed_identity(action, "userAssignedIdentities", &identity.resource_group)
        }
        Resource::FederatedCredential(credential) => managed_identity(
            action,
            "userAssignedIdentities/federatedIdentityCredentials",
            &credential.resource_group,
        ),
        Resource::Pool(_) => google(action, "iam.workloadIdentityPools"),
        Resource::Provider(_) => google(action, "iam.workloadIdentityPoolProviders"),
        Resource::ServiceAccount(_) => google(action, "iam.serviceAccounts"),
        Resource::Repository(_) => google(action, "artifactregistry.repositories"),
        Resource::Grant(grant) => {
            let of = match grant.target {
                GrantTarget::Project => "resourcemanager.projects",
                GrantTarget::ServiceAccount(_) => "iam.serviceAccounts",
                GrantTarget::Repository(_) => "artifactregistry.repositories",
            };
            ["getIamPolicy", "setIamPolicy"].map(|verb| permission(of, verb)).into()
        }
        Resource::Kubernetes(object) => kubernetes(action, object),
    }
}

fn is_deletion(action: &Action) -> bool {
    matches!(action, Action::Delete { .. })
}

/// Asked for on the resource group: the identity may not exist yet.
fn managed_identity(action: &Action, kind: &str, resource_group: &str) -> Vec<Need> {
    let verb = if is_deletion(action) { "delete" } else { "write" };
    let action = format!("Microsoft.ManagedIdentity/{kind}/{verb}");
    vec![Need::Azure { action, scope: resource_group.to_owned() }]
}

fn graph(any_of: &[&str]) -> Vec<Need> {
    vec![Need::Graph { any_of: any_of.iter().map(|&permission| permission.to_owned()).collect() }]
}

fn permission(of: &str, verb: &str) -> Need {
    Need::Google { permission: format!("{of}.{verb}") }
}

fn google(action: &Action, of: &str) -> Vec<Need> {
    match action {
        // What was undeleted is brought up to date in the same breath.
        Action::Undelete { .. } | Action::Adopt { deleted: true, .. } => {
            vec![permission(of, "undelete"), permission(of, "update")]
        }
        Action::Adopt { .. } => vec![permission(of, "update")],
        other => vec![permission(of, other.verb())],
    }
}

fn kubernetes(action: &Action, object: &KubernetesObject) -> Vec<Need> {
    let kind = object.object_key().map(|key| key.kind.kind).unwrap_or_default();
    let (group, resource) = plural(&kind);
    let need = |verb: &str| Need::Kubernetes {
        verb: verb.to_owned(),
        group: group.to_owned(),
        resource: resource.clone(),
    };
    let mut needs = match action {
        Action::Delete { .. } => vec![need("delete")],
        // Server-side apply of something new asks for both.
        Action::Create { .. } | Action::Undelete { .. } => vec![need("create"), need("patch")],
        Action::Update { .. } | Action::Adopt { .. } => vec![need("patch")],
    };
    if kind == "Role" && !is_deletion(action) {
        // Nobody may grant more than they hold.
        needs.extend(rules(object));
    }
    needs
}

/// Every verb on every resource that a Role gives.
fn rules(role: &KubernetesObject) -> Vec<Need> {
    let texts = |rule: &Value, field: &str| -> Vec<String> {
        let items = rule.get(field).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let mut needs = Vec::new();
    for rule in role.object.get("rules").and_then(Value::as_array).into_iter().flatten() {
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                needs.extend(texts(rule, "verbs").into_iter().map(|verb| Need::Kubernetes {
                    verb,
                    group: group.clone(),
                    resource: resource.clone(),
                }));
            }
        }
    }
    needs
}

/// API group and plural name of the kinds that set-up and shipping use.
fn plural(kind: &str) -> (&'static str, String) {
    let group = match kind {
        "Role" | "RoleBinding" => "rbac.authorization.k8s.io",
        "NetworkPolicy" => "networking.k8s.io",
        "Deployment" | "ReplicaSet" => "apps",
        "HorizontalPodAutoscaler" => "autoscaling",
        "PodDisruptionBudget" => "policy",
        _ => "",
    };
    let name = kind.to_lowercase();
    (group, name.strip_suffix('y').map_or_else(|| format!("{name}s"), |stem| format!("{stem}ies")))
}
