//! Checking a federated assertion: first whether a credential of the client admits it (asked of `trust`), then
//! whether its issuer signed it. Only an issuer that some credential names is ever contacted.

use jiff::SignedDuration;
use trust::Claims;
use trust::entra::{Assertion, ENTRA_ISSUERS, FederatedCredential, match_assertion};

use super::client::Client;
use super::refusal::Refusal;
use crate::signing::{self, Unverified};
use crate::world::Shared;

/// How far past its end an assertion is taken to be when it must count as expired.
const LONG_EXPIRED: SignedDuration = SignedDuration::from_hours(1);

/// Checks `token` against the federated credentials of `client`. `expired` takes it for outlived.
pub(crate) async fn check(
    shared: &Shared,
    client: &Client,
    token: &str,
    expired: bool,
) -> Result<(), Refusal> {
    let claims =
        signing::peek(token).and_then(Claims::from_value).ok_or_else(Refusal::malformed_assertion)?;
    admit(shared, client, &claims, expired)?;
    let issuer = claims.issuer().unwrap_or_default();
    let keys = signing::fetch_key_set(&shared.client, issuer).await.map_err(|error| {
        tracing::debug!(%error, "no keys of an assertion's issuer");
        Refusal::issuer_unreachable()
    })?;
    signing::verify(&keys, token).map(drop).map_err(|unverified| match unverified {
        Unverified::UnknownKey(key) => Refusal::key_not_found(&key, issuer),
        Unverified::Signature => Refusal::wrong_signature(),
        Unverified::Malformed | Unverified::Algorithm(_) => Refusal::malformed_assertion(),
    })
}

/// Whether a credential admits the claims, in `trust`'s view.
fn admit(shared: &Shared, client: &Client, claims: &Claims, expired: bool) -> Result<(), Refusal> {
    let credentials: Vec<FederatedCredential> = client
        .federated_credentials
        .iter()
        .map(|one| FederatedCredential {
            name: one.name.clone(),
            issuer: one.issuer.clone(),
            subject: one.subject.clone(),
            audiences: one.audiences.clone(),
            expression: None,
        })
        .collect();
    let own = shared.addresses().map(|it| format!("https://{}/", it.entra)).unwrap_or_default();
    let [public, older] = ENTRA_ISSUERS;
    let entra_issuers = [public, older, own.as_str()];
    let assertion = Assertion { client: &client.app_id, claims, entra_issuers: &entra_issuers };
    let late = || claims.expires_at().and_then(|end| end.checked_add(LONG_EXPIRED).ok());
    let now = expired.then(late).flatten().unwrap_or_else(|| shared.clock.now());
    match match_assertion(&credentials, &assertion, now) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(Refusal::assertion(refusal.code, refusal.text)),
    }
}
