//! Microsoft.ManagedIdentity: user-assigned identities and their federated credentials. Refusals follow
//! `learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations` and the errors listed at
//! `learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust-user-assigned-managed-identity`.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::{Answer, Call, check_group};
use crate::azure::directory::{FederatedCredential, ManagedIdentity};
use crate::world::Shared;
use crate::{random, seed};

/// The provider, as paths name it.
pub(super) const PROVIDER: &str = "Microsoft.ManagedIdentity";
const KIND: &str = "userAssignedIdentities";
const CREDENTIALS: &str = "federatedIdentityCredentials";

/// How many federated credentials an identity takes.
const MOST: usize = 20;
/// The longest issuer, subject or audience.
const LONGEST: usize = 600;
/// How long a write of a federated credential takes. Until it is done, the identity takes no other.
const WRITE: Duration = Duration::from_millis(15);

/// A write of a federated credential that is under way.
pub(super) struct Write<'a> {
    shared: &'a Shared,
    identity: String,
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        self.shared.azure.writing().remove(&self.identity);
    }
}

/// Begins a write, if the request is one of a federated credential; refused while another of the same identity is under
/// way.
pub(super) async fn begin_write<'a>(
    shared: &'a Shared,
    method: &Method,
    path: &str,
) -> Result<Option<Write<'a>>, Refusal> {
    let lower = path.to_ascii_lowercase();
    let identity = lower.split_once("/federatedidentitycredentials/").map(|(identity, _)| identity);
    let Some(identity) = identity.filter(|_| matches!(*method, Method::PUT | Method::DELETE)) else {
        return Ok(None);
    };
    if !shared.azure.writing().insert(identity.to_owned()) {
        let message = format!(
            "Too many Federated Identity Credentials are written concurrently for the managed identity '{identity}'. \
             Concurrent Federated Identity Credentials writes under the same managed identity are not supported."
        );
        let code = "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity";
        return Err(Refusal::conflict(code, message));
    }
    let write = Write { shared, identity: identity.to_owned() };
    tokio::time::sleep(WRITE).await;
    Ok(Some(write))
}

impl Call<'_> {
    /// Serves what lies below `…/providers/Microsoft.ManagedIdentity/` in a resource group.
    pub(super) fn managed_identities(&self, group: &str, rest: &[&str]) -> Answer {
        let group_scope = format!("/subscriptions/{}/resourceGroups/{group}", seed::SUBSCRIPTION);
        let (kind, rest) = rest.split_first().ok_or_else(|| self.no_such_path())?;
        if !kind.eq_ignore_ascii_case(KIND) {
            return Err(self.no_such_path());
        }
        let Some((name, below)) = rest.split_first() else {
            self.read(&format!("{PROVIDER}/{KIND}/read"), &group_scope)?;
            check_group(group)?;
            return self.page(self.identities(&format!("{group_scope}/providers/{PROVIDER}/{KIND}/")));
        };
        let scope = format!("{group_scope}/providers/{PROVIDER}/{KIND}/{name}");
        match below {
            [] => self.identity(group, name, &scope),
            [credentials, rest @ ..] if credentials.eq_ignore_ascii_case(CREDENTIALS) => {
                self.credentials(group, name, &scope, rest)
            }
            _ => Err(self.no_such_path()),
        }
    }

    fn identities(&self, prefix: &str) -> Vec<Value> {
        let directory = self.shared.azure.directory();
        let here = |it: &&ManagedIdentity| {
            it.user_assigned && it.resource_id.to_ascii_lowercase().starts_with(&prefix.to_ascii_lowercase())
        };
        directory.managed_identities.iter().filter(here).map(shown).collect()
    }

    fn identity(&self, group: &str, name: &str, scope: &str) -> Answer {
        let verb = verb(&self.method)?;
        self.require(&format!("{PROVIDER}/{KIND}/{verb}"), scope)?;
        check_group(group)?;
        match verb {
            "write" => self.put_identity(name, scope),
            "delete" => {
                let mut directory = self.shared.azure.directory();
                let found = directory.managed_identities.iter().find(|it| is(it, scope));
                let Some(client_id) = found.map(|it| it.client_id.clone()) else {
                    return Ok((StatusCode::NO_CONTENT, Value::Null));
                };
                // Its role assignments stay, as in Azure: nobody stands behind them any more.
                directory.remove_managed_identity(&client_id);
                Ok((StatusCode::OK, Value::Null))
            }
            _ => {
                let directory = self.shared.azure.directory();
                let found = directory.managed_identities.iter().find(|it| is(it, scope)).map(shown);
                found.map(|it| (StatusCode::OK, it)).ok_or_else(|| no_identity(name))
            }
        }
    }

    fn put_identity(&self, name: &str, scope: &str) -> Answer {
        check_name(name, 3..=128, |name| {
            Refusal::bad_request(
                "InvalidResourceName",
                format!("Resource name '{name}' is invalid for '{PROVIDER}/{KIND}'."),
            )
        })?;
        let location = self.body.get("location").and_then(Value::as_str).filter(|it| !it.is_empty());
        let Some(location) = location else {
            let message = "The location property is required for this definition.";
            return Err(Refusal::bad_request("LocationRequired", message));
        };
        let tags: BTreeMap<String, String> = match self.body.get("tags") {
            None | Some(Value::Null) => BTreeMap::new(),
            Some(tags) => serde_json::from_value(tags.clone()).map_err(|error| {
                let message =
                    format!("The request content was invalid and could not be deserialized: '{error}'.");
                Refusal::bad_request("InvalidRequestContent", message)
            })?,
        };
        let mut directory = self.shared.azure.directory();
        if let Some(found) = directory.managed_identities.iter_mut().find(|it| is(it, scope)) {
            if !found.location.eq_ignore_ascii_case(location) {
                let message = format!(
                    "The resource '{name}' already exists in location '{}' in resource group '{}'. A resource with the \
                     same name cannot be created in location '{location}'. Please select a new resource name.",
                    found.location,
                    seed::RESOURCE_GROUP
                );
                return Err(Refusal::conflict("InvalidResourceLocation", message));
            }
            found.tags = tags;
            return Ok((StatusCode::OK, shown(found)));
        }
        let made = ManagedIdentity {
            client_id: random::uuid(),
            object_id: random::uuid(),
            name: name.to_owned(),
            resource_id: scope.to_owned(),
            user_assigned: true,
            location: location.to_owned(),
            tags,
            federated_credentials: Vec::new(),
        };
        let answer = shown(&made);
        directory.add_managed_identity(made);
        Ok((StatusCode::CREATED, answer))
    }

    fn credentials(&self, group: &str, name: &str, scope: &str, rest: &[&str]) -> Answer {
        let verb = verb(&self.method)?;
        self.require(&format!("{PROVIDER}/{KIND}/{CREDENTIALS}/{verb}"), scope)?;
        check_group(group)?;
        let now = self.shared.clock.now();
        let mut directory = self.shared.azure.directory();
        let found = directory.managed_identities.iter_mut().find(|it| is(it, scope));
        let identity = found.ok_or_else(|| no_identity(name))?;
        let all = &mut identity.federated_credentials;
        let at = |all: &[FederatedCredential], name: &str| {
            all.iter().position(|it| it.name.eq_ignore_ascii_case(name))
        };
        match (verb, rest) {
            ("read", []) => {
                let listed = all.iter().map(|it| credential_shown(scope, it)).collect();
                drop(directory);
                self.page(listed)
            }
            ("read", [credential]) => {
                let found = at(all, credential).and_then(|at| all.get(at));
                let found = found.map(|it| (StatusCode::OK, credential_shown(scope, it)));
                found.ok_or_else(|| no_credential(name, credential))
            }
            ("delete", [credential]) => match at(all, credential) {
                Some(at) => {
                    all.remove(at);
                    Ok((StatusCode::OK, Value::Null))
                }
                None => Ok((StatusCode::NO_CONTENT, Value::Null)),
            },
            ("write", [credential]) => {
                let mut wanted = self.wanted_credential(credential)?;
                wanted.created = now;
                let status = put(all, at(all, credential), &wanted)?;
                Ok((status, credential_shown(scope, &wanted)))
            }
            _ => Err(self.no_such_path()),
        }
    }

    fn wanted_credential(&self, name: &str) -> Result<FederatedCredential, Refusal> {
        check_name(name, 3..=120, |name| {
            bad_request(format!("Federated Identity Credential name '{name}' is invalid."))
        })?;
        let text = |field: &str| {
            let value = self.body.pointer(&format!("/properties/{field}")).and_then(Value::as_str);
            value.filter(|it| !it.is_empty() && it.len() <= LONGEST).map(str::to_owned)
        };
        let audiences = self.body.pointer("/properties/audiences").and_then(Value::as_array);
        let audiences: Vec<String> =
            audiences.into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect();
        let (Some(issuer), Some(subject), false) = (text("issuer"), text("subject"), audiences.is_empty())
        else {
            let message = "Federated Identity Credential from HTTP body has empty properties";
            return Err(bad_request(message.to_owned()));
        };
        if audiences.len() != 1 {
            let message = "Federated identity credentials must have exactly 1 audience.";
            return Err(bad_request(message.to_owned()));
        }
        Ok(FederatedCredential {
            id: random::uuid(),
            name: name.to_owned(),
            issuer,
            subject,
            audiences,
            description: None,
            created: jiff::Timestamp::UNIX_EPOCH,
        })
    }
}

/// Puts the credential into its place, or at the end.
fn put(
    all: &mut Vec<FederatedCredential>,
    at: Option<usize>,
    wanted: &FederatedCredential,
) -> Result<StatusCode, Refusal> {
    let others = all.iter().enumerate().filter(|(index, _)| Some(*index) != at);
    if others.into_iter().any(|(_, it)| it.issuer == wanted.issuer && it.subject == wanted.subject) {
        let message = "Issuer and subject combination already exists for this Managed Identity.";
        return Err(bad_request(message.to_owned()));
    }
    if let Some(place) = at.and_then(|at| all.get_mut(at)) {
        // Writing what is there already changes nothing, and so needs no time to spread.
        if place.issuer != wanted.issuer
            || place.subject != wanted.subject
            || place.audiences != wanted.audiences
        {
            *place = wanted.clone();
        }
        return Ok(StatusCode::OK);
    }
    if all.len() >= MOST {
        let message = format!(
            "The number of federated identity credentials for a managed identity is limited to {MOST}."
        );
        return Err(bad_request(message));
    }
    all.push(wanted.clone());
    Ok(StatusCode::CREATED)
}

fn bad_request(message: String) -> Refusal {
    Refusal::bad_request("BadRequest", message)
}

fn no_identity(name: &str) -> Refusal {
    Refusal::resource_not_found(&format!("{PROVIDER}/{KIND}"), name)
}

fn no_credential(identity: &str, name: &str) -> Refusal {
    Refusal::resource_not_found(&format!("{PROVIDER}/{KIND}/{identity}/{CREDENTIALS}"), name)
}

fn verb(method: &Method) -> Result<&'static str, Refusal> {
    match *method {
        Method::GET => Ok("read"),
        Method::PUT => Ok("write"),
        Method::DELETE => Ok("delete"),
        _ => Err(Refusal::method(method)),
    }
}

/// Letters, digits, hyphens and underscores, the first a letter or a digit.
fn check_name(
    name: &str,
    length: std::ops::RangeInclusive<usize>,
    refusal: impl FnOnce(&str) -> Refusal,
) -> Result<(), Refusal> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if length.contains(&name.len()) && begins && name.bytes().all(legal) {
        Ok(())
    } else {
        Err(refusal(name))
    }
}

fn is(identity: &ManagedIdentity, scope: &str) -> bool {
    identity.user_assigned && identity.resource_id.eq_ignore_ascii_case(scope)
}

fn shown(identity: &ManagedIdentity) -> Value {
    json!({
        "id": identity.resource_id,
        "name": identity.name,
        "type": format!("{PROVIDER}/{KIND}"),
        "location": identity.location,
        "tags": identity.tags,
        "properties": {
            "tenantId": seed::TENANT,
            "principalId": identity.object_id,
            "clientId": identity.client_id,
        },
    })
}

fn credential_shown(scope: &str, credential: &FederatedCredential) -> Value {
    json!({
        "id": format!("{scope}/{CREDENTIALS}/{}", credential.name),
        "name": credential.name,
        "type": format!("{PROVIDER}/{KIND}/{CREDENTIALS}"),
        "properties": {
            "issuer": credential.issuer,
            "subject": credential.subject,
            "audiences": credential.audiences,
        },
    })
}
