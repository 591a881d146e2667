//! Checking an assertion that an application signed with the key of one of its certificates.
//!
//! Sources: `learn.microsoft.com/entra/identity-platform/certificate-credentials` (header and claims) and
//! `…/reference-error-codes`.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::client::Client;
use super::refusal::Refusal;
use super::{issuer_v1, issuer_v2};
use crate::azure::directory::KeyCredential;
use crate::seed;
use crate::world::Shared;

/// How far clocks may differ, in seconds.
const LEEWAY: i64 = 300;

/// Checks `token`, whose issuer and subject are `client`. `expired` takes the certificate for outlived.
pub(super) fn check(shared: &Shared, client: &Client, token: &str, expired: bool) -> Result<(), Refusal> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Refusal::malformed_assertion())?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::PS256) {
        return Err(Refusal::wrong_algorithm());
    }
    let (sha1, sha256) = (header.x5t.as_deref(), header.x5t_s256.as_deref());
    let named = sha256.or(sha1).or(header.kid.as_deref()).unwrap_or_default();
    let now = shared.clock.now();
    let certificate = client
        .certificates
        .iter()
        .find(|one| is_named(one, sha1, sha256))
        .ok_or_else(|| Refusal::certificate_not_registered(&client.app_id, named, now))?;
    if expired || certificate.end_date_time <= now {
        return Err(Refusal::certificate_expired(&client.app_id, named, certificate, now));
    }
    let claims = verify(certificate, header.alg, token)
        .ok_or_else(|| Refusal::certificate_signature(&client.app_id, named, now))?;
    check_audience(shared, &claims)?;
    check_time(&claims, now)
}

/// Whether the thumbprints in the header are those of `certificate`.
fn is_named(certificate: &KeyCredential, sha1: Option<&str>, sha256: Option<&str>) -> bool {
    let thumbprint = |text: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
        Some(hex::encode_upper(bytes))
    };
    let own = hex::encode_upper(Sha256::digest(&certificate.certificate));
    match (sha256, sha1) {
        (Some(text), _) => thumbprint(text).is_some_and(|it| it == own),
        (None, Some(text)) => thumbprint(text).is_some_and(|it| it == certificate.custom_key_identifier),
        (None, None) => false,
    }
}

/// The claims, if the certificate's key signed them.
fn verify(certificate: &KeyCredential, algorithm: Algorithm, token: &str) -> Option<Value> {
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        STANDARD.encode(&certificate.certificate)
    );
    let key = DecodingKey::from_rsa_pem(pem.as_bytes()).ok()?;
    let mut rules = Validation::new(algorithm);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_aud = false;
    jsonwebtoken::decode::<Value>(token, &key, &rules).ok().map(|token| token.claims)
}

/// The audience is the token endpoint that is asked, or the tenant's issuer.
fn check_audience(shared: &Shared, claims: &Value) -> Result<(), Refusal> {
    let addresses = shared.addresses().ok_or_else(Refusal::internal)?;
    let base = format!("https://{}/{}", addresses.entra, seed::TENANT);
    let accepted = [
        format!("{base}/oauth2/v2.0/token"),
        format!("{base}/oauth2/token"),
        issuer_v1(addresses),
        issuer_v2(addresses),
    ];
    let audience = claims.get("aud").and_then(Value::as_str).unwrap_or_default();
    if accepted.iter().any(|one| one == audience) {
        Ok(())
    } else {
        Err(Refusal::assertion_audience(audience, &accepted))
    }
}

/// A `NumericDate` in whole seconds: it may have a fraction, and that of Microsoft's library for Python has one.
/// <https://www.rfc-editor.org/rfc/rfc7519#section-2>
fn numeric_date(value: &Value) -> Option<i64> {
    let with_fraction = || SignedDuration::try_from_secs_f64(value.as_f64()?).ok();
    value.as_i64().or_else(|| Some(with_fraction()?.as_secs()))
}

fn check_time(claims: &Value, now: Timestamp) -> Result<(), Refusal> {
    let second = |name: &str| claims.get(name).and_then(numeric_date);
    let expires = second("exp").ok_or_else(Refusal::malformed_assertion)?;
    let begins = second("nbf").unwrap_or(i64::MIN);
    if expires + LEEWAY < now.as_second() || begins.saturating_sub(LEEWAY) > now.as_second() {
        let time = |second: i64| Timestamp::from_second(second).unwrap_or_default();
        let begins = second("nbf").unwrap_or_default();
        return Err(Refusal::assertion_time(now, time(begins), time(expires)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_may_have_fractions() {
        for (value, expected) in [
            (json!(1_800_000_000), Some(1_800_000_000)),
            (json!(1.5), Some(1)),
            (json!("1"), None),
            (json!(1e300), None),
        ] {
            assert_eq!(numeric_date(&value), expected, "{value}");
        }
    }
}
