//! A bridge file from what both clouds have already: the way opposite to [`crate::want`].
//!
//! What was seen is a [`Survey`]. [`choose`] picks the provider that is to be the bridge's trust, [`import`] says the rest in
//! the words of a bridge file. Whatever these words cannot say is [`LeftOut`], by name: nothing is passed over in
//! silence, and nothing is said that would grant more than there is.

mod choice;
mod people;
mod repositories;
mod services;
mod teams;
#[cfg(test)]
mod tests;
mod text;
mod workloads;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use choice::{Choice, Trust, Undecided, choose};

use crate::inventory::{ApplicationIds, Datastore};
use crate::name::is_guid;
use crate::resource::{Application, Grant, Resource};
use crate::spec::{Identity, Team, Workload};
use crate::starter::Starter;
use crate::want::BLOB_READER_ID;

/// What both clouds and the cluster have, whoever made it.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    /// The project's number.
    pub project_number: String,
    /// The service account that the cluster's nodes run as, as an e-mail address.
    pub node_service_account: String,
    /// Pools and providers; service accounts, repositories of the region, and grants on these and the project, with all
    /// their members; the applications that the provider names, with their roles; role assignments where models lie;
    /// managed identities of the resource group; objects of the cluster.
    pub seen: Vec<Seen>,
    /// The ids of each application, by display name.
    pub applications: BTreeMap<String, ApplicationIds>,
    /// Whoever is named in grants or assignments and is known to Entra, by object id.
    pub principals: BTreeMap<String, Known>,
    /// The workspace's default datastore.
    pub datastore: Datastore,
    /// The workspace's other datastores, by name.
    pub datastores: BTreeMap<String, Datastore>,
    /// What was seen and fits no resource of ours: a grant that holds under a condition only.
    pub odd: Vec<LeftOut>,
}

/// One resource as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it is.
    pub resource: Resource,
    /// The bridge whose mark it carries.
    pub mark: Option<String>,
}

/// A principal that Entra knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// What it is.
    pub kind: Kind,
    /// Its client id, if it is a service principal.
    pub client_id: Option<String>,
    /// Its log-in name, if it is a user.
    pub user_principal_name: Option<String>,
    /// Display name.
    pub display_name: String,
}

/// Kinds of principals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The service principal of an application.
    Application,
    /// A managed identity.
    ManagedIdentity,
    /// A person.
    User,
    /// A security group.
    Group,
}

/// Something that was seen and that the bridge file does not say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOut {
    /// What it is, in words.
    pub what: String,
    /// Why it is not in the file, or what becomes of it.
    pub why: String,
}

/// A bridge file, and what it does not say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The file's text.
    pub text: String,
    /// What was seen and is not said; named in the text as well.
    pub left_out: Vec<LeftOut>,
}

/// Everything that can be said.
#[derive(Debug, Default)]
struct Said {
    identities: Vec<Identity>,
    teams: Vec<Team>,
    services: Vec<services::Found>,
    workloads: Vec<Workload>,
}

/// Writes the file. `starter` says where both clouds are; names and federation in it are replaced by what was found.
pub fn import(starter: &Starter, survey: &Survey, trust: &Trust) -> Result<Imported, Undecided> {
    let mut left_out = survey.odd.clone();
    left_out.extend(trust.left_out.iter().cloned());
    let teams = teams::teams(survey, trust, &mut left_out);
    let shared = repositories::share(survey, trust, teams, &mut left_out)?;
    let mut said = Said { teams: shared.teams, ..Said::default() };
    said.services = services::services(survey, trust, &said.teams, &mut left_out);
    for service in &said.services {
        let team = said.teams.iter_mut().find(|team| team.name == service.service.team);
        if let Some(team) = team.filter(|team| !team.models.contains(&service.service.model.name)) {
            team.models.push(service.service.model.name.clone());
        }
    }
    said.identities = people::identities(survey, trust, &shared.shared, &said.teams, &mut left_out);
    said.workloads = workloads::workloads(survey, trust, &said.teams, &mut left_out);
    left_out.sort();
    left_out.dedup();
    let starter = Starter {
        name: trust.name.clone(),
        project_number: survey.project_number.clone(),
        repository: shared.shared,
        pool: trust.pool.clone(),
        provider: trust.provider.clone(),
        application: trust.application.as_ref().map(|it| it.display_name.clone()),
        datastores: datastores(survey, trust),
        team: None,
        ..starter.clone()
    };
    Ok(Imported { text: text::write(&starter, &said, &left_out), left_out })
}

/// The datastores, besides the default one, whose containers somebody of this bridge may read.
fn datastores(survey: &Survey, trust: &Trust) -> Vec<String> {
    let read = |store: &Datastore| {
        survey.ours(trust).any(|resource| match resource {
            Resource::RoleAssignment(it) => {
                it.scope.eq_ignore_ascii_case(&store.scope) && it.role_definition == BLOB_READER_ID
            }
            _ => false,
        })
    };
    let others = survey
        .datastores
        .iter()
        .filter(|(_, store)| !store.scope.eq_ignore_ascii_case(&survey.datastore.scope) && read(store));
    others.map(|(name, _)| name.clone()).collect()
}

impl Survey {
    /// What carries the mark of the bridge.
    fn ours<'a>(&'a self, trust: &'a Trust) -> impl Iterator<Item = &'a Resource> {
        self.seen.iter().filter(|seen| trust.is_ours(seen)).map(|seen| &seen.resource)
    }

    /// The ids of everybody who is named so far, in grants, conditions and assignments of app roles.
    pub fn ids(&self) -> BTreeSet<String> {
        let mut ids = BTreeSet::new();
        for seen in &self.seen {
            match &seen.resource {
                Resource::Grant(grant) => {
                    ids.extend(grant.members.iter().filter_map(|it| it.rsplit('/').next()));
                }
                Resource::Provider(provider) => ids.extend(provider.condition.split(['\'', '"'])),
                Resource::AppRoleAssignment(it) => drop(ids.insert(it.principal_id.as_str())),
                _ => {}
            }
        }
        ids.into_iter().map(str::to_ascii_lowercase).filter(|id| is_guid(id)).collect()
    }

    /// All grants.
    fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.seen.iter().filter_map(|seen| match &seen.resource {
            Resource::Grant(grant) => Some(grant),
            _ => None,
        })
    }

    /// All applications, ours first.
    fn applications(&self, is_ours: impl Fn(&Seen) -> bool) -> Vec<&Application> {
        let mut all: Vec<(&Seen, &Application)> = self
            .seen
            .iter()
            .filter_map(|seen| match &seen.resource {
                Resource::Application(application) => Some((seen, application)),
                _ => None,
            })
            .collect();
        all.sort_by_key(|(seen, _)| !is_ours(seen));
        all.into_iter().map(|(_, application)| application).collect()
    }
}

impl LeftOut {
    fn new(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into() }
    }
}
