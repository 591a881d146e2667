//! Checks by Azure's roles: reading the workspace's models takes one right on the workspace and one on the container that
//! their files lie in.
//! Source: <https://learn.microsoft.com/azure/role-based-access-control/overview#how-azure-rbac-determines-if-a-user-has-access-to-a-resource>

use super::{Actor, Assignment, Check, Permission, Seen, Sighting};
use crate::inventory::Facts;
use crate::spec::Bridge;

/// Seeing model versions.
const SEE_MODELS: &str = "Microsoft.MachineLearningServices/workspaces/models/versions/read";
/// Reading their files.
const READ_BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";

/// One right that is needed.
struct Need {
    action: &'static str,
    is_data: bool,
    scope: String,
}

fn needs(bridge: &Bridge, facts: Option<&Facts>) -> Vec<Need> {
    let workspace = Need { action: SEE_MODELS, is_data: false, scope: bridge.workspace_scope() };
    let scope = facts.map(|facts| facts.datastore.scope.clone()).unwrap_or_default();
    vec![workspace, Need { action: READ_BLOBS, is_data: true, scope }]
}

/// The scopes whose role assignments matter.
pub(super) fn scopes(bridge: &Bridge, facts: &Facts) -> Vec<String> {
    let scopes = needs(bridge, Some(facts)).into_iter().map(|need| need.scope);
    scopes.filter(|scope| !scope.is_empty()).collect()
}

/// What reading models takes.
pub(super) fn checks(bridge: &Bridge, seen: &Seen, actor: &Actor) -> Vec<Check> {
    let facts = seen.facts();
    needs(bridge, facts).iter().map(|need| check(need, seen, actor)).collect()
}

fn check(need: &Need, seen: &Seen, actor: &Actor) -> Check {
    let place = if need.scope.is_empty() { "the workspace's storage" } else { &need.scope };
    let needs = format!("`{}` on `{place}`", need.action);
    let denied =
        |settled, because: &str| Check::denied(needs.clone(), settled, vec![because.to_owned()], None);
    if actor.entra.is_empty() {
        return denied(false, "its object id in Entra is not known");
    }
    let Some(assignments) = seen.assignments.get(&need.scope).and_then(Sighting::seen) else {
        return denied(false, "the role assignments were not seen");
    };
    let giving: Vec<&Assignment> = assignments.iter().filter(|it| it.gives(need)).collect();
    let mut allowed_by = Vec::new();
    let mut open = Vec::new();
    for object in &actor.entra {
        let own = giving.iter().find(|it| it.principal_id.eq_ignore_ascii_case(object));
        match own {
            Some(assignment) if assignment.condition.is_none() => allowed_by.push(assignment.to_string()),
            Some(it) => open.push(format!("{it}, under a condition that is not evaluated here")),
            None => {}
        }
    }
    // Each of several objects has to have it: they stand for one name.
    if allowed_by.len() == actor.entra.len() {
        return Check::allowed(needs, true, allowed_by);
    }
    let groups = giving.iter().filter(|it| it.principal_type == "Group");
    open.extend(groups.map(|it| format!("{it}; whether it is a member is not known")));
    let own =
        assignments.iter().filter(|it| actor.entra.iter().any(|id| it.principal_id.eq_ignore_ascii_case(id)));
    let mut because: Vec<String> =
        own.filter(|it| !it.gives(need)).map(|it| format!("{it}, which lacks it")).collect();
    if because.is_empty() && open.is_empty() {
        because.push("no role is assigned to it here or above".to_owned());
    }
    let nearest = open.first().cloned().or_else(|| giving.first().map(ToString::to_string));
    if seen.partial {
        open.push("an assignment that was not given may allow it".to_owned());
    }
    let settled = open.is_empty();
    because.extend(open);
    Check::denied(needs, settled, because, nearest)
}

impl std::fmt::Display for Assignment {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { principal_type, principal_id, role, scope, .. } = self;
        let kind = if principal_type == "Group" { "group " } else { "" };
        write!(formatter, "{kind}`{principal_id}` has `{role}` on `{scope}`")
    }
}

impl Assignment {
    fn gives(&self, need: &Need) -> bool {
        let covers = is_within(&need.scope, &self.scope);
        covers && self.permissions.iter().any(|it| it.gives(need.action, need.is_data))
    }
}

impl Permission {
    fn gives(&self, action: &str, is_data: bool) -> bool {
        let (given, taken) = if is_data {
            (&self.data_actions, &self.not_data_actions)
        } else {
            (&self.actions, &self.not_actions)
        };
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        any(given) && !any(taken)
    }
}

/// Whether the scope `inner` is `outer` or lies below it; ARM ids do not care for case.
fn is_within(inner: &str, outer: &str) -> bool {
    let (inner, outer) = (inner.to_ascii_lowercase(), outer.trim_end_matches('/').to_ascii_lowercase());
    inner.strip_prefix(&outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether an action is one that a pattern with `*` means, in whatever case.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    crate::pattern::matches(&pattern, &action)
}
