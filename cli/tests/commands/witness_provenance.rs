//! What others said of an image's documents (`witness/provenance/`), replayed: what is made here is what they saw.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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
            let varies = ["127.0.0.1", "localhost", "REGISTRY", "DIGITS", "urn:uuid:", "sha256"]
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

/// What cosign answered when it was asked to `verify` with a key.
fn cosign(verify: &str, key: &str) -> String {
    let answers = recorded("answers.txt");
    let asked = format!("cosign {verify} --key {key} ");
    answers.split("$ ").find(|answer| answer.starts_with(&asked)).unwrap().to_owned()
}

#[test]
fn cosign_took_the_signature_by_its_key_alone() {
    let ours = cosign("verify", "images.pub");
    assert!(ours.contains("The signatures were verified against the specified public key"), "{ours}");
    let other = cosign("verify", "cosign.pub");
    assert!(other.contains("no matching signatures"), "{other}");
}

/// Whether a signed text is like the one that cosign took.
pub(crate) fn assert_as_cosign_took_it(signed: &Value) {
    let ours = cosign("verify", "images.pub");
    let taken = ours.lines().find(|line| line.starts_with('[')).unwrap();
    let taken: Value = serde_json::from_str(taken).unwrap();
    assert_eq!(shape(signed), shape(&taken[0]));
}

/// What kinds of statement cosign was asked for, and what each document is called.
const STATEMENTS: [(&str, &str); 2] = [
    ("verify-attestation --type cyclonedx", "sbom.cdx.json"),
    ("verify-attestation --type slsaprovenance1", "provenance.intoto.json"),
];

#[test]
fn cosign_took_what_is_said_by_the_same_key_alone() {
    for (verify, _) in STATEMENTS {
        let ours = cosign(verify, "images.pub");
        assert!(ours.contains("The signatures were verified against the specified public key"), "{ours}");
        let other = cosign(verify, "cosign.pub");
        assert!(other.contains("no matching attestations"), "{other}");
    }
}

/// Whether envelopes are like those that cosign took, and hold the documents that were found valid.
pub(crate) fn assert_attested_as_cosign_took_it(envelopes: &[Value]) {
    let statement = |envelope: &Value| -> Value {
        let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
        serde_json::from_slice(&payload).unwrap()
    };
    assert_eq!(envelopes.len(), STATEMENTS.len());
    for (envelope, (verify, document)) in envelopes.iter().zip(STATEMENTS) {
        let answer = cosign(verify, "images.pub");
        let taken: Value =
            serde_json::from_str(answer.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
        let (ours, theirs) = (statement(envelope), statement(&taken));
        assert_eq!(shape(&ours), shape(&theirs), "{document}");
        let recorded: Value = serde_json::from_str(&recorded(document)).unwrap();
        let said = if recorded.get("predicate").is_some() { &ours } else { &ours["predicate"] };
        assert_eq!(shape(said), shape(&recorded), "{document}");
    }
}
