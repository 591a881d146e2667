//! How what is kept is written: fields that no API shows, bytes, and maps whose keys are no text.

use std::cell::Cell;

thread_local! {
    static SAVING: Cell<bool> = const { Cell::new(false) };
}

/// Runs `act`, during which fields that no API shows are written, too.
pub(crate) fn saving<T>(act: impl FnOnce() -> T) -> T {
    SAVING.set(true);
    let done = act();
    SAVING.set(false);
    done
}

/// For `skip_serializing_if`: whether an API is being answered. What is secret or inner is then left out.
pub(crate) fn is_shown<T>(_: &T) -> bool {
    !SAVING.get()
}

/// Bytes as base64.
pub(crate) mod bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de};

    /// Writes.
    pub(crate) fn serialize<T: AsRef<[u8]>, S: Serializer>(bytes: &T, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    /// Reads.
    pub(crate) fn deserialize<'de, T: From<Vec<u8>>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map(T::from).map_err(de::Error::custom)
    }
}

/// A map as a list of pairs.
pub(crate) mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes.
    pub(crate) fn serialize<K, V, S>(map: &BTreeMap<K, V>, to: S) -> Result<S::Ok, S::Error>
    where
        K: Serialize,
        V: Serialize,
        S: Serializer,
    {
        to.collect_seq(map)
    }

    /// Reads.
    pub(crate) fn deserialize<'de, K, V, D>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}
