//! How people come across: a delegated permission of the application, and the Azure CLI preauthorised for it.
//!
//! Entra gives a client a token for a person only if the application exposes a delegated permission and somebody consented to
//! this client. To be preauthorised is such a consent, for one client and one permission, and the application's own
//! (<https://learn.microsoft.com/graph/api/resources/preauthorizedapplication>): nobody consents for the whole tenant.

use std::collections::BTreeSet;

use crate::name::guid;
use crate::resource::DelegatedPermission;
use crate::spec::Bridge;

/// The permission's value: `scp` of people's tokens. It alone gives nobody anything on the other side.
pub const CROSS: &str = "Gangplank.Cross";

/// The Azure CLI's client id, the same in every tenant:
/// <https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in>.
pub const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// The permission as this bridge would declare it, whether or not it lets people across.
pub fn delegated_permission(bridge: &Bridge) -> DelegatedPermission {
    DelegatedPermission {
        id: guid(&["delegated-permission", &bridge.azure.tenant, &bridge.federation.application, CROSS]),
        value: CROSS.to_owned(),
        display_name: "Cross to Google by this bridge".to_owned(),
        consent: "Admin".to_owned(),
        enabled: true,
        clients: BTreeSet::from([AZURE_CLI.to_owned()]),
    }
}

/// The permission, if any identity is for people.
pub(super) fn wanted(bridge: &Bridge) -> Option<DelegatedPermission> {
    bridge.lets_people_across().then(|| delegated_permission(bridge))
}
