//! The permission by which people cross, and the clients that are preauthorised for it, among what others registered.
//!
//! Both are lists that Graph replaces as a whole; others' entries are not ours to take away. A permission must be switched off
//! before it changes or goes (<https://learn.microsoft.com/graph/api/resources/permissionscope>), and one that goes while a
//! client is preauthorised for it leaves an entry that nobody can remove
//! (<https://github.com/MicrosoftDocs/azure-docs/issues/121168>): so clients go first. A client can be preauthorised only for a permission that is there
//! already, not for one of the same request (<https://github.com/microsoftgraph/microsoft-graph-docs-contrib/issues/1395>).

use std::collections::BTreeSet;

use bridge::resource::DelegatedPermission;
use serde::Deserialize;
use serde_json::{Value, json};

use super::same_id;

/// `api` of an application, as far as we look.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Api {
    pub(super) requested_access_token_version: Option<u8>,
    /// As Graph shows them: others' are sent back as they are.
    oauth2_permission_scopes: Vec<Value>,
    pre_authorized_applications: Vec<Client>,
}

/// A preauthorised client.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Client {
    app_id: String,
    #[serde(default)]
    delegated_permission_ids: Vec<String>,
}

impl Api {
    /// The permission as it is registered: by its id, or under its value by somebody else.
    pub(super) fn observed(&self, declared: &DelegatedPermission) -> Option<DelegatedPermission> {
        let scope = self.own(declared).next()?;
        let id = text(scope, "id");
        let clients = self.pre_authorized_applications.iter();
        let clients =
            clients.filter(|client| client.has(id)).map(|client| client.app_id.to_ascii_lowercase());
        Some(DelegatedPermission {
            id: id.to_ascii_lowercase(),
            value: text(scope, "value").to_owned(),
            display_name: text(scope, "adminConsentDisplayName").to_owned(),
            consent: text(scope, "type").to_owned(),
            enabled: is_enabled(scope),
            clients: clients.collect(),
        })
    }

    /// The steps from here to what is wanted.
    pub(super) fn steps(&self, declared: &DelegatedPermission, wanted: bool, version: u8) -> Steps {
        if !wanted && self.is_plain() {
            let main = json!({ "requestedAccessTokenVersion": version });
            return Steps { before: Vec::new(), main, after: Vec::new() };
        }
        let mut before = Vec::new();
        let mut now = self.clone();
        now.requested_access_token_version = Some(version);
        let leaving: Vec<String> = self
            .own(declared)
            .filter(|scope| !wanted || !is_as_declared(scope, declared))
            .map(|scope| text(scope, "id").to_owned())
            .collect();
        if now.forget_clients_of(&leaving) {
            before.push(now.to_json());
        }
        if now.switch_off(&leaving) {
            before.push(now.to_json());
        }
        now.oauth2_permission_scopes.retain(|scope| !leaving.iter().any(|id| same_id(id, text(scope, "id"))));
        let there = now.own(declared).next().is_some();
        if wanted && !there {
            now.oauth2_permission_scopes.push(scope(declared));
        }
        let main = now.to_json();
        let mut after = Vec::new();
        if wanted && now.admit_exactly(declared) {
            after.push(now.to_json());
        }
        Steps { before, main, after }
    }

    fn own<'a>(&'a self, declared: &'a DelegatedPermission) -> impl Iterator<Item = &'a Value> {
        let is_own = |scope: &&Value| {
            same_id(text(scope, "id"), &declared.id) || text(scope, "value") == declared.value
        };
        self.oauth2_permission_scopes.iter().filter(is_own)
    }

    /// Takes clients' leave for these permissions away. Returns whether any had it.
    fn forget_clients_of(&mut self, permissions: &[String]) -> bool {
        let before = self.pre_authorized_applications.clone();
        for client in &mut self.pre_authorized_applications {
            client.delegated_permission_ids.retain(|id| !permissions.iter().any(|gone| same_id(gone, id)));
        }
        let had_some = |client: &Client| {
            before.iter().any(|it| it.app_id == client.app_id && !it.delegated_permission_ids.is_empty())
        };
        self.pre_authorized_applications
            .retain(|client| !client.delegated_permission_ids.is_empty() || !had_some(client));
        self.pre_authorized_applications != before
    }

    fn switch_off(&mut self, permissions: &[String]) -> bool {
        let mut switched = false;
        for scope in &mut self.oauth2_permission_scopes {
            if permissions.iter().any(|id| same_id(id, text(scope, "id")))
                && is_enabled(scope)
                && let Some(fields) = scope.as_object_mut()
            {
                fields.insert("isEnabled".to_owned(), json!(false));
                switched = true;
            }
        }
        switched
    }

    /// Preauthorises the declared clients, and no others, for the permission. Returns whether that changes anything.
    fn admit_exactly(&mut self, declared: &DelegatedPermission) -> bool {
        let admitted = self.pre_authorized_applications.iter().filter(|client| client.has(&declared.id));
        let admitted: BTreeSet<String> = admitted.map(|client| client.app_id.to_ascii_lowercase()).collect();
        if admitted == declared.clients {
            return false;
        }
        self.forget_clients_of(std::slice::from_ref(&declared.id));
        for client in &declared.clients {
            let known = self.pre_authorized_applications.iter_mut().find(|it| same_id(&it.app_id, client));
            match known {
                Some(known) => known.delegated_permission_ids.push(declared.id.clone()),
                None => self.pre_authorized_applications.push(Client {
                    app_id: client.clone(),
                    delegated_permission_ids: vec![declared.id.clone()],
                }),
            }
        }
        true
    }

    fn to_json(&self) -> Value {
        let clients: Vec<Value> = self.pre_authorized_applications.iter().map(Client::to_json).collect();
        json!({
            "requestedAccessTokenVersion": self.requested_access_token_version,
            "oauth2PermissionScopes": self.oauth2_permission_scopes,
            "preAuthorizedApplications": clients,
        })
    }

    /// Whether there is nothing but the version to speak of.
    fn is_plain(&self) -> bool {
        self.oauth2_permission_scopes.is_empty() && self.pre_authorized_applications.is_empty()
    }
}

/// The way to what is wanted, each step an `api` for one request.
#[derive(Debug, PartialEq)]
pub(super) struct Steps {
    /// What comes before the rest of the application is changed.
    pub(super) before: Vec<Value>,
    /// What is changed together with it.
    pub(super) main: Value,
    /// What comes after that.
    pub(super) after: Vec<Value>,
}

impl Client {
    fn has(&self, permission: &str) -> bool {
        self.delegated_permission_ids.iter().any(|id| same_id(id, permission))
    }

    fn to_json(&self) -> Value {
        json!({ "appId": self.app_id, "delegatedPermissionIds": self.delegated_permission_ids })
    }
}

fn scope(declared: &DelegatedPermission) -> Value {
    json!({
        "id": declared.id,
        "value": declared.value,
        "type": declared.consent,
        "adminConsentDisplayName": declared.display_name,
        "adminConsentDescription": declared.display_name,
        "isEnabled": declared.enabled,
    })
}

fn is_as_declared(scope: &Value, declared: &DelegatedPermission) -> bool {
    same_id(text(scope, "id"), &declared.id)
        && text(scope, "value") == declared.value
        && text(scope, "type") == declared.consent
        && text(scope, "adminConsentDisplayName") == declared.display_name
        && is_enabled(scope) == declared.enabled
}

fn is_enabled(scope: &Value) -> bool {
    scope.get("isEnabled").and_then(Value::as_bool).unwrap_or(true)
}

fn text<'v>(scope: &'v Value, field: &str) -> &'v str {
    scope.get(field).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OTHER: &str = "11111111-0000-4000-8000-000000000000";
    const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

    fn declared() -> DelegatedPermission {
        DelegatedPermission {
            id: "22222222-0000-4000-8000-000000000000".to_owned(),
            value: "Gangplank.Cross".to_owned(),
            display_name: "Cross".to_owned(),
            consent: "Admin".to_owned(),
            enabled: true,
            clients: BTreeSet::from([CLI.to_owned()]),
        }
    }

    fn others() -> Value {
        json!({ "id": OTHER, "value": "user_impersonation", "type": "User", "isEnabled": true, "userConsentDisplayName": "x" })
    }

    fn api(scopes: &[&Value], clients: &[(&str, &[&str])]) -> Api {
        let clients: Vec<Value> =
            clients.iter().map(|(id, of)| json!({ "appId": id, "delegatedPermissionIds": of })).collect();
        let shown = json!({ "requestedAccessTokenVersion": 2, "oauth2PermissionScopes": scopes, "preAuthorizedApplications": clients });
        serde_json::from_value(shown).unwrap()
    }

    /// Every step as `scopes with - for off / clients with how many permissions`.
    fn told(steps: &Steps) -> Vec<String> {
        let all = steps.before.iter().chain([&steps.main]).chain(&steps.after);
        let list = |api: &Value, name: &str, one: fn(&Value) -> String| {
            let items = api[name].as_array().cloned().unwrap_or_default();
            items.iter().map(one).collect::<Vec<_>>().join(" ")
        };
        all.map(|api| {
            let scopes = list(api, "oauth2PermissionScopes", |it| {
                format!("{}{}", if is_enabled(it) { "" } else { "-" }, text(it, "value"))
            });
            let clients = list(api, "preAuthorizedApplications", |it| {
                let ids = it["delegatedPermissionIds"].as_array().unwrap().len();
                format!("{}:{ids}", &text(it, "appId")[..3])
            });
            format!("{scopes} / {clients}")
        })
        .collect()
    }

    #[test]
    fn one_step_at_a_time() {
        let ours = declared();
        let own = scope(&ours);
        let id = ours.id.as_str();
        let strangers = json!({ "id": "33333333-0000-4000-8000-000000000000", "value": "Gangplank.Cross", "type": "User" });
        let off = json!({ "id": id, "value": "Gangplank.Cross", "type": "Admin", "adminConsentDisplayName": "Cross", "isEnabled": false });
        for (what, api, wanted, expected) in [
            ("machines alone", api(&[], &[]), false, vec![" / "]),
            (
                "others' stay",
                api(&[&others()], &[("abc", &[OTHER])]),
                false,
                vec!["user_impersonation / abc:1"],
            ),
            ("new", api(&[], &[]), true, vec!["Gangplank.Cross / ", "Gangplank.Cross / 04b:1"]),
            (
                "new beside others'",
                api(&[&others()], &[(CLI, &[OTHER])]),
                true,
                vec![
                    "user_impersonation Gangplank.Cross / 04b:1",
                    "user_impersonation Gangplank.Cross / 04b:2",
                ],
            ),
            ("as it should be", api(&[&own], &[(CLI, &[id])]), true, vec!["Gangplank.Cross / 04b:1"]),
            (
                "a client that nobody declared",
                api(&[&own], &[(CLI, &[id]), ("abc", &[id])]),
                true,
                vec!["Gangplank.Cross / 04b:1 abc:1", "Gangplank.Cross / 04b:1"],
            ),
            (
                "going",
                api(&[&own], &[(CLI, &[id])]),
                false,
                vec!["Gangplank.Cross / ", "-Gangplank.Cross / ", " / "],
            ),
            ("half gone", api(&[&off], &[]), false, vec![" / "]),
            (
                "switched off by hand",
                api(&[&off], &[(CLI, &[id])]),
                true,
                vec!["-Gangplank.Cross / ", "Gangplank.Cross / ", "Gangplank.Cross / 04b:1"],
            ),
            (
                "somebody else's of our name",
                api(&[&strangers], &[]),
                true,
                vec!["-Gangplank.Cross / ", "Gangplank.Cross / ", "Gangplank.Cross / 04b:1"],
            ),
        ] {
            assert_eq!(told(&api.steps(&ours, wanted, 2)), expected, "{what}");
        }
    }

    #[test]
    fn what_is_seen_is_what_was_declared() {
        let ours = declared();
        let id = ours.id.to_uppercase();
        assert_eq!(api(&[&others()], &[(CLI, &[OTHER])]).observed(&ours), None);
        let seen = api(&[&others(), &scope(&ours)], &[(CLI, &[id.as_str(), OTHER])]).observed(&ours);
        assert_eq!(seen, Some(ours.clone()));
        let alone = api(&[&scope(&ours)], &[("ABC", &[OTHER])]).observed(&ours).unwrap();
        assert!(alone.clients.is_empty());
    }
}
