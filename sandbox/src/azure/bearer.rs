//! Reading the bearer token of a request to an Azure service: signature, issuer, audience, time, and then who it is.

use http::{Extensions, HeaderMap, header};
use jiff::Timestamp;
use serde_json::Value;

use super::entra;
use super::first_party::FirstParty;
use crate::serve::Expired;
use crate::signing::{self, Unverified};
use crate::world::Shared;

/// How far clocks may differ, in seconds.
const LEEWAY: i64 = 300;

/// Who sent a request.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// Object id of the user or service principal.
    pub(crate) object_id: String,
    /// Log-in name of a user, client id of a machine: how refusals call it.
    pub(crate) name: String,
    /// The object id, and those of all groups it is in.
    pub(crate) principals: Vec<String>,
    /// The token's claims.
    pub(crate) claims: Value,
}

impl Caller {
    /// The texts of a claim that is a list, or a space-separated text.
    pub(crate) fn texts(&self, claim: &str) -> Vec<&str> {
        match self.claims.get(claim) {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(all)) => all.split(' ').collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the token is a machine's own.
    pub(crate) fn is_application(&self) -> bool {
        self.claims.get("idtyp").and_then(Value::as_str) == Some("app")
    }
}

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unauthenticated {
    /// No token at all.
    Missing,
    /// Not a token of ours.
    Malformed,
    /// The signature does not hold.
    Signature,
    /// Another issuer's.
    Issuer,
    /// For somebody else.
    Audience(String),
    /// Too old.
    Expired {
        /// When it ended.
        at: Timestamp,
        /// When it was looked at.
        now: Timestamp,
    },
}

/// The caller of a request to `service`.
pub(crate) fn caller(
    shared: &Shared,
    service: &FirstParty,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Caller, Unauthenticated> {
    of_token(shared, &[service], token(headers)?, extensions.get::<Expired>().is_some())
}

/// Whose token this is, if it is one for any of `services`. `aged` makes a good token count as expired.
pub(crate) fn of_token(
    shared: &Shared,
    services: &[&FirstParty],
    token: &str,
    aged: bool,
) -> Result<Caller, Unauthenticated> {
    let claims =
        signing::verify(&shared.azure.signing.key_set(), token).map_err(|unverified| match unverified {
            Unverified::UnknownKey(_) | Unverified::Signature => Unauthenticated::Signature,
            Unverified::Malformed | Unverified::Algorithm(_) => Unauthenticated::Malformed,
        })?;
    check(shared, services, &claims, aged)?;
    Ok(identify(shared, claims))
}

/// The token of the `Authorization` header. The scheme's case does not matter.
fn token(headers: &HeaderMap) -> Result<&str, Unauthenticated> {
    let header = headers.get(header::AUTHORIZATION).ok_or(Unauthenticated::Missing)?;
    let header = header.to_str().map_err(|_| Unauthenticated::Malformed)?;
    match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Unauthenticated::Malformed),
    }
}

fn check(
    shared: &Shared,
    services: &[&FirstParty],
    claims: &Value,
    expired: bool,
) -> Result<(), Unauthenticated> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let issuers =
        shared.addresses().map(|it| [entra::issuer_v1(it), entra::issuer_v2(it)]).unwrap_or_default();
    if !issuers.iter().any(|issuer| issuer == text("iss")) {
        return Err(Unauthenticated::Issuer);
    }
    if !services.iter().any(|service| service.is_named(text("aud"))) {
        return Err(Unauthenticated::Audience(text("aud").to_owned()));
    }
    let now = shared.clock.now();
    let end = claims.get("exp").and_then(Value::as_i64).unwrap_or_default();
    let a_second_ago = now - jiff::SignedDuration::from_secs(1);
    let at = if expired { a_second_ago } else { Timestamp::from_second(end).unwrap_or_default() };
    if expired || now.as_second() > end + LEEWAY {
        return Err(Unauthenticated::Expired { at, now });
    }
    Ok(())
}

fn identify(shared: &Shared, claims: Value) -> Caller {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let object_id = text("oid").unwrap_or_default();
    let name =
        text("upn").or_else(|| text("appid")).or_else(|| text("azp")).unwrap_or_else(|| object_id.clone());
    let mut principals = shared.azure.directory_in_force().groups_of(&object_id);
    principals.push(object_id.clone());
    Caller { object_id, name, principals, claims }
}
