//! What `can` borrows of the doctor's reading of exhibits: policies with what they are on, and whom tokens stand for.

use trust::iam::Policy;
use trust::principal::Caller;
use trust::token::Claims;

use super::case::Case;
use super::grants::On;
use crate::exhibit::Exhibits;
use crate::resource::GrantTarget;
use crate::spec::Google;

/// Why a policy is not among the exhibits, or not known to be.
pub(crate) enum NoPolicy {
    /// No exhibit shows it.
    Unseen,
    /// A file may be it, and does not say what it is on.
    Nameless(String),
}

/// The policy on something of Google's. One that does not say what it is on is taken if its file is named after it, or if
/// there is but one thing that it can be on (`only`).
pub(crate) fn policy(
    exhibits: &Exhibits,
    target: &GrantTarget,
    google: &Google,
    only: bool,
) -> Result<Policy, NoPolicy> {
    let case = Case::new(exhibits);
    let (on, id) = match target {
        GrantTarget::Project => (On::Project, ""),
        GrantTarget::ServiceAccount(id) => (On::ServiceAccount, id.as_str()),
        GrantTarget::Repository(id) => (On::Repository, id.as_str()),
    };
    let all: Vec<_> = match on {
        On::ServiceAccount => case.account_policies(),
        _ => case.policies().into_iter().filter(|it| it.on == on).collect(),
    };
    let of_project = |resource: &str| {
        [&google.project, &google.project_number]
            .iter()
            .any(|it| format!("{resource}/").contains(&format!("/projects/{it}/")))
    };
    let named = |resource: &str| match target {
        GrantTarget::Project => of_project(resource),
        GrantTarget::ServiceAccount(_) => resource.contains(&format!("/{id}@{}.", google.project)),
        GrantTarget::Repository(_) => {
            of_project(resource) && resource.ends_with(&format!("/repositories/{id}"))
        }
    };
    let (say, mute): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|it| it.exhibit.text("/resource").is_some());
    if let Some(found) = say.into_iter().find(|it| named(&it.resource)) {
        return Ok(found.policy);
    }
    let single = mute.len() == 1;
    let file = |file: &str| file.rsplit(['/', '\\']).next().is_some_and(|name| name.contains(id));
    let nameless = mute.first().map(|it| it.exhibit.file.clone());
    let found = mute.into_iter().find(|it| on == On::Project || file(&it.exhibit.file) || single && only);
    found.map(|it| it.policy).ok_or_else(|| nameless.map_or(NoPolicy::Unseen, NoPolicy::Nameless))
}

/// Whom Google makes of the tokens among the exhibits, by the provider among them.
pub(crate) fn federated(exhibits: &Exhibits) -> Vec<Caller> {
    Case::new(exhibits).federated()
}

/// The claims of the tokens among the exhibits.
pub(crate) fn claims(exhibits: &Exhibits) -> Vec<Claims> {
    Case::new(exhibits).tokens().into_iter().map(|it| it.claims).collect()
}
