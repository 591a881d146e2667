//! Who may come across, with the ids that each cloud knows them by.

use std::collections::BTreeMap;

use crate::inventory::{Facts, Principal};
use crate::plan::Obstacle;
use crate::resource::ResourceKey;
use crate::spec::{Bridge, Identity, Right, Who};

/// All declared identities that Entra knows.
pub(super) struct People<'a>(Vec<Person<'a>>);

/// One declared identity.
pub(super) struct Person<'a> {
    pub(super) identity: &'a Identity,
    /// Its principals in Entra: one, or the holders of a role.
    pub(super) principals: Vec<&'a Principal>,
}

impl<'a> People<'a> {
    /// Looks everybody up. Whoever Entra does not know is an obstacle: leaving them out would turn a typing error into
    /// a lock-out.
    pub(super) fn of(bridge: &'a Bridge, facts: &'a Facts) -> (Self, Vec<Obstacle>) {
        let mut obstacles = Vec::new();
        let mut people = Vec::new();
        for identity in &bridge.identities {
            let mut principals = Vec::new();
            for (kind, id) in named(&identity.who) {
                match facts.principals.get(id) {
                    Some(principal) => principals.push(principal),
                    None => obstacles.push(unknown(bridge, identity, kind, id)),
                }
            }
            people.push(Person { identity, principals });
        }
        (Self(people), obstacles)
    }

    /// Everybody.
    pub(super) fn all(&self) -> impl Iterator<Item = &Person<'a>> {
        self.0.iter()
    }

    /// The IAM members that have each right.
    pub(super) fn by_right(&self, bridge: &Bridge, facts: &Facts) -> BTreeMap<&'a Right, Vec<String>> {
        let mut members: BTreeMap<&'a Right, Vec<String>> = BTreeMap::new();
        for person in &self.0 {
            for right in &person.identity.may {
                members.entry(right).or_default().extend(person.members(bridge, facts));
            }
        }
        members
    }
}

impl Person<'_> {
    /// The IAM member strings that stand for this identity after the exchange.
    pub(super) fn members(&self, bridge: &Bridge, facts: &Facts) -> Vec<String> {
        let number = &facts.project_number;
        match &self.identity.who {
            Who::AppRole { role, .. } => vec![bridge.group_member(number, role)],
            Who::Group { id, .. } => vec![bridge.group_member(number, id)],
            Who::ServicePrincipal(_) | Who::ManagedIdentity(_) => self
                .principals
                .iter()
                .map(|principal| bridge.subject_member(number, &principal.object_id))
                .collect(),
        }
    }

    /// Whether it carries this team's models: it deploys for the team, or makes images for whoever deploys.
    pub(super) fn ships_for(&self, team: &str) -> bool {
        let rights = &self.identity.may;
        let deploys_for = |right: &Right| matches!(right, Right::Deploy(name) if name == team);
        let deploys = rights.iter().any(|right| matches!(right, Right::Deploy(_)));
        rights.iter().any(deploys_for) || (!deploys && rights.contains(&Right::Push))
    }

    /// Whether it carries models, and so has to read them in Azure.
    pub(super) fn carries_models(&self) -> bool {
        self.identity
            .may
            .iter()
            .any(|right| matches!(right, Right::Push | Right::PushFor(_) | Right::Deploy(_)))
    }
}

/// What an id in the bridge file stands for.
#[derive(Clone, Copy)]
enum Kind {
    Client,
    ManagedIdentity,
    Person,
    Group,
}

/// The ids that the bridge file names an identity with.
fn named(who: &Who) -> Vec<(Kind, &str)> {
    match who {
        Who::ServicePrincipal(id) => vec![(Kind::Client, id)],
        Who::ManagedIdentity(id) => vec![(Kind::ManagedIdentity, id)],
        Who::Group { id, .. } => vec![(Kind::Group, id)],
        Who::AppRole { members, people, groups, .. } => {
            let holders = [(Kind::Client, members), (Kind::Person, people), (Kind::Group, groups)];
            holders
                .into_iter()
                .flat_map(|(kind, ids)| ids.iter().map(move |id| (kind, id.as_str())))
                .collect()
        }
    }
}

fn unknown(bridge: &Bridge, identity: &Identity, kind: Kind, id: &str) -> Obstacle {
    let (what, mend) = match kind {
        Kind::Client => (
            "a service principal with the client id",
            format!(
                "look the client id up with `az ad sp show --id {id}`; if the application exists, `az ad sp create --id {id}` gives it a service principal"
            ),
        ),
        Kind::ManagedIdentity => (
            "a managed identity with the object id",
            "look the `principalId` (not the `clientId`) up with `az identity show`".to_owned(),
        ),
        Kind::Person => (
            "a user with the principal name or object id",
            format!(
                "look the person up with `az ad user show --id {id}`; a guest's principal name has `#EXT#` in it, an object id is \
                 the same for everybody"
            ),
        ),
        Kind::Group => {
            ("a group with the object id", format!("look the group up with `az ad group show --group {id}`"))
        }
    };
    Obstacle {
        key: ResourceKey(format!("entra/identity/{}", identity.name)),
        problem: format!("tenant `{}` has no such principal: {what} `{id}`", bridge.azure.tenant),
        mend,
    }
}
