//! Whether an administrator may do what a plan needs: in Resource Manager by asking, in Graph by what the token says.

use std::collections::BTreeMap;

use bridge::plan::{Missing, Need};
use bridge::port::PortResult;
use identity::Claims;
use identity::source::EntraSource;
use serde::Deserialize;
use serde_json::Value;

use crate::azure::rest::Rest;
use crate::error;

const API_VERSION: &str = "2022-04-01";

/// Directory roles that may do what the bridge does in Entra: Application Administrator, Cloud Application
/// Administrator, Global Administrator.
const DIRECTORY_ROLES: [&str; 3] = [
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
    "158c047a-c907-4556-b7ef-446551a6b5f7",
    "62e90394-69f5-4237-9190-012177145e10",
];

/// A delegated permission that stands for whatever the person may do.
const AS_USER: &str = "Directory.AccessAsUser.All";

/// What a role gives at a scope.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permission {
    #[serde(default)]
    actions: Vec<String>,
    #[serde(default)]
    not_actions: Vec<String>,
}

/// Those of the Azure and Graph needs that are not met.
pub(super) async fn missing(
    management: &Rest,
    login: &EntraSource,
    graph_scope: &str,
    needs: &[Need],
) -> PortResult<Vec<Missing>> {
    let mut missing = Vec::new();
    let mut known: BTreeMap<&str, Vec<Permission>> = BTreeMap::new();
    let mut graph = None;
    for need in needs {
        let mend = match need {
            Need::Azure { action, scope } => {
                if !known.contains_key(scope.as_str()) {
                    known.insert(scope, permissions(management, scope).await?);
                }
                let met = known.get(scope.as_str()).is_some_and(|all| all.iter().any(|it| it.gives(action)));
                (!met).then(|| azure_mend(action, scope))
            }
            Need::Graph { any_of } => {
                if graph.is_none() {
                    let claims = login.claims(graph_scope).await;
                    graph = Some(claims.map_err(|refused| error::no_token(&refused))?);
                }
                // An opaque token says nothing: then the first write tells.
                let claims = graph.as_ref().and_then(Option::as_ref);
                claims.filter(|claims| !may(claims, any_of)).map(|claims| graph_mend(claims, any_of))
            }
            Need::Google { .. } | Need::Kubernetes { .. } => None,
        };
        missing.extend(mend.map(|mend| Missing { need: need.clone(), who: login.kind.to_string(), mend }));
    }
    Ok(missing)
}

/// What the administrator may do at a scope. A scope that answers no such question is asked above.
async fn permissions(management: &Rest, scope: &str) -> PortResult<Vec<Permission>> {
    let mut scope = scope;
    loop {
        let path = format!("{scope}/providers/Microsoft.Authorization/permissions?api-version={API_VERSION}");
        match (management.list(&path).await, parent(scope)) {
            (Err(refused), Some(above)) if !refused.is_transient() => scope = above,
            (Err(refused), None) if !refused.is_transient() => return Ok(Vec::new()),
            (answered, _) => return answered,
        }
    }
}

/// The resource, resource group or subscription that a scope is in.
fn parent(scope: &str) -> Option<&str> {
    let segments: Vec<&str> = scope.trim_matches('/').split('/').collect();
    let drop = match segments.as_slice() {
        // A resource directly in its group goes with its provider.
        [.., "providers", _, _, _] => 4,
        [_, _, ..] if segments.len() > 2 => 2,
        _ => return None,
    };
    let mut above = scope.trim_end_matches('/');
    for _ in 0..drop {
        above = above.rsplit_once('/')?.0;
    }
    Some(above)
}

fn azure_mend(action: &str, scope: &str) -> String {
    let role = if action.starts_with("Microsoft.ManagedIdentity/") {
        "Managed Identity Contributor"
    } else {
        "Role Based Access Control Administrator"
    };
    format!("be given `{role}` on `{scope}`")
}

fn graph_mend(claims: &Claims, any_of: &[String]) -> String {
    if is_person(claims) {
        "be given the Entra role `Cloud Application Administrator`".to_owned()
    } else {
        let permission = any_of.first().map(String::as_str).unwrap_or_default();
        format!("give the application the Graph permission `{permission}`, with an administrator's consent")
    }
}

/// Machines hold permissions in `roles`. A person needs a permission of the tool she uses and the right herself.
fn may(claims: &Claims, any_of: &[String]) -> bool {
    if !is_person(claims) {
        return texts(claims, "roles").iter().any(|role| any_of.contains(role));
    }
    let tool = claims.text("scp").unwrap_or_default().split(' ');
    let tool_may = tool.clone().any(|scope| scope == AS_USER || any_of.iter().any(|it| it == scope));
    let roles = texts(claims, "wids");
    tool_may && roles.iter().any(|role| DIRECTORY_ROLES.contains(&role.as_str()))
}

fn is_person(claims: &Claims) -> bool {
    claims.text("scp").is_some()
}

fn texts(claims: &Claims, name: &str) -> Vec<String> {
    let claims = claims.to_json();
    let all = claims.get(name).and_then(Value::as_array).into_iter().flatten();
    all.filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

impl Permission {
    fn gives(&self, action: &str) -> bool {
        let covered = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        covered(&self.actions) && !covered(&self.not_actions)
    }
}

/// Whether an action is one that a pattern with `*` means, in whatever case.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_matched_as_azure_does() {
        let write = "Microsoft.Authorization/roleAssignments/write";
        for (pattern, given) in [
            ("*", true),
            ("*/write", true),
            ("*/read", false),
            ("microsoft.authorization/*", true),
            ("Microsoft.Authorization/*/Write", true),
            ("Microsoft.Authorization/roleAssignments/write", true),
            ("Microsoft.Authorization/roleAssignments", false),
            ("Microsoft.Storage/*", false),
        ] {
            assert_eq!(matches(pattern, write), given, "{pattern}");
        }
        let contributor = Permission {
            actions: vec!["*".to_owned()],
            not_actions: vec!["Microsoft.Authorization/*/Write".to_owned()],
        };
        assert!(!contributor.gives(write));
        assert!(contributor.gives("Microsoft.Authorization/roleAssignments/read"));
    }

    #[test]
    fn scopes_have_parents_up_to_the_subscription() {
        let mut scope = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Storage/storageAccounts/A/blobServices/\
                         default/containers/C";
        let mut chain = Vec::new();
        while let Some(above) = parent(scope) {
            chain.push(above.rsplit('/').next().unwrap());
            scope = above;
        }
        assert_eq!(chain, ["default", "A", "RG", "S"]);
    }
}
