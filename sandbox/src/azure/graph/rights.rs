//! What a caller of Microsoft Graph may do: application permissions in a machine's `roles`, delegated permissions in a
//! person's `scp` together with her directory roles.

use crate::azure::bearer::Caller;
use crate::azure::first_party::{
    APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR,
};

/// What a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Right {
    /// See applications and service principals.
    ReadApplications,
    /// Change them.
    WriteApplications,
    /// Assign app roles.
    AssignRoles,
    /// See groups.
    ReadGroups,
    /// See people.
    ReadUsers,
}

impl Right {
    /// The permissions of which any one suffices.
    fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::ReadApplications => {
                &["Application.Read.All", "Application.ReadWrite.All", "Directory.Read.All"]
            }
            Self::WriteApplications => &["Application.ReadWrite.All"],
            Self::AssignRoles => &["AppRoleAssignment.ReadWrite.All"],
            Self::ReadUsers => &["User.ReadBasic.All", "User.Read.All", "Directory.Read.All"],
            Self::ReadGroups => &["Group.Read.All", "GroupMember.Read.All", "Directory.Read.All"],
        }
    }

    /// Whether every person in the tenant may do it, without any directory role.
    fn is_everybodys(self) -> bool {
        matches!(self, Self::ReadApplications | Self::ReadGroups | Self::ReadUsers)
    }

    /// Whether `caller` may do it.
    pub(crate) fn is_held_by(self, caller: &Caller) -> bool {
        if caller.is_application() {
            let roles = caller.texts("roles");
            return self.permissions().iter().any(|permission| roles.contains(permission));
        }
        let scopes = caller.texts("scp");
        let delegated = scopes.contains(&"Directory.AccessAsUser.All")
            || self.permissions().iter().any(|permission| scopes.contains(permission));
        delegated && (self.is_everybodys() || administers(caller))
    }
}

fn administers(caller: &Caller) -> bool {
    let administrators = [APPLICATION_ADMINISTRATOR, CLOUD_APPLICATION_ADMINISTRATOR, GLOBAL_ADMINISTRATOR];
    caller.texts("wids").iter().any(|role| administrators.contains(role))
}
