//! What others said of an image's documents (`witness/provenance/`), replayed: what is made here is what they saw.

use serde_json::Value;

use crate::harbour::Harbour;
use crate::provenance::documents;

fn recorded(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness/provenance");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The same without what differs from build to build and from run to run: digests, serial numbers, the registry.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(all) => all.iter().map(shape).collect(),
        Value::String(text) => {
            let varies = ["127.0.0.1", "localhost", "REGISTRY", "urn:uuid:", "sha256"]
                .iter()
                .any(|part| text.contains(part));
            let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            if varies || digits { Value::Null } else { value.clone() }
        }
        other => other.clone(),
    }
}

#[test]
fn the_documents_are_those_that_were_found_valid() {
    let harbour = Harbour::set_up();
    let packed = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let made = documents(&harbour, packed["reference"].as_str().unwrap());
    for (kind, name) in [
        ("application/vnd.cyclonedx+json", "sbom.cdx.json"),
        ("application/vnd.in-toto+json", "provenance.intoto.json"),
    ] {
        let seen: Value = serde_json::from_str(&recorded(name)).unwrap();
        assert_eq!(shape(&made[kind]), shape(&seen), "{name}");
    }
    // The model's files are the same everywhere.
    let seen: Value = serde_json::from_str(&recorded("sbom.cdx.json")).unwrap();
    assert_eq!(made["application/vnd.cyclonedx+json"]["components"][0], seen["components"][0]);
}

#[test]
fn the_documents_were_valid_and_spoilt_ones_were_not() {
    let verdicts = recorded("documents.txt");
    let mut valid = Vec::new();
    for line in verdicts.lines().filter(|line| !line.starts_with('#')) {
        let line = line.trim_end();
        match line.strip_suffix(" valid") {
            Some(what) => valid.push(what),
            None => assert!(line.ends_with(" refused"), "{line}"),
        }
    }
    assert_eq!(valid, ["sbom", "provenance"]);
}

/// What cosign answered when it was asked with a key.
fn cosign(key: &str) -> String {
    let answers = recorded("answers.txt");
    let asked = format!("cosign verify --key {key} ");
    answers.split("$ ").find(|answer| answer.starts_with(&asked)).unwrap().to_owned()
}

#[test]
fn cosign_took_the_signature_by_its_key_alone() {
    let ours = cosign("images.pub");
    assert!(ours.contains("The signatures were verified against the specified public key"), "{ours}");
    let other = cosign("cosign.pub");
    assert!(other.contains("no matching signatures"), "{other}");
}

/// Whether a signed text is like the one that cosign took.
pub(crate) fn assert_as_cosign_took_it(signed: &Value) {
    let ours = cosign("images.pub");
    let taken = ours.lines().find(|line| line.starts_with('[')).unwrap();
    let taken: Value = serde_json::from_str(taken).unwrap();
    assert_eq!(shape(signed), shape(&taken[0]));
}
