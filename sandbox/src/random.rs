//! Unguessable text: ids, secrets, opaque tokens.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[expect(
    clippy::expect_used,
    reason = "without randomness no secret may be handed out, and no system runs without it"
)]
fn bytes<const LENGTH: usize>() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    rand::fill(&mut bytes).expect("the system has random bytes");
    bytes
}

/// 256 random bits in URL-safe base64: an opaque token or a secret.
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<32>())
}

/// A random id in the shape of a version 4 UUID.
pub fn uuid() -> String {
    uuid_from(bytes())
}

/// 64 random bits in hex: short ids and name suffixes.
pub fn hex() -> String {
    hex::encode(bytes::<8>())
}

/// The UUID made of these bytes, version and variant bits set.
pub fn uuid_from(mut bytes: [u8; 16]) -> String {
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let mut text = hex::encode(bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_version_and_variant() {
        let text = uuid_from([0xff; 16]);
        assert_eq!(text, "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_ne!(uuid(), uuid());
    }
}
