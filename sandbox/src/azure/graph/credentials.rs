//! Federated identity credentials of an application.

use http::Method;
use serde_json::{Map, Value};

use super::applications::position;
use super::refusal::Refusal;
use super::{Call, Done, created, found};
use crate::azure::directory::{Application, FederatedCredential};
use crate::random;

/// How many an application can have.
const MOST: usize = 20;
/// The longest issuer, subject or audience.
const LONGEST: usize = 600;

impl Call<'_> {
    pub(super) fn credentials(&self, method: &Method, key: &str, rest: &[&str]) -> Result<Done, Refusal> {
        let mut directory = self.shared.azure.directory();
        let at = position(&directory, key)?;
        match (method, rest) {
            (&Method::GET, []) => {
                self.list("federatedIdentityCredentials", at.get(&directory)?.federated_credentials.iter())
            }
            (&Method::POST, []) => {
                let credential = self.wanted_credential()?;
                let application = at.get_mut(&mut directory)?;
                refuse_clash(&application.federated_credentials, &credential)?;
                application.federated_credentials.push(credential.clone());
                created(&credential)
            }
            (&Method::GET, [id]) => {
                let application = at.get(&directory)?;
                let one = application.federated_credentials.iter().find(|it| is(it, id));
                found(one.ok_or_else(|| Refusal::not_found(id))?)
            }
            (&Method::PATCH, [id]) => {
                let application = at.get_mut(&mut directory)?;
                self.change_credential(application, id)
            }
            (&Method::DELETE, [id]) => {
                let application = at.get_mut(&mut directory)?;
                let before = application.federated_credentials.len();
                application.federated_credentials.retain(|it| !is(it, id));
                let gone = application.federated_credentials.len() < before;
                if gone { Ok(Done::Empty) } else { Err(Refusal::not_found(id)) }
            }
            _ => Err(Refusal::no_segment(rest.last().copied().unwrap_or("federatedIdentityCredentials"))),
        }
    }

    /// Everything but the name can be changed.
    fn change_credential(&self, application: &mut Application, key: &str) -> Result<Done, Refusal> {
        let all = &mut application.federated_credentials;
        let index = all.iter().position(|it| is(it, key)).ok_or_else(|| Refusal::not_found(key))?;
        let mut changed = all.get(index).cloned().ok_or_else(|| Refusal::not_found(key))?;
        for (name, value) in self.object()? {
            let text =
                || value.as_str().filter(|it| !it.is_empty() && it.len() <= LONGEST).map(str::to_owned);
            let wrong = || invalid(name, "is missing or too long");
            match name.as_str() {
                "issuer" => changed.issuer = text().ok_or_else(wrong)?,
                "subject" => changed.subject = text().ok_or_else(wrong)?,
                "description" => changed.description = text(),
                "audiences" => changed.audiences = vec![audience(self.object()?)?],
                "name" if value == changed.name.as_str() => {}
                "name" => return Err(invalid("name", "cannot be changed")),
                other => return Err(Refusal::invalid_property(other)),
            }
        }
        changed.created = self.shared.clock.now();
        let others: Vec<FederatedCredential> = all.iter().filter(|it| it.id != changed.id).cloned().collect();
        refuse_clash(&others, &changed)?;
        if let Some(slot) = all.get_mut(index) {
            *slot = changed;
        }
        Ok(Done::Empty)
    }

    fn wanted_credential(&self) -> Result<FederatedCredential, Refusal> {
        let body = self.object()?;
        let text = |name: &str| {
            let value =
                body.get(name).and_then(Value::as_str).filter(|it| !it.is_empty() && it.len() <= LONGEST);
            value.map(str::to_owned).ok_or_else(|| invalid(name, "is missing or too long"))
        };
        let audiences = vec![audience(body)?];
        let name = text("name")?;
        if !is_name(&name) {
            return Err(invalid(
                "name",
                "must have 3 to 120 letters, digits, hyphens and underscores, the first no sign",
            ));
        }
        let description = body.get("description").and_then(Value::as_str).map(str::to_owned);
        let (issuer, subject) = (text("issuer")?, text("subject")?);
        let created = self.shared.clock.now();
        Ok(FederatedCredential { id: random::uuid(), name, issuer, subject, audiences, description, created })
    }
}

/// `learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations`: names go into URLs.
fn is_name(name: &str) -> bool {
    let sign = |byte: u8| byte == b'-' || byte == b'_';
    (3..=120).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || sign(byte))
        && !name.starts_with(['-', '_'])
}

/// The one audience.
fn audience(body: &Map<String, Value>) -> Result<String, Refusal> {
    let audiences: Vec<String> = body
        .get("audiences")
        .and_then(|audiences| serde_json::from_value(audiences.clone()).ok())
        .unwrap_or_default();
    match <[String; 1]>::try_from(audiences) {
        Ok([one]) if !one.is_empty() && one.len() <= LONGEST => Ok(one),
        _ => Err(invalid("audiences", "must have exactly one value")),
    }
}

/// Credentials are addressed by id or by name.
fn is(credential: &FederatedCredential, key: &str) -> bool {
    credential.id == key || credential.name == key
}

fn invalid(property: &str, why: &str) -> Refusal {
    let message = format!(
        "The value of {property} {why}. paramName: FederatedIdentityCredential.{property}, objectType: \
         Microsoft.Online.DirectoryServices.Application"
    );
    Refusal::bad_request("InvalidFederatedIdentityCredentialValue", message)
}

fn refuse_clash(all: &[FederatedCredential], wanted: &FederatedCredential) -> Result<(), Refusal> {
    if all.iter().any(|it| it.name == wanted.name) {
        let message = format!("FederatedIdentityCredential with name {} already exists.", wanted.name);
        return Err(Refusal::conflict(message));
    }
    if all.iter().any(|it| it.issuer == wanted.issuer && it.subject == wanted.subject) {
        let message = format!(
            "The combination of issuer and subject must be unique for the application. Issuer {} and Subject: {} \
             already exist. paramName: FederatedIdentityCredential.Subject, paramValue: {}, objectType: \
             Microsoft.Online.DirectoryServices.Application",
            wanted.issuer, wanted.subject, wanted.subject
        );
        return Err(Refusal::bad_request("InvalidFederatedIdentityCredentialValue", message));
    }
    if all.len() >= MOST {
        let message = format!("The number of federated identity credentials is limited to {MOST}.");
        return Err(Refusal::bad_request("Request_BadRequest", message));
    }
    Ok(())
}
