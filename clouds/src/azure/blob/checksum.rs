//! The storage's own checksum of a part: what arrives is held against it, since neither TLS nor a length says anything of a byte
//! that was altered before it was sent, or by a proxy.
//!
//! CRC-64/NVME, base64 of eight bytes, the least first; stated for ranges of up to 4 MiB
//! (<https://learn.microsoft.com/rest/api/storageservices/get-blob>, `x-ms-range-get-content-crc64`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use azure_core::http::headers::{HeaderName, Headers};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bridge::port::PortError;
use crc_fast::{CrcAlgorithm, Digest};

const HEADER: HeaderName = HeaderName::from_static("x-ms-content-crc64");

/// Whether a storage may be asked for checksums. Clones share what was learnt.
#[derive(Clone, Default)]
pub(super) struct Sums {
    refused: Arc<AtomicBool>,
}

/// What a storage answers that knows no checksums: Azurite, unless told `--loose`
/// (<https://github.com/Azure/Azurite/blob/main/src/blob/middlewares/StrictModelMiddlewareFactory.ts>), and storage of old.
const NOT_KNOWN: [&str; 2] = ["FeatureNotSupported", "UnsupportedHeader"];

impl Sums {
    pub(super) fn may_be_asked_for(&self) -> bool {
        !self.refused.load(Ordering::Relaxed)
    }

    /// Whether it was the question for a checksum that was refused: then it is not asked again.
    pub(super) fn are_refused(&self, refused: &PortError) -> bool {
        let not_known = refused.code.as_deref().is_some_and(|code| NOT_KNOWN.contains(&code));
        self.refused.fetch_or(not_known, Ordering::Relaxed);
        not_known
    }
}

/// The checksum that the storage states of a part, and the one of what came of it so far.
pub(super) struct Checksum {
    stated: String,
    came: Digest,
}

impl Checksum {
    /// What an answer states, if it states one: emulators and some proxies do not.
    pub(super) fn stated(headers: &Headers) -> Option<Self> {
        let stated = headers.get_optional_str(&HEADER)?.to_owned();
        Some(Self { stated, came: Digest::new(CrcAlgorithm::Crc64Nvme) })
    }

    /// Takes the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.came.update(bytes);
    }

    /// Whether what came is what was stated.
    pub(super) fn holds(&self) -> bool {
        STANDARD.encode(self.came.finalize().to_le_bytes()) == self.stated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(stated: &str, pieces: &[&[u8]]) -> bool {
        let mut headers = Headers::new();
        headers.insert(HEADER, stated.to_owned());
        let mut checksum = Checksum::stated(&headers).unwrap();
        for piece in pieces {
            checksum.update(piece);
        }
        checksum.holds()
    }

    /// Of these bytes, as `StorageCRC64Calculator` of Microsoft's `@azure/storage-common` 12.4.1 gives them.
    const THEIRS: [(&[u8], &str); 3] =
        [(b"", "AAAAAAAAAAA="), (b"123456789", "iJh5CoYUi64="), (b"0123456789", "HZz9TO6x+RU=")];

    #[test]
    fn what_is_stated_is_held_against_what_came() {
        for (bytes, theirs) in THEIRS {
            let (first, second) = bytes.split_at(bytes.len() / 2);
            assert!(holds(theirs, &[first, second]), "{theirs}");
            for wrong in ["", "*", &theirs.replace('=', ""), "AAAAAAAAAAE="] {
                assert!(!holds(wrong, &[bytes]), "{wrong}");
            }
            assert!(!holds(theirs, &[bytes, b"0"]), "{theirs}");
        }
        assert!(Checksum::stated(&Headers::new()).is_none());
    }
}
