//! The host that the instance metadata service runs on: which managed identities it has, and the tokens it keeps.

use std::collections::HashMap;

use crate::azure::directory::{Directory, ManagedIdentity};
use crate::{random, seed};

/// A host with managed identities.
pub struct Host {
    /// Client id of its system-assigned identity.
    pub system_assigned: Option<String>,
    /// Client ids of the user-assigned identities it has.
    pub user_assigned: Vec<String>,
    /// What callers of the App Service and Azure ML forms must show.
    pub secret: String,
    /// Tokens by client id and resource. Azure keeps them for up to 24 hours, so that a change of roles is not seen until
    /// then.
    pub(super) kept: HashMap<(String, String), Kept>,
}

/// A token that is handed out again until shortly before its end.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) token: String,
    pub(super) begins: i64,
    pub(super) expires: i64,
}

/// How a caller names the identity it wants.
pub(super) enum Wanted<'a> {
    /// Not at all.
    Any,
    ClientId(&'a str),
    ObjectId(&'a str),
    ResourceId(&'a str),
}

/// Why the host has no such identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoIdentity {
    /// None that is meant.
    NotFound,
    /// Several, and the caller did not say which.
    Several,
}

impl Host {
    /// The seeded host: [`seed::HOLD`] and [`seed::TRAINER`].
    pub(crate) fn seeded() -> Self {
        Self {
            system_assigned: Some(seed::HOLD.client_id.to_owned()),
            user_assigned: vec![seed::TRAINER.client_id.to_owned()],
            secret: random::secret(),
            kept: HashMap::new(),
        }
    }

    /// The identity that `wanted` means: by default the system-assigned one, else the only one there is.
    pub(super) fn choose(
        &self,
        directory: &Directory,
        wanted: &Wanted<'_>,
    ) -> Result<ManagedIdentity, NoIdentity> {
        let same = str::eq_ignore_ascii_case;
        let client_id = match wanted {
            Wanted::Any => match (&self.system_assigned, self.user_assigned.as_slice()) {
                (Some(system), _) => system,
                (None, [only]) => only,
                (None, []) => return Err(NoIdentity::NotFound),
                (None, _) => return Err(NoIdentity::Several),
            },
            Wanted::ClientId(id) => self.find(directory, |it| same(&it.client_id, id))?,
            Wanted::ObjectId(id) => self.find(directory, |it| same(&it.object_id, id))?,
            Wanted::ResourceId(id) => self.find(directory, |it| same(&it.resource_id, id))?,
        };
        directory.managed_identity(client_id).cloned().ok_or(NoIdentity::NotFound)
    }

    fn find(
        &self,
        directory: &Directory,
        is_wanted: impl Fn(&ManagedIdentity) -> bool,
    ) -> Result<&String, NoIdentity> {
        let mut own = self.system_assigned.iter().chain(&self.user_assigned);
        own.find(|id| directory.managed_identity(id).is_some_and(&is_wanted)).ok_or(NoIdentity::NotFound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_chosen_as_azure_does() {
        let directory = crate::azure::directory::seeded(jiff::Timestamp::UNIX_EPOCH);
        let mut host = Host::seeded();
        let chosen = |host: &Host, wanted: &Wanted<'_>| host.choose(&directory, wanted).map(|it| it.name);
        let (hold, trainer) = (Ok(seed::HOLD.name.to_owned()), Ok(seed::TRAINER.name.to_owned()));
        let upper = seed::trainer_resource_id().to_uppercase();
        assert_eq!(chosen(&host, &Wanted::Any), hold);
        assert_eq!(chosen(&host, &Wanted::ClientId(seed::TRAINER.client_id)), trainer);
        assert_eq!(chosen(&host, &Wanted::ObjectId(seed::TRAINER.object_id)), trainer);
        assert_eq!(chosen(&host, &Wanted::ResourceId(&upper)), trainer);
        assert_eq!(chosen(&host, &Wanted::ClientId(seed::STRANGER.client_id)), Err(NoIdentity::NotFound));
        host.system_assigned = None;
        assert_eq!(chosen(&host, &Wanted::Any), trainer);
        host.user_assigned.push(seed::HOLD.client_id.to_owned());
        assert_eq!(chosen(&host, &Wanted::Any), Err(NoIdentity::Several));
        host.user_assigned.clear();
        assert_eq!(chosen(&host, &Wanted::Any), Err(NoIdentity::NotFound));
    }
}
