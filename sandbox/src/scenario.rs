//! Scenarios: troubles that people meet, each a folder of `sandbox/scenarios/` that is demo, documentation and test at
//! once. docs/sandbox.md says what is in a folder.

use std::path::Path;

use serde_json::{Map, Value};

/// One scenario, as its folder has it.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// The folder's name.
    pub name: &'static str,
    /// What happened, what people see, what is behind it.
    pub readme: &'static str,
    /// What to ask, the one finding, and its mends.
    pub expected: &'static str,
    /// What is different in the bridge file, as a merge patch; after a line `---` what is changed in it once the trust is
    /// set up.
    pub bridge: Option<&'static str>,
    /// The trouble, as a world file.
    pub world: Option<&'static str>,
    /// Collected evidence in the place of a world: file name and text.
    pub evidence: &'static [(&'static str, &'static str)],
}

/// All of them, by name.
pub const SCENARIOS: &[Scenario] = include!(concat!(env!("OUT_DIR"), "/scenarios.rs"));

/// Why a bridge file was not patched.
#[derive(Debug, thiserror::Error)]
pub enum PatchError {
    /// It cannot be read or written.
    #[error("cannot change the bridge file")]
    File(#[from] std::io::Error),
    /// It or the patch is not YAML.
    #[error("the bridge file or what is to change in it is not YAML: {0}")]
    Yaml(String),
}

impl Scenario {
    /// The scenario of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// What it is about, in one line: the title of its README.
    pub fn title(&self) -> &'static str {
        self.readme.lines().next().unwrap_or_default().trim_start_matches('#').trim()
    }

    /// What is different in the bridge file before the trust is set up, and after.
    pub fn bridge_patches(&self) -> (Option<&'static str>, Option<&'static str>) {
        match self.bridge.map(|text| text.split_once("---\n").unwrap_or((text, ""))) {
            None => (None, None),
            Some((before, after)) => {
                let some = |text: &'static str| (!text.trim().is_empty()).then_some(text);
                (some(before), some(after))
            }
        }
    }
}

/// Changes a YAML file by a merge patch (RFC 7396) in YAML. Comments are lost.
pub fn patch_file(file: &Path, changes: &str) -> Result<(), PatchError> {
    let read = |text: &str| {
        serde_saphyr::from_str::<Value>(text).map_err(|error| PatchError::Yaml(error.to_string()))
    };
    let mut whole = read(&std::fs::read_to_string(file)?)?;
    merge(&mut whole, read(changes)?);
    let text = serde_saphyr::to_string(&whole).map_err(|error| PatchError::Yaml(error.to_string()))?;
    Ok(std::fs::write(file, text)?)
}

fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(target) = target.as_object_mut() else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(&name);
        } else {
            merge(target.entry(name).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_no_more() {
        let mut file = json!({ "a": { "b": 1, "c": [1, 2] }, "d": "e" });
        merge(&mut file, json!({ "a": { "b": null, "c": [3] }, "f": { "g": true } }));
        assert_eq!(file, json!({ "a": { "c": [3] }, "d": "e", "f": { "g": true } }));
    }

    #[test]
    fn every_scenario_has_a_title() {
        for scenario in SCENARIOS {
            assert!(scenario.title().len() > 10, "{}", scenario.name);
            assert!(
                scenario.world.is_some()
                    || scenario.bridge.is_some()
                    || !scenario.evidence.is_empty()
                    || scenario.expected.contains("as:")
                    || scenario.expected.contains("setUp: never")
                    || scenario.expected.contains("env:"),
                "{}",
                scenario.name
            );
        }
    }
}
