//! What the seeded machines log in with, once addresses are known: federated credentials that trust the sandbox's own
//! issuers, and a certificate made at start.

use aws_lc_rs::digest;
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

use serde::{Deserialize, Serialize};

use super::directory::{FederatedCredential, KeyCredential};
use crate::serve::CertificateError;
use crate::world::{Addresses, Shared};
use crate::{cluster, google, pipelines, random, seed};

/// How long the seeded certificate works.
const CERTIFICATE_LIFETIME: SignedDuration = SignedDuration::from_hours(24 * 90);

/// A certificate with its private key.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Certificate {
    pub(crate) credential: KeyCredential,
    /// Private key and certificate, PEM, as clients want them in one file.
    pub(crate) pem: String,
}

impl Certificate {
    /// Makes an RSA key and a certificate that signs itself: Entra looks only at the key and the time.
    pub(crate) fn generate(name: &str, now: Timestamp) -> Result<Self, CertificateError> {
        let failed = |error: rcgen::Error| CertificateError::from_text(&error.to_string());
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(failed)?;
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).map_err(failed)?;
        let pem = format!("{}{}", key.serialize_pem(), certificate.pem());
        Ok(Self { credential: credential(name, certificate.der().to_vec(), now), pem })
    }
}

fn credential(name: &str, certificate: Vec<u8>, now: Timestamp) -> KeyCredential {
    let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate);
    KeyCredential {
        key_id: random::uuid(),
        custom_key_identifier: hex::encode_upper(thumbprint.as_ref()),
        display_name: format!("CN={name}"),
        start_date_time: now,
        end_date_time: now.checked_add(CERTIFICATE_LIFETIME).unwrap_or(now),
        kind: "AsymmetricX509Cert".to_owned(),
        usage: "Verify".to_owned(),
        certificate,
    }
}

/// Gives the seeded machines what they log in with.
pub(super) fn settle(shared: &Shared) {
    let Some(addresses) = shared.addresses() else { return };
    let trusted = trusted(shared, addresses);
    let mut directory = shared.azure.directory();
    for (client_id, credential) in trusted {
        if let Some(application) = directory.application_mut(client_id) {
            application.federated_credentials.push(credential);
        }
    }
    if let Some(application) = directory.application_mut(seed::CERTIFICATE_CI.client_id) {
        application.certificates.push(shared.azure.certificate.credential.clone());
    }
}

/// Client ids with the federated credential of each.
fn trusted(shared: &Shared, addresses: &Addresses) -> Vec<(&'static str, FederatedCredential)> {
    let trust = |id: &str, name: &str, issuer: String, subject: String| FederatedCredential {
        id: id.to_owned(),
        name: name.to_owned(),
        issuer,
        subject,
        audiences: vec!["api://AzureADTokenExchange".to_owned()],
        description: Some("Seeded.".to_owned()),
        created: Timestamp::MIN,
    };
    let node = google::unique_id(shared, seed::NODE_SERVICE_ACCOUNT).unwrap_or_default();
    let in_the_cluster = "system:serviceaccount:ci:oncology-ci".to_owned();
    let github = shared.pipelines.github_job().subject();
    vec![
        (
            seed::ONCOLOGY_CI.client_id,
            trust(
                "4be0ad1c-150e-48b3-b6f2-7ca80469f521",
                "cluster-ci",
                cluster::issuer(addresses),
                in_the_cluster,
            ),
        ),
        (
            seed::GITHUB_CI.client_id,
            trust(
                "5cf1be2d-261f-49c4-a703-8db9157a0632",
                "github-main",
                pipelines::github_issuer(addresses),
                github,
            ),
        ),
        (
            seed::DEVOPS_CI.client_id,
            trust(
                "6d02cf3e-3720-4ad5-b814-9eca268b1743",
                "harbour-azure",
                pipelines::azure_devops_issuer(addresses),
                pipelines::azure_devops_subject(),
            ),
        ),
        (
            seed::GOOGLE_CI.client_id,
            trust(
                "7e13d04f-4831-4be6-8925-afdb379c2854",
                "google-nodes",
                google::accounts::issuer(addresses),
                node,
            ),
        ),
    ]
}
