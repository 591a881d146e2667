//! A certificate as log-in: an assertion signed here with its key. Own code and not the SDK's credential, which pulls
//! OpenSSL in. <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

mod file;

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::assertion::Assertion;
use super::login::{CLIENT_ID, Login, Opened};
use super::{SourceError, SourceKind};
use crate::clock::Clock;
use crate::secret::Secret;
use file::Certificate;

pub(super) const PATH: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
/// Sends the certificates too, for applications that trust a name and an authority; as `azure_identity` reads it.
pub(super) const SEND_CHAIN: &str = "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN";

/// How long an assertion lives, in seconds. Entra recommends 5 to 10 minutes.
const LIFE: i64 = 600;

pub(super) fn found(login: &Login) -> Result<String, String> {
    login.all_set(&[PATH])
}

pub(super) fn open(login: &Login) -> Result<Opened, SourceError> {
    let client_id = login.needed(PATH, CLIENT_ID)?;
    let file = login.needed(CLIENT_ID, PATH)?;
    // Read once now, so that a file that cannot be used is named before anything is sent.
    Certificate::read(&file)?;
    let send_chain = login.get(SEND_CHAIN).is_some_and(|value| matches!(value, "1" | "true" | "True"));
    let signer = Signer {
        client_id: client_id.clone(),
        file: file.clone(),
        audience: login.token_address(),
        send_chain,
        clock: login.clock.clone(),
    };
    login.by_assertion(
        SourceKind::ClientCertificate { client_id: client_id.clone(), file },
        client_id,
        signer,
    )
}

/// Signs assertions. The file is read anew for each, so that a renewed certificate is taken up.
struct Signer {
    client_id: String,
    file: String,
    audience: String,
    send_chain: bool,
    clock: Arc<dyn Clock>,
}

impl Signer {
    /// `x5t` is the thumbprint that every version of Entra knows, `x5t#S256` the one it asks for today.
    fn header(&self, certificate: &Certificate) -> Value {
        let thumbprint = |algorithm| BASE64_URL_SAFE_NO_PAD.encode(digest(algorithm, certificate.leaf()));
        let mut header = json!({
            "alg": "RS256",
            "typ": "JWT",
            "x5t": thumbprint(&SHA1_FOR_LEGACY_USE_ONLY),
            "x5t#S256": thumbprint(&SHA256),
        });
        if let (true, Some(header)) = (self.send_chain, header.as_object_mut()) {
            let chain: Vec<String> =
                certificate.chain.iter().map(|der| BASE64_STANDARD.encode(der)).collect();
            header.insert("x5c".to_owned(), chain.into());
        }
        header
    }

    fn claims(&self) -> Result<Value, SourceError> {
        let now = self.clock.now().as_second();
        let mut id = [0_u8; 16];
        aws_lc_rs::rand::fill(&mut id).map_err(|_| self.failed("there is no randomness"))?;
        Ok(json!({
            "aud": self.audience,
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": BASE64_URL_SAFE_NO_PAD.encode(id),
            "iat": now,
            "nbf": now,
            "exp": now.saturating_add(LIFE),
        }))
    }

    fn sign(&self) -> Result<String, SourceError> {
        let certificate = Certificate::read(&self.file)?;
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(&self.header(&certificate)), encode(&self.claims()?));
        let key = &certificate.key;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| self.failed("whose key does not sign"))?;
        Ok(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    fn failed(&self, problem: &str) -> SourceError {
        SourceError::Certificate { file: self.file.clone(), problem: problem.to_owned() }
    }
}

#[async_trait]
impl Assertion for Signer {
    async fn assertion(&self) -> Result<Secret, SourceError> {
        Secret::token(self.sign()?).map_err(|error| self.failed(&error.to_string()))
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("file", &self.file).finish_non_exhaustive()
    }
}
