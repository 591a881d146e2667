//! Entra: discovery, keys, and the token endpoint.
//!
//! A token request passes these steps, each in its own module: read the form ([`request`]), authenticate the client by
//! secret, certificate or federated assertion ([`client`], [`certificate`], [`assertion`]), find the resource ([`resource`]), mint ([`mint`]).

mod assertion;
mod certificate;
mod client;
pub(crate) mod delegated;
pub(crate) mod groups;
mod mint;
pub(crate) mod refusal;
mod request;
mod resource;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};

pub(crate) use mint::Minted;

use self::client::Proof;
use self::refusal::Refusal;
use self::request::TokenRequest;
use crate::seed;
use crate::serve::Expired;
use crate::world::{Addresses, Shared};

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(discovery_v2))
        .route("/{tenant}/.well-known/openid-configuration", get(discovery_v1))
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/{tenant}/discovery/keys", get(keys))
        .route("/{tenant}/oauth2/v2.0/token", post(token))
        .route("/{tenant}/oauth2/token", post(token))
        .with_state(shared)
}

/// The issuer of v2 tokens, where the public cloud has `https://login.microsoftonline.com/TENANT/v2.0`.
pub fn issuer_v2(addresses: &Addresses) -> String {
    format!("https://{}/{}/v2.0", addresses.entra, seed::TENANT)
}

/// The issuer of v1 tokens, where the public cloud has `https://sts.windows.net/TENANT/`.
pub fn issuer_v1(addresses: &Addresses) -> String {
    format!("https://{}/{}/", addresses.entra, seed::TENANT)
}

async fn discovery_v2(State(shared): State<Shared>, Path(tenant): Path<String>) -> Response {
    discovery(&shared, &tenant, issuer_v2, "/v2.0")
}

async fn discovery_v1(State(shared): State<Shared>, Path(tenant): Path<String>) -> Response {
    discovery(&shared, &tenant, issuer_v1, "")
}

fn discovery(shared: &Shared, tenant: &str, issuer: fn(&Addresses) -> String, version: &str) -> Response {
    if !is_tenant(tenant) {
        return Refusal::tenant_not_found(tenant).respond(shared);
    }
    Json(shared.addresses().map(|addresses| configuration(addresses, &issuer(addresses), version)))
        .into_response()
}

fn configuration(addresses: &Addresses, issuer: &str, version: &str) -> Value {
    let base = format!("https://{}/{}", addresses.entra, seed::TENANT);
    json!({
        "token_endpoint": format!("{base}/oauth2{version}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
        "jwks_uri": format!("{base}/discovery{version}/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": issuer,
        "authorization_endpoint": format!("{base}/oauth2{version}/authorize"),
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nbf", "tid", "ver", "oid", "roles", "groups"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": addresses.entra.to_string(),
        "msgraph_host": addresses.graph.to_string(),
    })
}

async fn keys(State(shared): State<Shared>, Path(tenant): Path<String>) -> Response {
    if !is_tenant(&tenant) {
        return Refusal::tenant_not_found(&tenant).respond(&shared);
    }
    Json(shared.azure.signing.key_set()).into_response()
}

async fn token(
    State(shared): State<Shared>,
    Path(tenant): Path<String>,
    expired: Option<Extension<Expired>>,
    body: Bytes,
) -> Response {
    match grant(&shared, &tenant, expired.is_some(), &body).await {
        Ok(minted) => Json(minted.reply()).into_response(),
        Err(refusal) => refusal.respond(&shared),
    }
}

/// One token request, start to end.
async fn grant(shared: &Shared, tenant: &str, expired: bool, body: &[u8]) -> Result<Minted, Refusal> {
    if !is_tenant(tenant) {
        return Err(Refusal::tenant_not_found(tenant));
    }
    let request = TokenRequest::read(body)?;
    let proof = client::prove(shared, &request, expired).await?;
    let resource = resource::find(shared, &request.resource)?;
    mint::app_only(shared, &request.client_id, proof, &resource)
}

/// A token of a managed identity, which its host need not prove.
pub(crate) fn managed_identity(shared: &Shared, client_id: &str, resource: &str) -> Result<Minted, Refusal> {
    client::registered(shared, client_id)?;
    let resource = resource::find(shared, resource)?;
    mint::app_only(shared, client_id, Proof::Host, &resource)
}

/// Whether `tenant` names the sandbox's tenant.
fn is_tenant(tenant: &str) -> bool {
    tenant.eq_ignore_ascii_case(seed::TENANT)
}
