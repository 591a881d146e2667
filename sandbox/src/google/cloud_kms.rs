//! `cloudkms.googleapis.com`: one key that signs, `EC_SIGN_P256_SHA256`, with its policy and its one version.
//!
//! <https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions>

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::{self, Call, Service};
use super::error::{ApiError, Code};
use super::policy::{self, Policy};
use super::resources::{Resources, is_project};
use crate::seed;
use crate::world::{Shared, World};

const HOST: &str = "cloudkms.googleapis.com";
const ALGORITHM: &str = "EC_SIGN_P256_SHA256";

/// The DER of such a key's public half, up to its point (<https://www.rfc-editor.org/rfc/rfc5480#section-2>).
const HEAD: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The key. It is made when it is first used.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct CryptoKey {
    policy: Policy,
    /// PKCS#8, base64.
    private: Option<String>,
}

/// The service's routes.
pub(crate) fn router(shared: Shared) -> Router {
    call::router(shared, Service { host: HOST, answer })
}

fn answer(world: &World, call: &Call) -> Result<Value, ApiError> {
    let mut resources = world.google.resources();
    let (method, path, verb) = call.route();
    let ["v1", "projects", project, "locations", location, "keyRings", ring, "cryptoKeys", key, below @ ..] =
        path.as_slice()
    else {
        return Err(ApiError::no_such_method());
    };
    let name = format!("projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}");
    let there = is_project(project)
        && [*location, *ring, *key] == [seed::LOCATION, seed::KEY_RING, seed::SIGNING_KEY];
    let require = |resources: &Resources, permission: &str| {
        let own = there.then_some(&resources.crypto_key.policy);
        if resources.allows(&call.identity.caller, permission, own) {
            Ok(())
        } else {
            Err(denied(permission, &name))
        }
    };
    match (method, below, verb) {
        ("GET", [], "getIamPolicy") => require(&resources, "cloudkms.cryptoKeys.getIamPolicy")?,
        ("POST", [], "setIamPolicy") => require(&resources, "cloudkms.cryptoKeys.setIamPolicy")?,
        ("GET", ["cryptoKeyVersions", _, "publicKey"], "") => {
            require(&resources, "cloudkms.cryptoKeyVersions.viewPublicKey")?;
        }
        ("POST", ["cryptoKeyVersions", _], "asymmetricSign") => {
            require(&resources, "cloudkms.cryptoKeyVersions.useToSign")?;
        }
        _ => return Err(ApiError::no_such_method()),
    }
    let version = below.get(1).copied().unwrap_or(seed::SIGNING_KEY_VERSION);
    if !there || version != seed::SIGNING_KEY_VERSION {
        return Err(ApiError::new(
            Code::NotFound,
            format!("CryptoKeyVersion {name}/cryptoKeyVersions/{version} not found."),
        ));
    }
    let version = format!("{name}/cryptoKeyVersions/{version}");
    match (method, verb) {
        ("GET", "getIamPolicy") => Ok(resources.crypto_key.policy.to_json()),
        ("POST", "setIamPolicy") => {
            policy::set(&mut resources, call, |resources| Some(&mut resources.crypto_key.policy))
        }
        ("POST", _) => sign(&resources.crypto_key.pair()?, call, &version),
        _ => Ok(public_key(&resources.crypto_key.pair()?, &version)),
    }
}

impl CryptoKey {
    fn pair(&mut self) -> Result<EcdsaKeyPair, ApiError> {
        let unusable = || ApiError::new(Code::FailedPrecondition, "The key cannot be used.");
        let private = if let Some(private) = &self.private {
            STANDARD.decode(private).map_err(|_| unusable())?
        } else {
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new());
            let made = made.map_err(|_| unusable())?;
            self.private = Some(STANDARD.encode(made.as_ref()));
            made.as_ref().to_vec()
        };
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &private).map_err(|_| unusable())
    }
}

/// Signs a hash.
fn sign(pair: &EcdsaKeyPair, call: &Call, version: &str) -> Result<Value, ApiError> {
    let text = call.body.pointer("/digest/sha256").and_then(Value::as_str);
    let hash = text.and_then(|text| STANDARD.decode(text).ok()).filter(|hash| hash.len() == 32);
    let hash = hash.ok_or_else(|| {
        ApiError::new(
            Code::InvalidArgument,
            format!("The digest must be a SHA-256 for a key of {ALGORITHM}."),
        )
    })?;
    let sum = call.body.get("digestCrc32c").and_then(Value::as_str);
    let verified = sum.is_some();
    if sum.is_some_and(|sum| sum != crc32c(&hash).to_string()) {
        return Err(ApiError::new(
            Code::InvalidArgument,
            "The checksum in field digest_crc32c did not match the data.",
        ));
    }
    let digest =
        digest::Digest::import_less_safe(&hash, &digest::SHA256).map_err(|_| ApiError::invalid_argument())?;
    let signature = pair.sign_digest(&digest).map_err(|_| ApiError::invalid_argument())?;
    Ok(json!({
        "signature": STANDARD.encode(signature.as_ref()),
        "signatureCrc32c": crc32c(signature.as_ref()).to_string(),
        "verifiedDigestCrc32c": verified,
        "name": version,
        "protectionLevel": "SOFTWARE",
    }))
}

fn public_key(pair: &EcdsaKeyPair, version: &str) -> Value {
    let der = STANDARD.encode([&HEAD[..], pair.public_key().as_ref()].concat());
    let mut pem = String::from("-----BEGIN PUBLIC KEY-----\n");
    for (at, letter) in der.chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            pem.push('\n');
        }
        pem.push(letter);
    }
    pem.push_str("\n-----END PUBLIC KEY-----\n");
    let sum = crc32c(pem.as_bytes()).to_string();
    json!({
        "pem": pem,
        "algorithm": ALGORITHM,
        "pemCrc32c": sum,
        "name": version,
        "protectionLevel": "SOFTWARE",
    })
}

fn denied(permission: &str, name: &str) -> ApiError {
    let message = format!("Permission '{permission}' denied on resource '{name}' (or it may not exist).");
    let metadata = json!({ "permission": permission, "resource": name });
    ApiError::new(Code::PermissionDenied, message).with_info("IAM_PERMISSION_DENIED", HOST, &metadata)
}

fn crc32c(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

    use super::*;
    use crate::google::testing::{Fixture, call};

    const KEY: &str =
        "/v1/projects/harbour-sandbox/locations/europe-west4/keyRings/gangplank/cryptoKeys/images";

    fn request(message: &[u8]) -> Value {
        let hash = digest::digest(&digest::SHA256, message);
        json!({
            "digest": { "sha256": STANDARD.encode(hash.as_ref()) },
            "digestCrc32c": crc32c(hash.as_ref()).to_string(),
        })
    }

    #[tokio::test]
    async fn who_may_signs_and_the_public_key_verifies_it() {
        let fixture = Fixture::new();
        let router = super::router(Arc::clone(&fixture.world));
        let sign = format!("{KEY}/cryptoKeyVersions/1:asymmetricSign");
        let nobody = fixture.nobody();
        let refused = call(&router, ("POST", &sign), &nobody, request(b"text")).await;
        assert_eq!(refused.status, 403);
        assert!(refused.message().contains("cloudkms.cryptoKeyVersions.useToSign"), "{}", refused.message());
        let policy = json!({ "policy": { "bindings": [{
            "role": "roles/cloudkms.signer", "members": ["user:nobody@harbour.example"],
        }]}});
        let granted = call(&router, ("POST", &format!("{KEY}:setIamPolicy")), &fixture.admin(), policy).await;
        assert_eq!(granted.status, 200, "{}", granted.message());
        let signed = call(&router, ("POST", &sign), &nobody, request(b"text")).await.json();
        let path = format!("{KEY}/cryptoKeyVersions/1/publicKey");
        let public = call(&router, ("GET", &path), &fixture.admin(), json!(null)).await.json();
        let pem = public["pem"].as_str().unwrap();
        let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(der).unwrap();
        let signature = STANDARD.decode(signed["signature"].as_str().unwrap()).unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &der[HEAD.len()..]);
        key.verify(b"text", &signature).unwrap();
        assert!(key.verify(b"other", &signature).is_err());
    }

    #[tokio::test]
    async fn other_keys_and_broken_requests_are_refused() {
        let fixture = Fixture::new();
        let router = super::router(Arc::clone(&fixture.world));
        let sign = format!("{KEY}/cryptoKeyVersions/1:asymmetricSign");
        let mut wrong_sum = request(b"text");
        wrong_sum["digestCrc32c"] = json!("1");
        let short = json!({ "digest": { "sha256": "AAAA" } });
        for (path, body, status) in [
            (sign.clone(), wrong_sum, 400),
            (sign.clone(), short, 400),
            (sign.clone(), json!({ "data": "AAAA" }), 400),
            (sign.replace("Versions/1", "Versions/2"), request(b"text"), 404),
            (sign.replace("/images/", "/other/"), request(b"text"), 404),
            (sign.replace("asymmetricSign", "macSign"), request(b"text"), 404),
        ] {
            let answer = call(&router, ("POST", &path), &fixture.admin(), body).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.message());
        }
    }
}
