//! Content digests: what names a blob, and how bytes that flow past become one.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// `sha256:` and 64 hexadecimal digits in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

/// A text that is no digest we can check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no digest: expected `sha256:` and 64 lower-case hexadecimal digits")]
pub struct MalformedDigest(pub String);

/// Computes the digest and the size of bytes that flow past, in the task that they flow through: a thread for it is woken for every
/// piece, which costs more than it brings while several blobs flow.
#[derive(Default, Clone)]
pub struct Digester {
    hash: Sha256,
    size: u64,
}

impl Digest {
    /// Reads a digest.
    pub fn parse(text: &str) -> Result<Self, MalformedDigest> {
        let well_formed = text.strip_prefix("sha256:").is_some_and(|digits| {
            digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        });
        if well_formed { Ok(Self(text.to_owned())) } else { Err(MalformedDigest(text.to_owned())) }
    }

    /// The digest of bytes at hand.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(Sha256::digest(bytes).as_slice())
    }

    /// The digest as registries write it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn from_hash(hash: &[u8]) -> Self {
        Self(format!("sha256:{}", hex::encode(hash)))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Digester {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of everything that flowed past.
    pub fn finish(self) -> Digest {
        Digest::from_hash(self.hash.finalize().as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lower_case_sha256_is_a_digest() {
        let good = Digest::of(b"");
        assert_eq!(good.as_str(), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(Digest::parse(good.as_str()), Ok(good.clone()));
        for bad in ["", "sha256:", "sha256:abc", "sha512:00", &good.as_str().to_uppercase(), "latest"] {
            assert_eq!(Digest::parse(bad), Err(MalformedDigest(bad.to_owned())));
        }
    }

    #[test]
    fn bytes_in_pieces_have_the_digest_of_the_whole() {
        let mut digester = Digester::default();
        digester.update(b"quay ");
        digester.update(b"and ship");
        assert_eq!(digester.size(), 13);
        assert_eq!(digester.finish(), Digest::of(b"quay and ship"));
    }
}
