//! Cloud KMS: signatures by keys that never leave it.
//!
//! <https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys.cryptoKeyVersions/asymmetricSign>. The
//! one permission it takes, `cloudkms.cryptoKeyVersions.useToSign`, is in `roles/cloudkms.signer`; reading the public key is not,
//! so that what comes back is checked by its checksums, as Google advises
//! (<https://cloud.google.com/kms/docs/data-integrity-guidelines>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bridge::port::{PortResult, Refused};
use bridge::signing_key::SigningKey;
use crc_fast::CrcAlgorithm;
use google_cloud_auth::credentials::Credentials;
use http::Method;
use serde_json::{Value, json};

use super::refusal::{own, unexpected};
use super::rest::Rest;

pub(crate) const SERVICE: &str = "Cloud KMS";

/// Cloud KMS, spoken to as one caller.
#[derive(Clone)]
pub(crate) struct Kms(Rest);

impl Kms {
    /// Cloud KMS at `address`.
    pub(crate) fn new(address: String, http: reqwest::Client, credentials: Credentials) -> Self {
        Self(Rest { service: SERVICE, http, address, credentials })
    }

    /// Signs a SHA-256; the signature is ASN.1, as ECDSA keys of KMS give it.
    pub(crate) async fn sign(&self, key: &SigningKey, hash: [u8; 32]) -> PortResult<Vec<u8>> {
        let name = key.resource_name();
        let body = json!({
            "digest": { "sha256": STANDARD.encode(hash) },
            "digestCrc32c": crc32c(&hash).to_string(),
        });
        let path = format!("{name}:asymmetricSign");
        let answer = self.0.call(Method::POST, &path, &[], Some(&body)).await;
        let answer = answer.map_err(|mut refusal| {
            if refusal.kind == Refused::Denied {
                refusal.message.push_str(
                    "; the team's service account needs `roles/cloudkms.signer` on the key, which the bridge does not give",
                );
            }
            refusal
        })?;
        checked(name, &answer).map_err(|problem| own(SERVICE, Refused::Unavailable, problem.to_owned()))?;
        signature(&answer).ok_or_else(|| unexpected(SERVICE, "the signature is not what its checksum says"))
    }
}

/// Whether the key was the right one, and the hash arrived as it was sent.
fn checked(name: &str, answer: &Value) -> Result<(), &'static str> {
    // The project may be named by its number.
    let end = |name: &str| name.split_once("/locations/").map(|(_, end)| end.to_owned());
    if answer.get("name").and_then(Value::as_str).and_then(end) != end(name) {
        return Err("another key signed than the one that was asked to");
    }
    match answer.get("verifiedDigestCrc32c").and_then(Value::as_bool) {
        Some(true) => Ok(()),
        _ => Err("what was to be signed did not arrive as it was sent"),
    }
}

fn signature(answer: &Value) -> Option<Vec<u8>> {
    let text = |field: &str| answer.get(field).and_then(Value::as_str);
    let signature = STANDARD.decode(text("signature")?).ok()?;
    let sum: u64 = text("signatureCrc32c")?.parse().ok()?;
    (crc32c(&signature) == sum).then_some(signature)
}

/// What Cloud KMS sums up with.
fn crc32c(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";

    fn answer() -> Value {
        json!({
            "name": NAME,
            "signature": STANDARD.encode(b"123456789"),
            // The check value of CRC-32C.
            "signatureCrc32c": 0xe306_9283_u32.to_string(),
            "verifiedDigestCrc32c": true,
        })
    }

    #[test]
    fn what_comes_back_is_held_against_its_checksums() {
        assert_eq!(checked(NAME, &answer()), Ok(()));
        assert_eq!(checked(&NAME.replace("projects/p", "projects/1"), &answer()), Ok(()));
        assert_eq!(signature(&answer()).unwrap(), b"123456789");
        for (field, lie) in [
            ("name", json!(NAME.replace("/k/", "/other/"))),
            ("name", json!(null)),
            ("verifiedDigestCrc32c", json!(false)),
            ("verifiedDigestCrc32c", json!(null)),
        ] {
            let mut lying = answer();
            lying[field] = lie;
            assert!(checked(NAME, &lying).is_err(), "{lying}");
        }
        for (field, lie) in
            [("signature", "MTIzNA=="), ("signature", "*"), ("signatureCrc32c", "1"), ("signatureCrc32c", "")]
        {
            let mut lying = answer();
            lying[field] = json!(lie);
            assert_eq!(signature(&lying), None, "{lying}");
        }
    }
}
