//! The name of a key in Cloud KMS that images are signed with, as cosign and others write it.

use std::fmt;

use serde::{Serialize, Serializer};

/// `projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V`: one version of a key, since what was signed with another
/// is verified with another public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey(String);

/// A text that names no key version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no version of a key: expected `gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/V`"
)]
pub struct MalformedSigningKey(String);

const SCHEME: &str = "gcpkms://";

impl SigningKey {
    /// Reads `gcpkms://…/cryptoKeyVersions/V`, and `…/versions/V`, which sigstore takes as well
    /// (<https://github.com/sigstore/sigstore/blob/v1.10.3/pkg/signature/kms/gcp/client.go>).
    pub fn parse(text: &str) -> Result<Self, MalformedSigningKey> {
        let malformed = || MalformedSigningKey(text.to_owned());
        let path = text.strip_prefix(SCHEME).ok_or_else(malformed)?;
        let parts: Vec<&str> = path.split('/').collect();
        let [
            "projects",
            project,
            "locations",
            location,
            "keyRings",
            ring,
            "cryptoKeys",
            key,
            "cryptoKeyVersions" | "versions",
            version,
        ] = parts.as_slice()
        else {
            return Err(malformed());
        };
        // A domain-scoped project has a colon and a dot.
        let plain = |part: &&str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
            !part.is_empty() && part.len() <= 128 && part.bytes().all(allowed) && !part.starts_with('.')
        };
        if ![project, location, ring, key, version].into_iter().all(plain) {
            return Err(malformed());
        }
        Ok(Self(format!(
            "projects/{project}/locations/{location}/keyRings/{ring}/cryptoKeys/{key}/cryptoKeyVersions/{version}"
        )))
    }

    /// The name as Cloud KMS has it.
    pub fn resource_name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.0)
    }
}

impl std::str::FromStr for SigningKey {
    type Err = MalformedSigningKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for SigningKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_versions() {
        let name = "projects/p/locations/europe-west4/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";
        for text in [
            format!("gcpkms://{name}"),
            format!("gcpkms://{}", name.replace("cryptoKeyVersions", "versions")),
        ] {
            let key = SigningKey::parse(&text).unwrap();
            assert_eq!(key.resource_name(), name);
            assert_eq!(key.to_string(), format!("gcpkms://{name}"));
        }
        for text in [
            "",
            name,
            "gcpkms://",
            "awskms://x",
            &format!("gcpkms://{name}/"),
            &format!("gcpkms://{}", name.trim_end_matches("/cryptoKeyVersions/1")),
            &format!("gcpkms://{}", name.replace("/p/", "//")),
            &format!("gcpkms://{}", name.replace("/p/", "/../")),
            &format!("gcpkms://{}", name.replace("/p/", "/p?x/")),
        ] {
            assert!(SigningKey::parse(text).is_err(), "{text}");
        }
    }
}
