//! Minting access tokens: v1 or v2 as the resource wants, app-only here, delegated in [`super::delegated`].

use serde_json::{Map, Value, json};

use super::client::Proof;
use super::groups;
use super::refusal::Refusal;
use super::resource::Resource;
use super::{issuer_v1, issuer_v2};
use crate::azure::directory::Directory;
use crate::world::Shared;
use crate::{random, seed};

/// How long access tokens live, in seconds. The live service varies it between 60 and 90 minutes.
pub(super) const LIFETIME: i64 = 3600;
/// How long those of managed identities live that their host hands out:
/// `learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations`.
const LIFETIME_AT_A_HOST: i64 = 24 * 3600;
/// Clocks may differ by this much: tokens are valid from a little earlier on.
const EARLIER: i64 = 300;

/// A token just made.
pub(crate) struct Minted {
    token: String,
    lifetime: i64,
    pub(crate) begins: i64,
    pub(crate) expires: i64,
}

impl Minted {
    /// The answer of the token endpoint.
    pub(crate) fn reply(&self) -> Value {
        json!({
            "token_type": "Bearer",
            "expires_in": self.lifetime - 1,
            "ext_expires_in": self.lifetime - 1,
            "access_token": self.token,
        })
    }

    /// The token itself.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

/// An app-only token of `client_id` for `resource`.
pub(crate) fn app_only(
    shared: &Shared,
    client_id: &str,
    proof: Proof,
    resource: &Resource,
) -> Result<Minted, Refusal> {
    let claims = {
        let directory = shared.azure.directory();
        let unknown = || Refusal::application_not_found(client_id, seed::TENANT_NAME);
        let client = directory.service_principal_of(client_id).ok_or_else(unknown)?;
        let assigned = directory.is_assigned(&client.id, &resource.principal.id);
        if !resource.principal.account_enabled {
            return Err(Refusal::resource_disabled(&resource.named));
        }
        // Policies for workload identities do not cover managed ones.
        if client.blocked_by_policy && proof != Proof::Host {
            return Err(Refusal::blocked_by_policy());
        }
        if resource.principal.app_role_assignment_required && !assigned {
            let asked = (resource.principal.app_id.as_str(), resource.principal.display_name.as_str());
            return Err(Refusal::not_assigned((client_id, &client.display_name), asked));
        }
        let mut claims = claims_of_client(&client.app_id, proof, resource);
        claims.insert("oid".to_owned(), json!(client.id));
        claims.insert("sub".to_owned(), json!(client.id));
        if let Some(identity) = directory.managed_identity(client_id) {
            claims.insert("xms_mirid".to_owned(), json!(identity.resource_id));
        }
        add_roles(&mut claims, &directory, &client.id, resource);
        groups::add(&mut claims, shared, &directory, ("servicePrincipals", &client.id), resource);
        claims
    };
    let lifetime = if proof == Proof::Host { LIFETIME_AT_A_HOST } else { LIFETIME };
    sign(shared, claims, resource.wants_v2(), lifetime)
}

fn claims_of_client(app_id: &str, proof: Proof, resource: &Resource) -> Map<String, Value> {
    let strength = match proof {
        Proof::Secret => "1",
        Proof::Assertion | Proof::Host => "2",
    };
    let claims = if resource.wants_v2() {
        json!({ "aud": resource.principal.app_id, "azp": app_id, "azpacr": strength })
    } else {
        json!({ "aud": resource.named, "appid": app_id, "appidacr": strength, "idtyp": "app" })
    };
    object(claims)
}

fn add_roles(claims: &mut Map<String, Value>, directory: &Directory, client: &str, resource: &Resource) {
    let roles = directory.roles_of(client, &resource.principal);
    if !roles.is_empty() {
        claims.insert("roles".to_owned(), json!(roles));
    }
}

/// Adds what every token has, signs, and remembers the token.
pub(super) fn sign(
    shared: &Shared,
    claims: Map<String, Value>,
    v2: bool,
    lifetime: i64,
) -> Result<Minted, Refusal> {
    let addresses = shared.addresses().ok_or_else(Refusal::internal)?;
    let now = shared.clock.seconds();
    let (begins, expires) = (now - EARLIER, now + lifetime);
    let issuer = if v2 { issuer_v2(addresses) } else { issuer_v1(addresses) };
    let mut all = object(json!({
        "iss": issuer,
        "iat": begins,
        "nbf": begins,
        "exp": expires,
        "aio": random::hex(),
        "tid": seed::TENANT,
        "uti": random::hex(),
        "ver": if v2 { "2.0" } else { "1.0" },
    }));
    if !v2 {
        all.insert("idp".to_owned(), json!(issuer));
    }
    all.extend(claims);
    let token = shared.azure.signing.sign(&Value::Object(all)).map_err(|_| Refusal::internal())?;
    shared.minted.remember(&token);
    Ok(Minted { token, lifetime, begins, expires })
}

pub(super) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
