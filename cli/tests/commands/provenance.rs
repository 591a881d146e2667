//! What is put beside images: parts and provenance, once, with digests that hold, and nothing of the machine.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::Digest as _;

use crate::harbour::Harbour;

const SBOM: &str = "application/vnd.cyclonedx+json";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// Something in the sandbox's registry, read as the administrator.
pub(crate) fn read(harbour: &Harbour, reference: &str, what: &str) -> String {
    let (place, _) = reference.split_once('@').unwrap();
    let (host, repository) = place.split_once('/').unwrap();
    let token = harbour.google_log_in();
    let url = format!("http://{host}/v2/{repository}/{what}");
    let (status, body) = harbour.send(harbour.client().get(url).bearer_auth(&token));
    assert_eq!(status, 200, "{body}");
    body
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// The documents beside an image, by artifact type.
pub(crate) fn documents(harbour: &Harbour, reference: &str) -> BTreeMap<String, Value> {
    let (_, digest) = reference.split_once('@').unwrap();
    let list = parsed(&read(harbour, reference, &format!("referrers/{digest}")));
    let mut documents = BTreeMap::new();
    for listed in list["manifests"].as_array().unwrap() {
        let manifest = format!("manifests/{}", listed["digest"].as_str().unwrap());
        let manifest = parsed(&read(harbour, reference, &manifest));
        let blob =
            read(harbour, reference, &format!("blobs/{}", manifest["layers"][0]["digest"].as_str().unwrap()));
        let kind = listed["artifactType"].as_str().unwrap().to_owned();
        assert!(documents.insert(kind, parsed(&blob)).is_none(), "{list}");
    }
    documents
}

#[test]
fn an_image_says_what_is_in_it_and_how_it_was_made() {
    let harbour = Harbour::set_up();
    let packed = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let reference = packed["reference"].as_str().unwrap();
    let digest = packed["digest"].as_str().unwrap().trim_start_matches("sha256:");
    let documents = documents(&harbour, reference);
    let (bom, statement) = (&documents[SBOM], &documents[IN_TOTO]);
    assert_eq!(packed["referrers"].as_array().unwrap().len(), documents.len());

    let model = &bom["components"][0];
    assert_eq!((&model["type"], &model["name"]), (&json!("machine-learning-model"), &json!("breast-cancer")));
    let listed: Vec<_> = model["components"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert!(listed.contains(&&json!("/models/model.onnx")), "{listed:?}");
    assert_eq!(bom["components"][1]["name"], "/usr/local/bin/gangplank-scorer");
    let scorer = std::fs::read(crate::harbour::scorer()).unwrap();
    let scorer = hex::encode(sha2::Sha256::digest(scorer));
    assert_eq!(bom["components"][1]["hashes"][0]["content"], scorer.as_str());

    assert_eq!(statement["subject"][0]["digest"]["sha256"], digest);
    let definition = &statement["predicate"]["buildDefinition"];
    assert_eq!(definition["externalParameters"]["model"], "breast-cancer:1");
    let model = &definition["resolvedDependencies"][0];
    assert!(model["uri"].as_str().unwrap().starts_with("azureml:/subscriptions/"), "{model}");
    for document in documents.values() {
        let text = document.to_string();
        let here = harbour.file("").display().to_string();
        for never in ["sig=", here.trim_end_matches('/')] {
            assert!(!text.contains(never), "`{never}` is in {text}");
        }
    }
}

#[test]
fn what_is_said_is_said_once_and_only_if_it_is_wished() {
    let harbour = Harbour::set_up();
    let bare =
        harbour.run(&["pack", "breast-cancer:1", "--no-provenance", "-o", "json"]).expect_code(0).json();
    assert_eq!(bare.get("referrers"), None);
    let reference = bare["reference"].as_str().unwrap();
    assert!(documents(&harbour, reference).is_empty());
    let packed = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    let shipped = harbour.run(&["ship", "breast-cancer:1", "-o", "json"]).expect_code(0);
    assert_eq!(shipped.json()["image"], reference, "the image is the same either way");
    assert_eq!(documents(&harbour, reference).len(), 2);
    let again = harbour.run(&["pack", "breast-cancer:1", "-o", "json"]).expect_code(0).json();
    assert_eq!((&again["referrers"], &again["sent"]), (&packed["referrers"], &json!(0)));
}

#[test]
fn a_package_says_what_it_was_copied_from() {
    let harbour = Harbour::new();
    harbour.edit(
        "model: breast-cancer:1\n    runtime: onnx",
        "model: breast-cancer:2\n    runtime: { environment: \"breast-cancer-package:1\" }",
    );
    harbour.run(&["apply"]).expect_code(0);
    let packed = harbour.run(&["pack", "breast-cancer", "-o", "json"]).expect_code(0).json();
    let documents = documents(&harbour, packed["reference"].as_str().unwrap());
    let definition = &documents[IN_TOTO]["predicate"]["buildDefinition"];
    assert_eq!(definition["externalParameters"]["environment"], "breast-cancer-package:1");
    let base = &definition["resolvedDependencies"][0];
    let digest = packed["digest"].as_str().unwrap().trim_start_matches("sha256:");
    assert_eq!((&base["name"], &base["digest"]["sha256"]), (&json!("base"), &json!(digest)));
}
