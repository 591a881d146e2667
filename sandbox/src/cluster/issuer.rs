//! The cluster's OIDC issuer: discovery, keys, and tokens for service accounts.

use std::time::Duration;

use serde_json::{Value, json};

use super::State;
use super::json::{list, number, set, text};
use super::kinds;
use super::naming;
use super::status::Failure;
use super::store::Key;
use crate::random;
use crate::signing::SigningError;
use crate::world::{Addresses, Shared};

/// How long a token lives that asks for no time; also the shortest that may be asked for is below.
const DEFAULT_LIFE: i64 = 3600;
const SHORTEST_LIFE: i64 = 600;
const LONGEST_LIFE: i64 = 48 * 3600;

/// The issuer of the cluster's service-account tokens.
pub(crate) fn url(addresses: &Addresses) -> String {
    format!("https://{}", addresses.cluster)
}

/// The issuer's public documents.
pub(crate) fn document(shared: &Shared, path: &str) -> Option<Value> {
    let issuer = url(shared.addresses()?);
    match path {
        "/.well-known/openid-configuration" => Some(json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/openid/v1/jwks"),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        })),
        "/openid/v1/jwks" => Some(shared.cluster.signing.key_set()),
        _ => None,
    }
}

/// A token for the service account `name` in `namespace`.
pub(crate) fn mint(
    shared: &Shared,
    namespace: &str,
    name: &str,
    audiences: &[String],
    lifetime: Duration,
) -> Result<String, SigningError> {
    let now = shared.clock.seconds();
    let account = shared.cluster.store.get(&Key::new(&kinds::SERVICE_ACCOUNT, namespace, name));
    let uid = account.as_deref().map(|account| text(account, "/metadata/uid")).unwrap_or_default();
    let token = shared.cluster.signing.sign(&json!({
        "iss": shared.addresses().map(url),
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
        "aud": audiences,
        "iat": now,
        "nbf": now,
        "exp": now + i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX / 2),
        "jti": random::uuid(),
        "kubernetes.io": { "namespace": namespace, "serviceaccount": { "name": name, "uid": uid } },
    }))?;
    shared.minted.remember(&token);
    Ok(token)
}

/// Answers `serviceaccounts/NAME/token`.
pub(crate) fn request(shared: &Shared, key: &Key, mut body: Value) -> Result<Value, Failure> {
    let state: &State = &shared.cluster;
    state.store.get(key).ok_or_else(|| Failure::not_found(key.kind, &key.name))?;
    let mut audiences: Vec<String> =
        list(&body, "/spec/audiences").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if audiences.is_empty() {
        audiences.extend(shared.addresses().map(url));
    }
    let asked = number(&body, "/spec/expirationSeconds").unwrap_or(DEFAULT_LIFE);
    if asked < SHORTEST_LIFE {
        let why =
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: ";
        return Err(Failure::bad_request(format!(
            "{why}{asked}: may not specify a duration less than 10 minutes"
        )));
    }
    let life = asked.min(LONGEST_LIFE);
    let lifetime = Duration::from_secs(u64::try_from(life).unwrap_or_default());
    let token = mint(shared, &key.namespace, &key.name, &audiences, lifetime)
        .map_err(|error| Failure::internal(error.to_string()))?;
    let end = shared.clock.now() + jiff::SignedDuration::from_secs(life);
    set(&mut body, &["kind"], json!("TokenRequest"));
    set(&mut body, &["apiVersion"], json!("authentication.k8s.io/v1"));
    set(&mut body, &["metadata"], json!({ "name": key.name, "namespace": key.namespace }));
    set(&mut body, &["spec", "audiences"], json!(audiences));
    set(&mut body, &["spec", "expirationSeconds"], json!(life));
    set(&mut body, &["status"], json!({ "token": token, "expirationTimestamp": naming::timestamp(end) }));
    Ok(body)
}
