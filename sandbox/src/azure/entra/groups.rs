//! The groups in a token: which ones the resource application asks for, and what stands there when they are too many.
//!
//! Source: `learn.microsoft.com/security/zero-trust/develop/configure-tokens-group-claims-app-roles`.

use serde_json::{Map, Value, json};

use super::resource::Resource;
use crate::azure::directory::Directory;
use crate::seed;
use crate::world::Shared;

/// More groups than this are left out of a JSON web token.
const MOST: usize = 200;

/// What `groupMembershipClaims` of an application can say; several are joined by commas.
pub(crate) const KINDS: [&str; 5] = ["None", "SecurityGroup", "ApplicationGroup", "DirectoryRole", "All"];

/// Adds `groups`, or where to ask for them, to the claims about `member`. `kind` is the collection of Graph that it is in.
pub(super) fn add(
    claims: &mut Map<String, Value>,
    shared: &Shared,
    directory: &Directory,
    (kind, member): (&str, &str),
    resource: &Resource,
) {
    let groups = wanted(directory, member, resource);
    if groups.len() > MOST {
        let graph = shared.addresses().map(|it| it.graph.to_string()).unwrap_or_default();
        let endpoint = format!("https://{graph}/{}/{kind}/{member}/getMemberObjects", seed::TENANT);
        claims.insert("_claim_names".to_owned(), json!({ "groups": "src1" }));
        claims.insert("_claim_sources".to_owned(), json!({ "src1": { "endpoint": endpoint } }));
    } else if !groups.is_empty() {
        claims.insert("groups".to_owned(), json!(groups));
    }
}

/// Groups are in a token only if the resource application asks for them: all that hold the member, directly or through
/// others, or those alone that are assigned to the application.
fn wanted(directory: &Directory, member: &str, resource: &Resource) -> Vec<String> {
    let application = resource.application.as_ref();
    let setting = application.and_then(|it| it.group_membership_claims.as_deref()).unwrap_or("None");
    let asks = |kind: &str| setting.split(',').any(|one| one.trim() == kind);
    let mut groups = directory.groups_of(member);
    if asks("All") || asks("SecurityGroup") {
        return groups;
    }
    if !asks("ApplicationGroup") {
        return Vec::new();
    }
    groups.retain(|group| {
        let to = |it: &&crate::azure::directory::AppRoleAssignment| it.resource_id == resource.principal.id;
        directory.assignments.iter().filter(to).any(|it| it.principal_id == *group)
    });
    groups
}
