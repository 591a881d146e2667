//! Client certificates: the assertion is one that Entra can check, and files that cannot be used are named.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use gangplank_identity::Environment;
use gangplank_identity::source::{EntraSource, Preference, SourceError, azure_credential};
use rcgen::{Certificate, CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::Value;
use tempfile::TempDir;

use crate::fake::{self, machine_time};
use crate::source::{CLIENT, SCOPE, TENANT, granted, options};

fn rsa() -> KeyPair {
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap()
}

fn certify(key: &KeyPair) -> Certificate {
    CertificateParams::new(vec!["client.example".to_owned()]).unwrap().self_signed(key).unwrap()
}

fn written(folder: &TempDir, content: &str) -> PathBuf {
    let file = folder.path().join("client.pem");
    std::fs::write(&file, content).unwrap();
    file
}

fn open(
    file: &Path,
    authority: &str,
    ca: Option<&str>,
    more: &[(&str, &str)],
) -> Result<EntraSource, SourceError> {
    let file = file.to_str().unwrap();
    let pairs = [("AZURE_CLIENT_CERTIFICATE_PATH", file), ("AZURE_CLIENT_ID", CLIENT)];
    let environment = Environment::from_pairs(pairs.into_iter().chain(more.iter().copied()));
    azure_credential(&environment, Preference::Caller, &options(authority, ca))
}

/// The assertion that Entra was sent: header, claims, signed text, signature.
struct Assertion {
    header: Value,
    claims: Value,
    text: String,
    signature: Vec<u8>,
}

async fn assertion(file: &Path, more: &[(&str, &str)]) -> (Assertion, String) {
    let (entra, ca) = fake::https(|_| granted("entra-token")).await;
    let source = open(file, &entra.address, Some(&ca), more).unwrap();
    let token = source.credential.get_token(&[SCOPE], None).await.unwrap();
    assert_eq!(token.token.secret(), "entra-token");
    let hit = &entra.hits()[0];
    assert_eq!(
        hit.field("client_assertion_type").as_deref(),
        Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    );
    let sent = hit.field("client_assertion").unwrap();
    let (text, signature) = sent.rsplit_once('.').unwrap();
    let (header, claims) = text.split_once('.').unwrap();
    let decode = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).unwrap();
    let json = |part: &str| serde_json::from_slice(&decode(part)).unwrap();
    let assertion = Assertion {
        header: json(header),
        claims: json(claims),
        text: text.to_owned(),
        signature: decode(signature),
    };
    (assertion, entra.address)
}

#[tokio::test]
async fn the_assertion_is_signed_by_the_certificates_key() {
    let (folder, key) = (TempDir::new().unwrap(), rsa());
    let certificate = certify(&key);
    let file = written(&folder, &format!("{}{}", key.serialize_pem(), certificate.pem()));
    let (sent, entra) = assertion(&file, &[]).await;
    let checks = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key_raw());
    checks.verify(sent.text.as_bytes(), &sent.signature).unwrap();
    let thumbprint = |algorithm| BASE64_URL_SAFE_NO_PAD.encode(digest(algorithm, certificate.der()));
    assert_eq!((&sent.header["alg"], &sent.header["typ"]), (&"RS256".into(), &"JWT".into()));
    assert_eq!(sent.header["x5t#S256"], thumbprint(&SHA256));
    assert_eq!(sent.header["x5t"], thumbprint(&SHA1_FOR_LEGACY_USE_ONLY));
    assert!(sent.header.get("x5c").is_none());
    assert_eq!(sent.claims["aud"], format!("{entra}/{TENANT}/oauth2/v2.0/token"));
    assert_eq!((&sent.claims["iss"], &sent.claims["sub"]), (&CLIENT.into(), &CLIENT.into()));
    let life = sent.claims["exp"].as_i64().unwrap() - sent.claims["nbf"].as_i64().unwrap();
    assert_eq!(life, 600);
    assert!(sent.claims["nbf"].as_i64().unwrap() <= machine_time().as_second());
}

#[tokio::test]
async fn the_chain_is_sent_when_asked_for_with_the_keys_own_certificate_first() {
    let (folder, key) = (TempDir::new().unwrap(), rsa());
    let (own, other) = (certify(&key), certify(&rsa()));
    let file = written(&folder, &format!("{}{}{}", other.pem(), own.pem(), key.serialize_pem()));
    let (sent, _) = assertion(&file, &[("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "true")]).await;
    let chain = [&own, &other].map(|certificate| BASE64_STANDARD.encode(certificate.der()));
    assert_eq!(sent.header["x5c"], serde_json::json!(chain));
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_up() {
    let (folder, first, second) = (TempDir::new().unwrap(), rsa(), rsa());
    let file = written(&folder, &format!("{}{}", first.serialize_pem(), certify(&first).pem()));
    let source = open(&file, "https://login.example", None, &[]).unwrap();
    assert_eq!(source.assertion_claims().await.unwrap().unwrap().text("sub"), Some(CLIENT));
    written(&folder, &format!("{}{}", second.serialize_pem(), certify(&first).pem()));
    let mixed = source.assertion_claims().await.unwrap_err().to_string();
    assert!(mixed.contains("belongs to none of its certificates"), "{mixed}");
    written(&folder, &format!("{}{}", second.serialize_pem(), certify(&second).pem()));
    assert!(source.assertion_claims().await.unwrap().is_some());
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_and_not_quoted() {
    let (folder, key, curve) = (TempDir::new().unwrap(), rsa(), KeyPair::generate().unwrap());
    let (certificate, key) = (certify(&key).pem(), key.serialize_pem());
    let encrypted = key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let table = [
        (certificate.clone(), "holds no private key"),
        (key.clone(), "holds no certificate"),
        (format!("{certificate}{encrypted}"), "openssl pkey"),
        (format!("{}{}", certify(&curve).pem(), curve.serialize_pem()), "takes RSA alone"),
    ];
    for (content, part) in table {
        let error = open(&written(&folder, &content), "https://login.example", None, &[]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(part) && text.contains("client.pem"), "{text}");
        let line = key.lines().nth(1).unwrap();
        assert!(!text.contains(line) && !format!("{error:?}").contains(line), "{text}");
    }
    let absent = open(&folder.path().join("absent.pem"), "https://login.example", None, &[]).unwrap_err();
    assert!(matches!(absent, SourceError::Certificate { .. }), "{absent}");
}
