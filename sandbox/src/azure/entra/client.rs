//! Authenticating the client of a token request.

use super::refusal::Refusal;
use super::request::{Credential, TokenRequest};
use super::{assertion, certificate};
use crate::azure::directory::{Directory, FederatedCredential, KeyCredential, Secret};
use crate::seed;
use crate::signing;
use crate::world::Shared;

/// How a client has proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By a secret: `appidacr` is 1.
    Secret,
    /// By a signed assertion: `appidacr` is 2.
    Assertion,
    /// Not at all: its host vouches for a managed identity.
    Host,
}

/// A client that may log in, with what it can prove itself by: an application, or a managed identity.
pub(crate) struct Client {
    pub(super) app_id: String,
    pub(super) secrets: Vec<Secret>,
    pub(super) certificates: Vec<KeyCredential>,
    /// Those that the token endpoint sees already.
    pub(super) federated_credentials: Vec<FederatedCredential>,
}

/// Checks that the client exists, may log in, and is who it says. `expired` takes its credential for outlived.
pub(crate) async fn prove(shared: &Shared, request: &TokenRequest, expired: bool) -> Result<Proof, Refusal> {
    let client = registered(shared, &request.client_id)?;
    match &request.credential {
        Credential::Secret(secret) => {
            check_secret(shared, &client, secret, expired)?;
            Ok(Proof::Secret)
        }
        Credential::Assertion(token) => {
            if is_own(&client, token) {
                certificate::check(shared, &client, token, expired)?;
            } else {
                assertion::check(shared, &client, token, expired).await?;
            }
            Ok(Proof::Assertion)
        }
    }
}

/// The client, if it is in the tenant and switched on.
pub(super) fn registered(shared: &Shared, client_id: &str) -> Result<Client, Refusal> {
    let directory = shared.azure.directory();
    let unknown = || Refusal::application_not_found(client_id, seed::TENANT_NAME);
    let registered = directory.application(client_id).is_some()
        || directory.foreign_applications.iter().any(|id| id.eq_ignore_ascii_case(client_id));
    let principal = match directory.service_principal_of(client_id) {
        Some(principal) => principal,
        None if registered => return Err(Refusal::no_service_principal(client_id)),
        None => return Err(unknown()),
    };
    if !principal.account_enabled {
        return Err(Refusal::disabled(client_id, &principal.display_name));
    }
    let mut client = find(&directory, client_id).ok_or_else(unknown)?;
    let seen = shared.azure.seen_by_now(shared.clock.now());
    client.federated_credentials.retain(|credential| credential.created <= seen);
    Ok(client)
}

fn find(directory: &Directory, client_id: &str) -> Option<Client> {
    let federated_credentials = directory.federated_credentials(client_id)?.to_vec();
    let application = directory.application(client_id);
    Some(Client {
        app_id: client_id.to_owned(),
        secrets: application.map(|it| it.secrets.clone()).unwrap_or_default(),
        certificates: application.map(|it| it.certificates.clone()).unwrap_or_default(),
        federated_credentials,
    })
}

/// Whether the assertion says it was made by the client itself: then a certificate must have signed it.
fn is_own(client: &Client, token: &str) -> bool {
    let claims = signing::peek(token).unwrap_or_default();
    let is = |name: &str| {
        claims
            .get(name)
            .and_then(serde_json::Value::as_str)
            .is_some_and(|it| it.eq_ignore_ascii_case(&client.app_id))
    };
    is("iss") && is("sub")
}

fn check_secret(shared: &Shared, client: &Client, given: &str, expired: bool) -> Result<(), Refusal> {
    let now = shared.clock.now();
    match client.secrets.iter().find(|secret| is(secret, given)) {
        None => Err(Refusal::wrong_secret(&client.app_id)),
        Some(secret) if expired || secret.expires <= now => Err(Refusal::expired_secret(&client.app_id)),
        Some(_) => Ok(()),
    }
}

fn is(secret: &Secret, given: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(secret.value.as_bytes(), given.as_bytes()).is_ok()
}
