//! The JSON Schema of the bridge file, for editors. It is made from the same types that read the file.

use std::sync::LazyLock;

use serde_json::Value;

use crate::file::format::BridgeFile;

/// Made once: every reading of a file asks for it.
pub(crate) static SCHEMA: LazyLock<Value> = LazyLock::new(make);

fn make() -> Value {
    let Value::Object(mut made) = schemars::schema_for!(BridgeFile).to_value() else { return Value::Null };
    // What the document is comes first, for those who read it.
    let mut schema = serde_json::Map::new();
    for field in ["$schema", "title", "description"] {
        schema.extend(made.remove(field).map(|value| (field.to_owned(), value)));
    }
    schema.extend(made);
    Value::Object(schema)
}

/// The schema, in the dialect of 2020-12.
pub fn json_schema() -> Value {
    SCHEMA.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checked_in_schema_is_current() {
        let made = serde_json::to_string_pretty(&*SCHEMA).unwrap() + "\n";
        if std::env::var_os("GANGPLANK_GENERATE").is_some() {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bridge.schema.json");
            return std::fs::write(file, made).unwrap();
        }
        let checked_in = include_str!("../../docs/bridge.schema.json");
        assert!(made == checked_in, "`docs/bridge.schema.json` is not what the types say: `just generate`");
    }

    #[test]
    fn every_key_is_described() {
        let definitions = SCHEMA["$defs"].as_object().unwrap().values().chain([&*SCHEMA]);
        for definition in definitions {
            for (key, property) in definition["properties"].as_object().into_iter().flatten() {
                assert!(property["description"].is_string(), "`{key}` has no description");
            }
        }
    }
}
