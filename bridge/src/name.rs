//! Names that every service accepts, made from names that only one of them does. Azure ML allows capitals and
//! underscores; registries and Kubernetes do not.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// The longest DNS label.
pub const LABEL_MAX: usize = 63;

/// Hexadecimal digits of the hash that a changed name ends with.
const HASH_DIGITS: usize = 6;

/// A name made from another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Slug {
    /// The name: a DNS label.
    pub text: String,
    /// Whether it differs from the original, which then belongs into an annotation.
    pub changed: bool,
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Makes a DNS label of at most `max_len` characters (63 at most) from any text. A text that is one already stays as
/// it is; any other gets a hash of the original at its end, so that `Fraud_Model` and `fraud-model` do not meet.
pub fn slug(original: &str, max_len: usize) -> Slug {
    let max_len = max_len.clamp(1, LABEL_MAX);
    if original.len() <= max_len && is_dns_label(original) {
        return Slug { text: original.to_owned(), changed: false };
    }
    let hash: String = hex::encode(Sha256::digest(original)).chars().take(HASH_DIGITS.min(max_len)).collect();
    let room = max_len.saturating_sub(hash.len() + 1);
    let readable: String = readable(original).chars().take(room).collect();
    let readable = readable.trim_end_matches('-');
    let text = if readable.is_empty() { hash } else { format!("{readable}-{hash}") };
    Slug { text, changed: true }
}

/// Lower case, runs of everything else as one hyphen, none at the start.
fn readable(original: &str) -> String {
    let mut text = String::with_capacity(original.len());
    for character in original.chars() {
        if character.is_ascii_alphanumeric() {
            text.push(character.to_ascii_lowercase());
        } else if !text.is_empty() && !text.ends_with('-') {
            text.push('-');
        }
    }
    text
}

/// Whether a text is a DNS label: 1 to 63 of `a-z`, `0-9` and `-`, with no hyphen at either end.
pub fn is_dns_label(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LABEL_MAX).contains(&text.len())
        && text.bytes().all(legal)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A GUID that depends on nothing but `parts`, in the layout of version 5. Two runs agree on it, so what it names can
/// be created twice without becoming two.
pub fn guid(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ["ab", "c"] apart from ["a", "bc"].
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    let number = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0b11 << 62) | (0x5 << 76) | (0b10 << 62);
    let mut text = format!("{number:032x}");
    for position in [20, 16, 12, 8] {
        text.insert(position, '-');
    }
    text
}

/// Whether a text is a GUID in lower case with hyphens.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slugs() {
        for (original, max_len, text) in [
            ("fraud-detector", 63, "fraud-detector"),
            ("7", 63, "7"),
            ("Wine_Cultivar", 63, "wine-cultivar-"),
            ("Wine_Cultivar", 15, "wine-cul-"),
            ("__a__b__", 63, "a-b-"),
            ("größe", 63, "gr-e-"),
            ("1.0", 63, "1-0-"),
            ("trailing-", 63, "trailing-"),
            ("abcdefghij", 9, "ab-"),
            ("", 63, ""),
            ("___", 63, ""),
        ] {
            let slug = slug(original, max_len);
            if slug.changed {
                let hash = slug.text.strip_prefix(text).unwrap_or_else(|| panic!("{original}: {slug}"));
                assert_eq!(hash.len(), HASH_DIGITS, "{original}: {slug}");
            } else {
                assert_eq!(slug.text, text);
            }
            assert!(slug.text.len() <= max_len && is_dns_label(&slug.text), "{original}: {slug}");
        }
        // Pinned: a change here renames everything that users have deployed.
        assert_eq!(slug("Wine_Cultivar", 63).text, "wine-cultivar-742c5b");
    }

    #[test]
    fn guids() {
        assert_eq!(guid(&["tenant", "role"]), guid(&["tenant", "role"]));
        assert_ne!(guid(&["ab", "c"]), guid(&["a", "bc"]));
        let guid = guid(&["a"]);
        assert!(is_guid(&guid), "{guid}");
        assert_eq!(guid.as_bytes()[14], b'5');
        assert!(b"89ab".contains(&guid.as_bytes()[19]));
        assert!(
            !is_guid("6F9619FF-8B86-D011-B42D-00CF4FC964FF") && !is_guid("6f9619ff8b86d011b42d00cf4fc964ff")
        );
    }

    proptest! {
        #[test]
        fn always_a_label(original in ".*", max_len in 0_usize..100) {
            let slug = slug(&original, max_len);
            prop_assert!(is_dns_label(&slug.text));
            prop_assert!(slug.text.len() <= max_len.max(1));
            prop_assert_eq!(slug.changed, slug.text != original);
        }

        #[test]
        fn labels_stay(label in "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?") {
            let slug = slug(&label, LABEL_MAX);
            prop_assert_eq!(&slug.text, &label);
            prop_assert!(!slug.changed);
        }

        #[test]
        fn idempotent(original in ".*", max_len in 1_usize..64) {
            let once = slug(&original, max_len);
            prop_assert_eq!(slug(&once.text, max_len).text, once.text);
        }

        #[test]
        fn distinct(one in "[A-Za-z_.-]{1,12}", other in "[A-Za-z_.-]{1,12}") {
            let hash = |text: &str| hex::encode(Sha256::digest(text))[..HASH_DIGITS].to_owned();
            prop_assume!(one != other && hash(&one) != hash(&other));
            prop_assert_ne!(slug(&one, LABEL_MAX).text, slug(&other, LABEL_MAX).text);
        }
    }
}
