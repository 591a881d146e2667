//! A small Kubernetes cluster: an API server, controllers and one node.

use std::time::Duration;

use axum::Router;
use serde_json::json;

use crate::clock::Clock;
use crate::random;
use crate::signing::SigningKey;
use crate::start::StartError;
use crate::world::{Addresses, Shared};

/// What this side of the world knows.
pub struct State {
    /// Signs service-account tokens; its key set is served at the cluster's issuer.
    pub signing: SigningKey,
    /// The static token of the cluster administrator; the folder's `kubeconfig` uses it.
    pub admin_token: String,
}

impl State {
    /// The seeded world's cluster.
    pub fn seeded(_clock: &Clock) -> Result<Self, StartError> {
        Ok(Self { signing: SigningKey::generate()?, admin_token: random::secret() })
    }
}

/// The issuer of the cluster's service-account tokens.
pub fn issuer(addresses: &Addresses) -> String {
    format!("https://{}", addresses.cluster)
}

/// A token for the service account `name` in `namespace`, as a projected volume would hold it.
pub fn service_account_token(
    shared: &Shared,
    namespace: &str,
    name: &str,
    audience: &str,
    lifetime: Duration,
) -> Result<String, StartError> {
    let now = shared.clock.seconds();
    let token = shared.cluster.signing.sign(&json!({
        "iss": shared.addresses().map(issuer),
        "sub": format!("system:serviceaccount:{namespace}:{name}"),
        "aud": [audience],
        "iat": now,
        "nbf": now,
        "exp": now + i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX / 2),
        "jti": random::uuid(),
        "kubernetes.io": { "namespace": namespace, "serviceaccount": { "name": name } },
    }))?;
    shared.minted.remember(&token);
    Ok(token)
}

/// The API server's routes.
pub(crate) fn router(_shared: Shared) -> Router {
    Router::new()
}

/// Starts the controllers and the node; returns once they are ready.
pub(crate) async fn start(_shared: Shared) -> Result<(), StartError> {
    Ok(())
}

/// Ends the controllers and kills every process the node started. Called more than once; does not wait.
pub(crate) fn stop(_shared: &Shared) {}
