//! `api` of an app registration: what is written of it stays or is changed, each part by itself.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::refusal::Refusal;
use crate::azure::directory::{Api, Application, PermissionScope, PreAuthorizedApplication};

/// The settings after a request that says `value`. Parts that it does not name stay.
pub(super) fn changed(application: &Application, value: &Value) -> Result<Api, Refusal> {
    let invalid = || Refusal::invalid_value("api");
    let parts = value.as_object().ok_or_else(invalid)?;
    let mut api = application.api.clone();
    for (name, part) in parts {
        match name.as_str() {
            "requestedAccessTokenVersion" => api.requested_access_token_version = version(part)?,
            "oauth2PermissionScopes" => {
                api.oauth2_permission_scopes = scopes(&application.api, read(name, part)?)?;
            }
            "preAuthorizedApplications" => {
                api.pre_authorized_applications = clients(&application.api, read(name, part)?)?;
            }
            unknown => return Err(Refusal::invalid_property(unknown)),
        }
    }
    Ok(api)
}

fn version(part: &Value) -> Result<Option<u8>, Refusal> {
    match (part, part.as_u64()) {
        (Value::Null, _) => Ok(None),
        (_, Some(1)) => Ok(Some(1)),
        (_, Some(2)) => Ok(Some(2)),
        _ => Err(Refusal::invalid_value("requestedAccessTokenVersion")),
    }
}

fn read<T: DeserializeOwned>(name: &str, part: &Value) -> Result<Vec<T>, Refusal> {
    serde_json::from_value(part.clone()).map_err(|_| Refusal::invalid_value(name))
}

/// An enabled permission must be disabled before it can be changed or removed, and ids and values must be unique.
fn scopes(before: &Api, wanted: Vec<PermissionScope>) -> Result<Vec<PermissionScope>, Refusal> {
    let kept = |old: &PermissionScope| {
        wanted.iter().any(|new| {
            new == old || (new.id == old.id && PermissionScope { is_enabled: true, ..new.clone() } == *old)
        })
    };
    if before.oauth2_permission_scopes.iter().any(|old| old.is_enabled && !kept(old)) {
        return Err(Refusal::enabled_entitlement());
    }
    for (index, scope) in wanted.iter().enumerate() {
        if !["User", "Admin"].contains(&scope.consent.as_str()) {
            return Err(Refusal::invalid_value("type"));
        }
        let same = |other: &PermissionScope| other.id == scope.id || other.value == scope.value;
        if wanted.iter().skip(index + 1).any(same) {
            return Err(Refusal::duplicate_value());
        }
    }
    Ok(wanted)
}

/// A client can be preauthorised for a permission that the application has already, not for one of the same request:
/// <https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/1395>. The words:
/// <https://github.com/microsoftgraph/microsoft-graph-docs/issues/12675>.
fn clients(
    before: &Api,
    wanted: Vec<PreAuthorizedApplication>,
) -> Result<Vec<PreAuthorizedApplication>, Refusal> {
    let known = |id: &String| before.oauth2_permission_scopes.iter().any(|scope| scope.id == *id);
    for (index, client) in wanted.iter().enumerate() {
        if !client.delegated_permission_ids.iter().all(known) {
            let message = "Property api.preAuthorizedApplications.delegatedPermissionIds has a Permission Id that cannot be \
                           found in the AppPermissions sets.";
            return Err(Refusal::bad_request("InvalidValue", message));
        }
        if wanted.iter().skip(index + 1).any(|other| other.app_id == client.app_id) {
            return Err(Refusal::duplicate_value());
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::azure::directory::Directory;

    fn scope(id: &str, enabled: bool) -> Value {
        json!({ "id": id, "value": format!("Do.{id}"), "type": "Admin", "adminConsentDisplayName": "x",
            "adminConsentDescription": "x", "isEnabled": enabled })
    }

    /// An application with the permissions `a` (enabled) and `b` (disabled), and a client that is preauthorised for `a`.
    fn application() -> Application {
        let now = jiff::Timestamp::UNIX_EPOCH;
        let seeded: Directory = crate::azure::directory::seeded(now);
        let mut application = seeded.applications.into_iter().next().unwrap();
        let api = json!({ "requestedAccessTokenVersion": 2, "oauth2PermissionScopes": [scope("a", true), scope("b", false)],
            "preAuthorizedApplications": [{ "appId": "cli", "delegatedPermissionIds": ["a"] }] });
        application.api = serde_json::from_value(api).unwrap();
        application
    }

    #[test]
    fn parts_that_are_not_named_stay() {
        let api = changed(&application(), &json!({ "requestedAccessTokenVersion": 1 })).unwrap();
        assert_eq!(api.requested_access_token_version, Some(1));
        assert_eq!((api.oauth2_permission_scopes.len(), api.permissions_of("CLI")), (2, vec!["Do.a"]));
    }

    #[test]
    fn what_graph_refuses_is_refused() {
        let clients = |ids: &[&str]| json!({ "preAuthorizedApplications": [{ "appId": "cli", "delegatedPermissionIds": ids }] });
        let scopes = |scopes: &[Value]| json!({ "oauth2PermissionScopes": scopes });
        let renamed = json!({ "id": "a", "value": "Other", "type": "Admin", "isEnabled": true });
        for (what, body, refused) in [
            ("an enabled permission goes", scopes(&[scope("b", false)]), Some("unless disabled first")),
            (
                "an enabled permission changes",
                scopes(&[renamed, scope("b", false)]),
                Some("unless disabled first"),
            ),
            ("it is disabled", scopes(&[scope("a", false), scope("b", false)]), None),
            ("a disabled one goes", scopes(&[scope("a", true)]), None),
            ("one twice", scopes(&[scope("a", true), scope("a", true)]), Some("duplicate values")),
            (
                "a client for an unknown permission",
                clients(&["c"]),
                Some("cannot be found in the AppPermissions sets"),
            ),
            ("a client for a known one", clients(&["a", "b"]), None),
            (
                "a client for one of the same request",
                json!({ "oauth2PermissionScopes": [scope("a", true), scope("b", false), scope("c", true)],
                    "preAuthorizedApplications": [{ "appId": "cli", "delegatedPermissionIds": ["c"] }] }),
                Some("cannot be found in the AppPermissions sets"),
            ),
            ("an unknown part", json!({ "odd": 1 }), Some("odd")),
        ] {
            let outcome = changed(&application(), &body).map(drop).map_err(|it| format!("{it:?}"));
            match refused {
                None => assert_eq!(outcome, Ok(()), "{what}"),
                Some(words) => {
                    assert!(outcome.as_ref().is_err_and(|it| it.contains(words)), "{what}: {outcome:?}");
                }
            }
        }
    }
}
