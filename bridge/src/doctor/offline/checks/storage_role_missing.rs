//! Nobody gave the caller a data role on the storage account: by the assignments, which a live walk sees none of; what the
//! words alone say is the walk's to judge.

use super::super::case::Case;
use crate::exhibit::{Exhibit, Kind};
use crate::finding::{Finding, cause};

pub(super) fn check(case: &Case<'_>) -> Option<Finding> {
    let needles = [
        "authorizationpermissionmismatch",
        "operation using this permission",
        "process_storage_error",
        "storage blob data",
    ];
    let denied = case.says(&needles)
        || case.says(&["403", "authentication error", "not authorized", "forbidden"])
            && case.says(&["blob", "storage", "download", "upload", "datastore"]);
    if !denied {
        return None;
    }
    let assignments: Vec<&Exhibit> = case.of(Kind::RoleAssignment).collect();
    let who = who(case);
    let concerns = |it: &&&Exhibit| who.as_ref().is_none_or(|(id, _)| it.text("/principalId") == Some(id));
    let own: Vec<&str> =
        assignments.iter().filter(concerns).filter_map(|it| it.text("/roleDefinitionName")).collect();
    if own.iter().any(|role| role.starts_with("Storage Blob Data") || role.starts_with("Storage File Data")) {
        return recent(case, &assignments);
    }
    let seen = !assignments.is_empty() || case.none_of(Kind::RoleAssignment).is_some();
    if !seen {
        return None;
    }
    let place = assignments
        .first()
        .map_or_else(|| "the role assignments".to_owned(), |it| it.origin("/roleDefinitionName"));
    let (principal, origin) = who.unwrap_or_else(|| ("the caller".to_owned(), "Azure Storage".to_owned()));
    Some(
        Finding::new("azure/storage-role-not-granted", cause::GRANT_MISSING, format!("{principal} has no data role on the storage account"))
            .expected("Storage Blob Data Reader (to write: Contributor) on the container", origin)
            .found(if own.is_empty() { "no role".to_owned() } else { own.join(", ") }, place)
            .mend(
                "give the narrowest data role, on the one container",
                format!("az role assignment create --assignee-object-id {} --role 'Storage Blob Data Reader' --scope CONTAINER_ID", if principal == "the caller" { "OBJECT_ID" } else { &principal }),
            )
            .advice("Owner and Contributor hold no right to data: listing models goes by the control plane and still works, reading their files does not"),
    )
}

fn who(case: &Case<'_>) -> Option<(String, String)> {
    let token = case
        .tokens()
        .iter()
        .find_map(|it| Some((it.exhibit.text("/claims/oid")?.to_owned(), it.exhibit.origin("/claims/oid"))));
    token.or_else(|| case.fact("objectId").map(|(value, origin)| (value.to_owned(), origin)))
}

/// The role is there, and younger than Azure takes to honour it.
fn recent(case: &Case<'_>, assignments: &[&Exhibit]) -> Option<Finding> {
    let now = case.moment?;
    let young = assignments.iter().find(|it| {
        it.text_of(&["/createdOn", "/updatedOn"])
            .and_then(|at| at.parse::<jiff::Timestamp>().ok())
            .is_some_and(|at| now.duration_since(at).as_mins() < 10)
    })?;
    Some(
        Finding::new(
            "azure/role-not-honoured-yet",
            cause::PROPAGATION,
            "the data role is there, and was given minutes ago",
        )
        .expected("ten minutes after the assignment", "Azure's role assignments")
        .found(young.text_of(&["/createdOn", "/updatedOn"]).unwrap_or_default(), young.origin("/createdOn"))
        .advice("try again ten minutes after it was given, with a new token"),
    )
}
