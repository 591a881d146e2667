//! Callers: whoever holds something in Google as a principal of the pool, and who that is in Entra.

use std::collections::{BTreeMap, BTreeSet};

use super::repositories::{READER, WORKLOAD_IDENTITY_USER, WRITER};
use super::{Kind, Known, LeftOut, Survey, Trust};
use crate::convention::{is_workload_account, service_account_id};
use crate::name::is_guid;
use crate::resource::{Application, Grant, GrantTarget, Resource};
use crate::spec::{Identity, Right, Team, Who};
use crate::want::CALLER_ROLE;

/// Looks the cluster's address up; every team's account has it on the project.
const CLUSTER_VIEWER: &str = "roles/container.clusterViewer";

/// A member of the pool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Subject(String),
    Group(String),
}

/// All callers, those that are named after an app role first.
pub(super) fn identities(
    survey: &Survey,
    trust: &Trust,
    shared: &str,
    teams: &[Team],
    left_out: &mut Vec<LeftOut>,
) -> Vec<Identity> {
    let holding = Holding { survey, trust, shared, teams };
    let rights = holding.rights(left_out);
    let mut identities: Vec<Identity> = rights
        .into_iter()
        .filter(|(_, may)| !may.is_empty())
        .filter_map(|(member, may)| {
            let (name, who) = holding.who(&member, left_out)?;
            Some(Identity { name, who, may: may.into_iter().collect() })
        })
        .collect();
    // A role's display name is its identity's name, so that it keeps it.
    identities.sort_by_key(|it| (!matches!(it.who, Who::AppRole { .. }), it.name.clone()));
    distinct(&mut identities);
    holding.without_rights(&identities, left_out);
    identities
}

struct Holding<'a> {
    survey: &'a Survey,
    trust: &'a Trust,
    shared: &'a str,
    teams: &'a [Team],
}

impl Holding<'_> {
    /// What each member may do, as far as a bridge file has a word for it.
    fn rights(&self, left_out: &mut Vec<LeftOut>) -> BTreeMap<Member, BTreeSet<Right>> {
        let mut rights: BTreeMap<Member, BTreeSet<Right>> = BTreeMap::new();
        let mut reads: BTreeMap<(Member, &str), BTreeSet<&str>> = BTreeMap::new();
        for (grant, name) in self.survey.grants().flat_map(|it| it.members.iter().map(move |name| (it, name)))
        {
            let Some(member) = self.member(name) else {
                self.of_others(grant, name, left_out);
                continue;
            };
            match (&grant.target, grant.role.as_str()) {
                (GrantTarget::Repository(id), READER) if self.repositories().any(|it| it == id) => {
                    reads.entry((member, name)).or_default().insert(id);
                }
                _ => match self.right(grant) {
                    Some(right) => drop(rights.entry(member).or_default().insert(right)),
                    None => left_out.push(LeftOut::new(
                        held(grant, name),
                        "the rights of a bridge file are `push`, `push:TEAM`, `read` and `deploy:TEAM`",
                    )),
                },
            }
        }
        for ((member, name), read) in reads {
            // `read` is for all of the bridge's repositories: one that is not read today must not be tomorrow.
            if self.repositories().all(|id| read.contains(id)) {
                rights.entry(member).or_default().insert(Right::Read);
            } else {
                left_out.push(LeftOut::new(
                    format!(
                        "`{READER}`, which `{name}` holds on {} alone",
                        read.into_iter().collect::<Vec<_>>().join(", ")
                    ),
                    "`read` is for all repositories of the bridge, and would be more",
                ));
            }
        }
        rights
    }

    fn repositories(&self) -> impl Iterator<Item = &str> {
        let own = self.teams.iter().filter_map(|team| team.repository.as_deref());
        std::iter::once(self.shared).chain(own)
    }

    fn right(&self, grant: &Grant) -> Option<Right> {
        match (&grant.target, grant.role.as_str()) {
            (GrantTarget::Repository(id), WRITER) if id == self.shared => Some(Right::Push),
            (GrantTarget::Repository(id), WRITER) => {
                let owner = self.teams.iter().find(|team| team.repository.as_ref() == Some(id))?;
                Some(Right::PushFor(owner.name.clone()))
            }
            (GrantTarget::ServiceAccount(id), WORKLOAD_IDENTITY_USER) => {
                let team = self.teams.iter().find(|team| service_account_id(&team.name) == *id)?;
                Some(Right::Deploy(team.name.clone()))
            }
            _ => None,
        }
    }

    /// Subject or group of the pool.
    fn member(&self, name: &str) -> Option<Member> {
        let pool = self.trust.principals(self.survey);
        let (kind, rest) = name.split_once(':')?;
        let rest = rest.strip_prefix(&pool)?;
        match (kind, rest.split_once('/')?) {
            ("principal", ("subject", subject)) => Some(Member::Subject(subject.to_owned())),
            ("principalSet", ("group", group)) => Some(Member::Group(group.to_owned())),
            _ => None,
        }
    }

    /// Names what others hold where the bridge grants something, except what the bridge itself takes for granted.
    fn of_others(&self, grant: &Grant, name: &str, left_out: &mut Vec<LeftOut>) {
        let of_pool = name.contains(&self.trust.principals(self.survey));
        let known = match &grant.target {
            GrantTarget::Project => {
                let account = |id: &str| name.starts_with(&format!("serviceAccount:{id}@"));
                let team = self.teams.iter().any(|team| account(&service_account_id(&team.name)));
                !of_pool && (!team || grant.role == CLUSTER_VIEWER)
            }
            GrantTarget::Repository(id) => {
                let nodes = *name == format!("serviceAccount:{}", self.survey.node_service_account);
                (nodes && grant.role == READER) || !self.repositories().any(|it| it == id)
            }
            GrantTarget::ServiceAccount(id) => {
                let team = self.teams.iter().any(|team| service_account_id(&team.name) == *id);
                (is_workload_account(id) && grant.role == WORKLOAD_IDENTITY_USER)
                    || !(team || is_workload_account(id))
            }
        };
        if !known || of_pool {
            left_out.push(LeftOut::new(held(grant, name), "it is no declared caller's, and stays as it is"));
        }
    }

    /// Who a member is in Entra, and what to call it.
    fn who(&self, member: &Member, left_out: &mut Vec<LeftOut>) -> Option<(String, Who)> {
        let roles = self.trust.application.iter().flat_map(|it| &it.app_roles);
        match member {
            Member::Subject(id) => self.service_principal(id, left_out),
            Member::Group(value) => {
                if let Some((role, found)) = roles.into_iter().find(|(role, _)| *role == value) {
                    let who = self.holders(role, left_out);
                    return Some((named(&found.display_name, role), who));
                }
                let known = self.survey.principals.get(value).filter(|it| it.kind == Kind::Group);
                match known {
                    Some(group) if is_guid(value) => {
                        let includes_people = self.lets_people_across();
                        let who = Who::Group { id: value.clone(), includes_people };
                        Some((named(&group.display_name, value), who))
                    }
                    _ => {
                        let why = "it is neither an app role of the application nor a group of the tenant";
                        left_out.push(LeftOut::new(
                            format!("group `{value}` of pool `{}`", self.trust.pool),
                            why,
                        ));
                        None
                    }
                }
            }
        }
    }

    fn service_principal(&self, id: &str, left_out: &mut Vec<LeftOut>) -> Option<(String, Who)> {
        match self.survey.principals.get(id) {
            Some(known) if known.kind == Kind::ManagedIdentity => {
                Some((named(&known.display_name, id), Who::ManagedIdentity(id.to_owned())))
            }
            Some(known) if known.kind == Kind::Application && known.client_id.is_some() => {
                let client_id = known.client_id.clone().unwrap_or_default();
                Some((named(&known.display_name, id), Who::ServicePrincipal(client_id)))
            }
            _ => {
                let what = format!("subject `{id}` of pool `{}`", self.trust.pool);
                left_out.push(LeftOut::new(what, "it is no service principal of the tenant (any more)"));
                None
            }
        }
    }

    /// Whether the application has the permission by which people cross.
    fn lets_people_across(&self) -> bool {
        self.trust.application.as_ref().is_some_and(|it| it.delegated.is_some())
    }

    /// An app role with whoever holds it.
    fn holders(&self, role: &str, left_out: &mut Vec<LeftOut>) -> Who {
        let (mut members, mut people, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for seen in &self.survey.seen {
            let Resource::AppRoleAssignment(it) = &seen.resource else { continue };
            if it.role != role {
                continue;
            }
            match self.survey.principals.get(&it.principal_id) {
                Some(Known { kind: Kind::User, user_principal_name, .. }) => {
                    people.push(user_principal_name.clone().unwrap_or_else(|| it.principal_id.clone()));
                }
                Some(Known { kind: Kind::Group, .. }) => groups.push(it.principal_id.clone()),
                Some(Known { client_id: Some(client_id), .. }) => members.push(client_id.clone()),
                _ => left_out.push(LeftOut::new(
                    format!("`{}`, who holds app role `{role}`", it.principal_id),
                    "it is no service principal, user or group of the tenant (any more)",
                )),
            }
        }
        for ids in [&mut members, &mut people, &mut groups] {
            ids.sort();
        }
        Who::AppRole { role: role.to_owned(), members, people, groups }
    }

    /// Names who may cross and may do nothing then.
    fn without_rights(&self, identities: &[Identity], left_out: &mut Vec<LeftOut>) {
        let has_role = |role: &str| {
            identities
                .iter()
                .any(|it| matches!(&it.who, Who::AppRole { role: declared, .. } if declared == role))
        };
        let roles = self.trust.application.iter().flat_map(|it: &Application| it.app_roles.keys());
        for role in roles.filter(|role| *role != CALLER_ROLE && !has_role(role)) {
            left_out.push(LeftOut::new(
                format!("app role `{role}` of the application"),
                "its holders may do nothing that a bridge file has a word for",
            ));
        }
        let condition = self.trust.found.as_ref().map_or("", |provider| provider.condition.as_str());
        for id in condition.split(['\'', '"']).filter(|text| is_guid(text)) {
            let known = self.survey.principals.get(id);
            let client_id = known.and_then(|known| known.client_id.as_deref());
            let declared = identities.iter().any(|it| match &it.who {
                Who::ServicePrincipal(client) => client_id == Some(client),
                Who::ManagedIdentity(object) | Who::Group { id: object, .. } => object == id,
                Who::AppRole { .. } => false,
            });
            let tenant = self.trust.found.as_ref().is_some_and(|provider| provider.issuer.contains(id));
            if !declared && !tenant {
                left_out.push(LeftOut::new(
                    format!("`{id}`, which the condition of {} names", self.trust.title()),
                    "it holds nothing that a bridge file has a word for",
                ));
            }
        }
    }
}

fn held(grant: &Grant, member: &str) -> String {
    let place = match &grant.target {
        GrantTarget::Project => "the project".to_owned(),
        GrantTarget::ServiceAccount(id) => format!("service account `{id}`"),
        GrantTarget::Repository(id) => format!("repository `{id}`"),
    };
    format!("`{}` on {place}, which `{member}` holds", grant.role)
}

/// A name that an identity can have, made from a display name.
fn named(display_name: &str, otherwise: &str) -> String {
    let fits = |it: char| it.is_ascii_alphanumeric() || " ._-".contains(it);
    let kept: String = display_name.chars().map(|it| if fits(it) { it } else { '-' }).take(64).collect();
    let kept = kept.trim();
    if kept.is_empty() { otherwise.chars().take(64).collect() } else { kept.to_owned() }
}

/// Gives those a number whose name is taken.
fn distinct(identities: &mut [Identity]) {
    let mut taken = BTreeSet::new();
    for identity in identities {
        let stem: String = identity.name.chars().take(60).collect();
        let mut number = 2;
        while !taken.insert(identity.name.clone()) {
            identity.name = format!("{stem}-{number}");
            number += 1;
        }
    }
}
