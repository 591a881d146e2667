//! Authenticating the client of a token request.

use super::assertion;
use super::refusal::Refusal;
use super::request::{Credential, TokenRequest};
use crate::azure::directory::{Application, Secret};
use crate::seed;
use crate::world::Shared;

/// How a client has proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By a secret: `appidacr` is 1.
    Secret,
    /// By a signed assertion: `appidacr` is 2.
    Assertion,
}

/// Checks that the client exists, may log in, and is who it says. `expired` takes its credential for outlived.
pub(crate) async fn prove(shared: &Shared, request: &TokenRequest, expired: bool) -> Result<Proof, Refusal> {
    let application = registered(shared, &request.client_id)?;
    match &request.credential {
        Credential::Secret(secret) => {
            check_secret(shared, &application, secret, expired)?;
            Ok(Proof::Secret)
        }
        Credential::Assertion(token) => {
            assertion::check(shared, &application, token, expired).await?;
            Ok(Proof::Assertion)
        }
    }
}

fn registered(shared: &Shared, client_id: &str) -> Result<Application, Refusal> {
    let directory = shared.azure.directory();
    let unknown = || Refusal::application_not_found(client_id, seed::TENANT_NAME);
    let application = directory.application(client_id).ok_or_else(unknown)?;
    let principal = directory.service_principal_of(client_id).ok_or_else(unknown)?;
    if !principal.account_enabled {
        return Err(Refusal::disabled(client_id, &application.display_name));
    }
    Ok(application.clone())
}

fn check_secret(
    shared: &Shared,
    application: &Application,
    given: &str,
    expired: bool,
) -> Result<(), Refusal> {
    let now = shared.clock.now();
    match application.secrets.iter().find(|secret| is(secret, given)) {
        None => Err(Refusal::wrong_secret(&application.app_id)),
        Some(secret) if expired || secret.expires <= now => Err(Refusal::expired_secret(&application.app_id)),
        Some(_) => Ok(()),
    }
}

fn is(secret: &Secret, given: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(secret.value.as_bytes(), given.as_bytes()).is_ok()
}
