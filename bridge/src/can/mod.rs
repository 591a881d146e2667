//! May somebody do something: the question `gangplank can WHO VERB WHAT` puts, over Google IAM, the cluster's RBAC and
//! Azure's roles, with the rule that allows, or the nearest rule that does not.
//!
//! A walk without IO, as the doctor's: [`looks`] says what has to be seen next, and when nothing is left to look at [`answer`] decides. What could not be seen is said with the right it takes, and never taken for a yes.

mod azure;
mod azure_roles;
mod collected;
#[cfg(test)]
mod collected_tests;
mod google;
mod kubernetes;
mod near;
mod seen;
mod verdict;
mod who;
mod wish;

use trust::principal::Caller;

use crate::resource::GrantTarget;
use crate::spec::Bridge;

pub use collected::{Collected, caller_among};
pub use seen::{Assignment, Look, Permission, Rbac, Seen, Sighting, Viewer};
pub use verdict::{Check, Unseen, Verdict, Way};
pub use who::{Actor, Who};
pub use wish::Wish;

/// A question that cannot be put: what is wrong with it, and what would do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Unclear {
    /// What is wrong.
    pub problem: String,
    /// What would do.
    pub hint: String,
}

/// Who wants what, and when.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Where.
    pub bridge: &'a Bridge,
    /// Who, as it was typed.
    pub who: Who,
    /// What.
    pub wish: Wish,
    /// When; conditions may be about it.
    pub now: jiff::Timestamp,
}

/// What has to be seen next; nothing when the question can be answered.
pub fn looks(question: &Question<'_>, seen: &Seen) -> Vec<Look> {
    if seen.facts.is_none() {
        return vec![Look::Facts];
    }
    let mut wanted = Vec::new();
    match &question.wish {
        Wish::Google { target, .. } => wanted.extend(policies(target)),
        Wish::Kubernetes(_) => {
            wanted.extend([Look::Rbac, Look::Policy(GrantTarget::Project), Look::DenyPolicies]);
            if ways_through_teams(question, seen) {
                let teams = question.bridge.teams.iter();
                wanted.extend(teams.map(|team| Look::Policy(google::account_of(&team.name))));
            }
        }
        Wish::ReadModels => {
            let scopes = seen.facts().map(|facts| azure::scopes(question.bridge, facts)).unwrap_or_default();
            wanted.extend(scopes.into_iter().map(|scope| Look::Assignments { scope }));
        }
    }
    wanted.retain(|look| !seen.has(look));
    wanted
}

fn policies(target: &GrantTarget) -> Vec<Look> {
    let mut looks = vec![Look::Policy(target.clone()), Look::DenyPolicies];
    if *target != GrantTarget::Project {
        looks.push(Look::Policy(GrantTarget::Project));
    }
    looks
}

/// The answer, from whatever was seen.
pub fn answer(question: &Question<'_>, seen: &Seen) -> Result<Verdict, Unclear> {
    let facts = seen.facts();
    let actor = question.who.resolve(question.bridge, facts)?;
    let mut ways = vec![way(question, seen, &actor, None)];
    if ways_through_teams(question, seen) {
        for team in &question.bridge.teams {
            let account = question.bridge.service_account_email(&team.name);
            let deputy = Actor::google(account.clone(), Caller::ServiceAccount(account.clone()));
            ways.push(way(question, seen, &deputy, Some((&actor, &team.name))));
        }
    }
    let unseen = seen.unseen(question.bridge);
    Ok(Verdict::of(actor, question.wish.to_string(), ways, unseen))
}

/// A federated caller works in the cluster as a team's service account.
fn ways_through_teams(question: &Question<'_>, seen: &Seen) -> bool {
    let facts = seen.facts();
    let actor = question.who.resolve(question.bridge, facts).ok();
    let federated =
        |actor: Actor| matches!(actor.google, Some(Caller::Federated { .. })) && actor.kubernetes.is_none();
    matches!(question.wish, Wish::Kubernetes(_)) && actor.is_some_and(federated)
}

/// Everything it takes for `actor`, after becoming it if it is somebody's deputy.
fn way(question: &Question<'_>, seen: &Seen, actor: &Actor, deputy_of: Option<(&Actor, &String)>) -> Way {
    let look = google::Eyes { bridge: question.bridge, seen, now: question.now };
    let mut checks = Vec::new();
    if let Some((caller, team)) = deputy_of {
        checks.push(look.check(caller, google::IMPERSONATE, &google::account_of(team)));
    }
    match &question.wish {
        Wish::Google { permissions, target } => {
            checks.extend(permissions.iter().map(|permission| look.check(actor, permission, target)));
        }
        Wish::Kubernetes(attributes) => checks.extend(kubernetes::checks(&look, actor, attributes)),
        Wish::ReadModels => checks.extend(azure::checks(question.bridge, seen, actor)),
    }
    Way::of(deputy_of.map(|(_, team)| team.clone()), actor, checks)
}

#[cfg(test)]
mod tests;
