//! The JSON Schema of the bridge file, for editors. It is made from the same types that read the file.

use serde_json::Value;

use crate::file::format::BridgeFile;

/// The schema, in the dialect of 2020-12.
pub fn json_schema() -> Value {
    schemars::schema_for!(BridgeFile).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `UPDATE_SCHEMA=1 cargo test -p gangplank-bridge schema` would need the environment; `INSTA_UPDATE` does it all.
    #[test]
    fn checked_in_schema_is_current() {
        let current = include_str!("../../docs/bridge.schema.json");
        let mut made = serde_json::to_string_pretty(&json_schema()).unwrap();
        made.push('\n');
        assert!(made == current, "docs/bridge.schema.json is out of date; write this into it:\n{made}");
    }
}
