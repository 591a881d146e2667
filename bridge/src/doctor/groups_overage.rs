//! The caller is in more groups than a token carries: Entra leaves all of them out and points to Microsoft Graph, where
//! Google does not look.

use trust::token::Claims;

use super::Way;
use super::teams::is_caller;
use crate::finding::{Finding, cause};
use crate::spec::Who;

/// `learn.microsoft.com/security/zero-trust/develop/configure-tokens-group-claims-app-roles`.
const MOST_IN_A_TOKEN: &str = "at most 200 groups";

pub(super) fn check(way: &Way<'_>, claims: &Claims) -> Option<Finding> {
    if !claims.groups_overflow() || is_known_otherwise(way, claims) {
        return None;
    }
    let by_group = way.bridge.identities.iter().find(|it| matches!(it.who, Who::Group { .. }))?;
    let finding = Finding::new(
        "azure/groups-overage",
        cause::CLAIM_UNUSABLE,
        format!("the caller is in so many groups that its token names none: identity `{}` cannot be recognised", by_group.name),
    )
    .expected(MOST_IN_A_TOKEN, "claim `groups`")
    .found("`_claim_names`, which points to Microsoft Graph", "the Entra token")
    .advice("declare the identity by an app role (`appRole` with `members`, `people` or `groups`) in place of a group: roles are never left out")
    .advice(
        "or let the application put only those groups into tokens that are assigned to it: \
         `groupMembershipClaims: ApplicationGroup`",
    );
    Some(finding)
}

/// Whether the bridge knows the caller by something else than a group.
fn is_known_otherwise(way: &Way<'_>, claims: &Claims) -> bool {
    let mut others = way.bridge.identities.iter().filter(|it| !matches!(it.who, Who::Group { .. }));
    others.any(|identity| is_caller(&identity.who, claims))
}
