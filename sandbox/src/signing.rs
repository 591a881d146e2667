//! RSA keys that sign tokens, the key sets that verify them, and fetching an issuer's key set over HTTP. Used by Entra,
//! by the cluster's issuer and by Google STS. Nothing here looks at claims: time, audience and issuer are `trust`'s.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};

/// A key that could not be made or used.
#[derive(Debug, thiserror::Error)]
#[error("the token-signing key cannot be {act}: {why}")]
pub struct SigningError {
    act: &'static str,
    why: String,
}

/// Why a token's signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// Not three base64url parts with JSON inside.
    #[error("the token is not a JSON web token")]
    Malformed,
    /// Signed with something other than RS256 or ES256.
    #[error("the token's algorithm `{0}` is not accepted, expected RS256 or ES256")]
    Algorithm(String),
    /// The key set has no such key.
    #[error("the key set has no key `{0}`")]
    UnknownKey(String),
    /// The key is there, the signature is not its.
    #[error("the signature is not the key's")]
    Signature,
}

/// Why an issuer's keys could not be fetched.
#[derive(Debug, thiserror::Error)]
#[error("no key set from issuer `{issuer}`: {why}")]
pub struct NoKeySet {
    issuer: String,
    why: String,
}

/// An RSA key pair with its id.
#[derive(Clone)]
pub struct SigningKey {
    id: String,
    pem: Arc<str>,
    private: Arc<EncodingKey>,
    public: Jwk,
}

impl SigningKey {
    /// Makes a fresh 2048 bit key. Its id is the thumbprint of its public half.
    pub fn generate() -> Result<Self, SigningError> {
        let failed = |why: String| SigningError { act: "made", why };
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|error| failed(error.to_string()))?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|error| failed(error.to_string()))?;
        // The DER constructor wants PKCS#1, which only the PEM one unwraps from PKCS#8.
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            base64::engine::general_purpose::STANDARD.encode(der.as_ref())
        );
        Self::from_pem(&pem)
    }

    /// The key of a PEM that [`Self::pem`] gave.
    pub(crate) fn from_pem(pem: &str) -> Result<Self, SigningError> {
        let failed = |why: String| SigningError { act: "made", why };
        let private = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|error| failed(error.to_string()))?;
        let mut public =
            Jwk::from_encoding_key(&private, Algorithm::RS256).map_err(|error| failed(error.to_string()))?;
        let id = public.thumbprint(ThumbprintHash::SHA256).map_err(|error| failed(error.to_string()))?;
        public.common.key_id = Some(id.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { id, pem: pem.into(), private: Arc::new(private), public })
    }

    /// The private key, PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// The key id, `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The JSON web key set that holds the public half.
    pub fn key_set(&self) -> Value {
        json!({ "keys": [self.public] })
    }

    /// A compact RS256 token over `claims`, with `kid` in its header.
    pub fn sign(&self, claims: &Value) -> Result<String, SigningError> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.id.clone());
        jsonwebtoken::encode(&header, claims, &self.private)
            .map_err(|error| SigningError { act: "used", why: error.to_string() })
    }
}

/// A key that is made when it is first asked for: making one takes a good part of a sandbox's start.
#[derive(Default)]
pub struct LazyKey(OnceLock<SigningKey>);

impl LazyKey {
    /// The key.
    pub fn get(&self) -> Result<&SigningKey, SigningError> {
        if let Some(key) = self.0.get() {
            return Ok(key);
        }
        let key = SigningKey::generate()?;
        Ok(self.0.get_or_init(|| key))
    }
}

/// The claims of `token` if one of `keys` (a JSON web key set) signed it. Time, audience and issuer are not looked at.
pub fn verify(keys: &Value, token: &str) -> Result<Value, Unverified> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| Unverified::Malformed)?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
        return Err(Unverified::Algorithm(format!("{:?}", header.alg)));
    }
    let id = header.kid.unwrap_or_default();
    let set: JwkSet = serde_json::from_value(keys.clone()).map_err(|_| Unverified::UnknownKey(id.clone()))?;
    let key = set.find(&id).ok_or_else(|| Unverified::UnknownKey(id.clone()))?;
    let key = DecodingKey::from_jwk(key).map_err(|_| Unverified::UnknownKey(id.clone()))?;
    let mut rules = Validation::new(header.alg);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_aud = false;
    jsonwebtoken::decode::<Value>(token, &key, &rules).map(|token| token.claims).map_err(|error| match error
        .kind()
    {
        jsonwebtoken::errors::ErrorKind::InvalidSignature => Unverified::Signature,
        _ => Unverified::Malformed,
    })
}

/// The claims of `token` without any check, for error texts that quote them.
pub fn peek(token: &str) -> Option<Value> {
    jsonwebtoken::dangerous::insecure_decode(token).ok().map(|token| token.claims)
}

/// The key set of `issuer`, found through its discovery document.
pub async fn fetch_key_set(client: &reqwest::Client, issuer: &str) -> Result<Value, NoKeySet> {
    let failed = |why: String| NoKeySet { issuer: issuer.to_owned(), why };
    let discovery = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document = fetch(client, &discovery).await.map_err(failed)?;
    let address = document.get("jwks_uri").and_then(Value::as_str);
    let address = address.ok_or_else(|| failed(format!("`{discovery}` names no `jwks_uri`")))?;
    fetch(client, address).await.map_err(failed)
}

/// How often an issuer that is busy is asked, and how long the pause is at most.
const TRIES: u32 = 3;
const LONGEST_PAUSE: u64 = 2;

async fn fetch(client: &reqwest::Client, address: &str) -> Result<Value, String> {
    let ask = async || client.get(address).send().await.map_err(|error| error.to_string());
    let mut reply = ask().await?;
    for _ in 1..TRIES {
        if !matches!(reply.status().as_u16(), 429 | 503) {
            break;
        }
        let wanted = reply.headers().get("retry-after").and_then(|it| it.to_str().ok()?.parse().ok());
        tokio::time::sleep(Duration::from_secs(wanted.unwrap_or(1).min(LONGEST_PAUSE))).await;
        reply = ask().await?;
    }
    let reply = reply.error_for_status().map_err(|error| error.to_string())?;
    reply.json().await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signed_token_verifies_and_an_altered_one_does_not() {
        let key = SigningKey::generate().unwrap();
        let token = key.sign(&json!({ "sub": "x", "exp": 1, "aud": "whoever" })).unwrap();
        assert_eq!(verify(&key.key_set(), &token).unwrap()["sub"], "x");
        assert_eq!(peek(&token).unwrap()["sub"], "x");

        let other = SigningKey::generate().unwrap();
        assert_eq!(verify(&other.key_set(), &token), Err(Unverified::UnknownKey(key.id().to_owned())));

        let forged = other.sign(&json!({ "sub": "y" })).unwrap();
        let signature = forged.rsplit('.').next().unwrap();
        let body = token.rsplit_once('.').unwrap().0;
        assert_eq!(verify(&key.key_set(), &format!("{body}.{signature}")), Err(Unverified::Signature));
        assert_eq!(verify(&key.key_set(), "not a token"), Err(Unverified::Malformed));
    }

    #[test]
    fn symmetric_and_unsigned_tokens_are_refused() {
        let key = SigningKey::generate().unwrap();
        let secret = EncodingKey::from_secret(b"public");
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &json!({}), &secret).unwrap();
        assert_eq!(verify(&key.key_set(), &token), Err(Unverified::Algorithm("HS256".to_owned())));
    }
}
