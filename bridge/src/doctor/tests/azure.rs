//! The workspace and its storage.

use super::*;

#[test]
fn the_azure_side_has_its_findings() {
    let rows = [
        (
            Hop::Workspace,
            Refused::Denied,
            "AuthorizationFailed",
            "azure/workspace-read-not-granted",
            "grant-missing",
        ),
        (Hop::Workspace, Refused::NotFound, "ResourceNotFound", "azure/workspace-not-found", "resource-name"),
        (
            Hop::Storage,
            Refused::Denied,
            "AuthorizationPermissionMismatch",
            "azure/storage-role-not-granted",
            "grant-missing",
        ),
        (Hop::Storage, Refused::Denied, "AuthorizationFailure", "azure/storage-network-rules", "network"),
        (
            Hop::Storage,
            Refused::Denied,
            "KeyBasedAuthenticationNotPermitted",
            "azure/shared-key-disabled",
            "shared-key-disabled",
        ),
        (Hop::Storage, Refused::Denied, "Else", "azure/storage-failed", "other"),
    ];
    for (hop, kind, said, code, cause) in rows {
        let mut world = World::sound();
        world.refused.push((hop, PortError { code: Some(said.to_owned()), ..error(kind, "no") }));
        let finding = world.finding();
        assert_eq!((finding.code, finding.cause), (code, cause), "{said}");
    }
}
