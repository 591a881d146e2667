//! The configuration of an image: the base's, kept whole, and what we add to it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Run;
use crate::digest::Digest;

/// Images are made at the beginning of time: an image is its content, not its hour.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// A configuration being made. Held as JSON, so that fields that no specification lists survive.
struct Config {
    all: Map<String, Value>,
    run: Map<String, Value>,
    diff_ids: Vec<Value>,
    /// `None` if the base has layers but tells no history: a partial one would be wrong.
    history: Option<Vec<Value>>,
}

/// The configuration of an image on a base: what is added to the base's own, which anybody may have written. Layers are given by
/// the digests of their archives, and their names.
pub fn configuration(
    base: Value,
    (env, labels): (&BTreeMap<String, String>, &BTreeMap<String, String>),
    layers: &[(&Digest, &str)],
) -> Result<Vec<u8>, String> {
    let mut config = Config::on(base)?;
    config.add_env(env);
    config.add_labels(labels);
    for (diff_id, name) in layers {
        config.add_layer(diff_id, name);
    }
    Ok(config.into_bytes())
}

/// The configuration below an image that has no base.
pub(super) fn scratch(run: &Run) -> Value {
    let ports: Map<String, Value> = run.ports.iter().map(|port| (format!("{port}/tcp"), json!({}))).collect();
    json!({
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": run.user,
            "Entrypoint": run.entrypoint,
            "ExposedPorts": ports,
            "WorkingDir": run.directory,
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        },
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [],
    })
}

/// JSON with all keys in order: the same value is always the same bytes.
pub(super) fn canonical(value: Value) -> Vec<u8> {
    sorted(value).to_string().into_bytes()
}

impl Config {
    fn on(base: Value) -> Result<Self, String> {
        let Value::Object(mut all) = base else { return Err("it is no JSON object".to_owned()) };
        let diff_ids = all.remove("rootfs").and_then(|mut rootfs| Some(rootfs.get_mut("diff_ids")?.take()));
        let Some(Value::Array(diff_ids)) = diff_ids else {
            return Err("it has no `rootfs.diff_ids`".to_owned());
        };
        let run = match all.remove("config") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(run)) => run,
            Some(_) => return Err("its `config` is no JSON object".to_owned()),
        };
        let history = match all.remove("history") {
            Some(Value::Array(history)) => Some(history),
            _ => diff_ids.is_empty().then(Vec::new),
        };
        Ok(Self { all, run, diff_ids, history })
    }

    /// Adds variables; one that the base has is replaced where it stands.
    fn add_env(&mut self, env: &BTreeMap<String, String>) {
        let base = match self.run.remove("Env") {
            Some(Value::Array(base)) => base,
            _ => Vec::new(),
        };
        let name = |entry: &Value| entry.as_str().and_then(|it| it.split('=').next()).map(str::to_owned);
        let mut left = env.clone();
        let mut merged: Vec<Value> = base
            .into_iter()
            .map(|entry| match name(&entry).and_then(|name| left.remove_entry(&name)) {
                Some((name, value)) => json!(format!("{name}={value}")),
                None => entry,
            })
            .collect();
        merged.extend(left.into_iter().map(|(name, value)| json!(format!("{name}={value}"))));
        self.run.insert("Env".to_owned(), Value::Array(merged));
    }

    /// Adds labels; one that the base has is replaced.
    fn add_labels(&mut self, labels: &BTreeMap<String, String>) {
        if labels.is_empty() {
            return;
        }
        let mut merged = match self.run.remove("Labels") {
            Some(Value::Object(base)) => base,
            _ => Map::new(),
        };
        merged.extend(labels.iter().map(|(name, value)| (name.clone(), json!(value))));
        self.run.insert("Labels".to_owned(), Value::Object(merged));
    }

    /// Adds a layer on top.
    fn add_layer(&mut self, diff_id: &Digest, name: &str) {
        self.diff_ids.push(json!(diff_id.as_str()));
        if let Some(history) = &mut self.history {
            history.push(json!({"created": CREATED, "created_by": "gangplank", "comment": name}));
        }
    }

    fn into_bytes(mut self) -> Vec<u8> {
        self.all.insert("created".to_owned(), json!(CREATED));
        self.all.insert("config".to_owned(), Value::Object(self.run));
        self.all.insert("rootfs".to_owned(), json!({"type": "layers", "diff_ids": self.diff_ids}));
        if let Some(history) = self.history {
            self.all.insert("history".to_owned(), Value::Array(history));
        }
        canonical(Value::Object(self.all))
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<String, Value> =
                map.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(config: Config) -> Value {
        serde_json::from_slice(&config.into_bytes()).unwrap()
    }

    #[test]
    fn the_base_is_kept_and_added_to() {
        let base = json!({
            "architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z",
            "config": {
                "Env": ["PATH=/bin", "MODE=old"], "Labels": {"a": "1"}, "Healthcheck": {"Test": ["NONE"]}
            },
            "rootfs": {"type": "layers", "diff_ids": ["sha256:base"]},
            "history": [{"created_by": "base"}],
        });
        let mut config = Config::on(base).unwrap();
        config.add_env(&[("MODE".into(), "new".into()), ("Z".into(), "z=1".into())].into());
        config.add_labels(&[("b".to_owned(), "2".to_owned())].into());
        config.add_layer(&Digest::of(b""), "weights.bin");
        let made = finished(config);
        assert_eq!(made["created"], CREATED);
        assert_eq!(made["config"]["Env"], json!(["PATH=/bin", "MODE=new", "Z=z=1"]));
        assert_eq!(made["config"]["Labels"], json!({"a": "1", "b": "2"}));
        assert_eq!(made["config"]["Healthcheck"], json!({"Test": ["NONE"]}));
        assert_eq!(made["rootfs"]["diff_ids"], json!(["sha256:base", Digest::of(b"").as_str()]));
        assert_eq!(made["history"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_base_without_history_gets_none() {
        let base = json!({"rootfs": {"diff_ids": ["sha256:base"]}});
        let mut config = Config::on(base).unwrap();
        config.add_layer(&Digest::of(b""), "x");
        assert_eq!(finished(config).get("history"), None);
        assert!(Config::on(json!({})).is_err());
        assert!(Config::on(json!([])).is_err());
    }

    #[test]
    fn equal_values_are_equal_bytes() {
        let (a, b) = (json!({"b": {"d": 1, "c": 2}, "a": []}), json!({"a": [], "b": {"c": 2, "d": 1}}));
        assert_eq!(canonical(a.clone()), canonical(b));
        assert_eq!(canonical(a), br#"{"a":[],"b":{"c":2,"d":1}}"#);
    }
}
