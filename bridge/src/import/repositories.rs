//! Repositories: the one that teams share, and those of teams alone.

use std::collections::BTreeSet;

use super::{LeftOut, Survey, Trust, Undecided};
use crate::convention::service_account_id;
use crate::resource::{GrantTarget, Resource};
use crate::spec::Team;

/// Who pushes, and who becomes an account.
pub(super) const WRITER: &str = "roles/artifactregistry.writer";
/// Who pulls.
pub(super) const READER: &str = "roles/artifactregistry.reader";
/// Who becomes an account.
pub(super) const WORKLOAD_IDENTITY_USER: &str = "roles/iam.workloadIdentityUser";

/// What the repository is called that is not there.
const REPOSITORY: &str = "models";

/// The shared repository, and the teams with those of their own.
pub(super) struct Shares {
    pub(super) shared: String,
    pub(super) teams: Vec<Team>,
}

/// Tells the shared repository from the teams' own.
pub(super) fn share(
    survey: &Survey,
    trust: &Trust,
    mut teams: Vec<Team>,
    left_out: &mut Vec<LeftOut>,
) -> Result<Shares, Undecided> {
    let concerned = concerned(survey, trust);
    let mut open: Vec<&String> =
        concerned.iter().filter(|id| Some(*id) != trust.repository.as_ref()).collect();
    for team in &mut teams {
        let own = open.iter().position(|id| {
            id.split('-').any(|part| part == team.name) || id.contains(&format!("-{}", team.name))
        });
        team.repository = own.filter(|_| concerned.len() > 1).map(|own| open.remove(own).clone());
    }
    // With the shared one named, what is left is whose only deployers push to it.
    let shared = match (&trust.repository, open.as_slice()) {
        (Some(named), _) => named.clone(),
        (None, []) => REPOSITORY.to_owned(),
        (None, [one]) => (*one).clone(),
        (None, several) => {
            return Err(Undecided {
                problem: "several repositories may be the one that teams share".to_owned(),
                candidates: several.iter().map(|id| format!("`{id}`")).collect(),
                flags: "--repository",
            });
        }
    };
    for id in open.into_iter().filter(|id| **id != shared) {
        let writers = holders(survey, trust, &GrantTarget::Repository(id.clone()), WRITER);
        let mut owners = teams.iter_mut().filter(|team| {
            let account = GrantTarget::ServiceAccount(service_account_id(&team.name));
            team.repository.is_none()
                && !writers.is_empty()
                && holders(survey, trust, &account, WORKLOAD_IDENTITY_USER) == writers
        });
        match (owners.next(), owners.next()) {
            (Some(owner), None) => owner.repository = Some(id.clone()),
            _ => left_out.push(LeftOut::new(
                format!("repository `{id}`"),
                "a bridge has one that teams share, and one for each team at most; whose this is does not show",
            )),
        }
    }
    Ok(Shares { shared, teams })
}

/// Repositories with the bridge's mark, or where principals of its pool hold something.
fn concerned(survey: &Survey, trust: &Trust) -> BTreeSet<String> {
    let marked = survey.ours(trust).filter_map(|resource| match resource {
        Resource::Repository(it) => Some(it.id.clone()),
        _ => None,
    });
    let pool = trust.principals(survey);
    let held = survey.grants().filter_map(|grant| match &grant.target {
        GrantTarget::Repository(id) if grant.members.iter().any(|it| it.contains(&pool)) => Some(id.clone()),
        _ => None,
    });
    marked.chain(held).collect()
}

/// The principals of the pool that hold a role somewhere.
fn holders<'a>(survey: &'a Survey, trust: &Trust, target: &GrantTarget, role: &str) -> BTreeSet<&'a str> {
    let pool = trust.principals(survey);
    let here = survey.grants().filter(|grant| grant.target == *target && grant.role == role);
    here.flat_map(|grant| &grant.members).filter(|it| it.contains(&pool)).map(String::as_str).collect()
}
