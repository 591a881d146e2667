//! The parts of an image, as CycloneDX 1.6 has them: the model with its files, what else was laid into the image, the base.
//!
//! <https://cyclonedx.org/docs/1.6/json/>: `bomFormat`, `specVersion`, `serialNumber` and `version` of a document;
//! `metadata.component`, what it is about; `components` of types `machine-learning-model`, `file` and `container`, whose `hashes`
//! have `alg` and `content`; `dependencies` by `bom-ref`. `metadata.timestamp` may be left out, and is.

use serde_json::{Map, Value, json};

use super::{BaseImage, Document, File, HOME, Made, Statement, TOOL, VERSION, digits, package_url};
use crate::digest::Digest;

/// Media type of the document.
///
/// <https://www.iana.org/assignments/media-types/application/vnd.cyclonedx+json>
pub const MEDIA_TYPE: &str = "application/vnd.cyclonedx+json";

const SCHEMA: &str = "http://cyclonedx.org/schema/bom-1.6.schema.json";

/// What a statement with the document in it is.
///
/// <https://cyclonedx.org/specification/overview/#recognized-predicate-type>
pub const PREDICATE: &str = "https://cyclonedx.org/bom";

/// The list of an image's parts, as a document.
pub fn document(made: &Made) -> Document {
    let bytes = parts(made).to_string().into_bytes();
    Document { kind: MEDIA_TYPE, title: "sbom.cdx.json", predicate: None, bytes }
}

/// The list of an image's parts, as a statement that can be signed.
pub fn statement(made: &Made) -> Statement {
    Statement::about(made, PREDICATE, &parts(made))
}

fn parts(made: &Made) -> Value {
    let mut components = vec![model(made)];
    components.extend(made.files.iter().filter(|file| !made.is_models(file)).map(file));
    components.extend(made.base.as_ref().map(base));
    let parts: Vec<Value> = components.iter().filter_map(|part| part.get("bom-ref").cloned()).collect();
    let mut bom = json!({
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "",
        "version": 1,
        "metadata": {
            "tools": { "components": [tool()] },
            "component": image("image", &made.name, &made.digest),
        },
        "components": components,
        "dependencies": [{ "ref": "image", "dependsOn": parts }],
    });
    // Of all that the document says: two that differ are not the same document.
    let serial = serial_number(&Digest::of(bom.to_string().as_bytes()));
    if let Some(slot) = bom.get_mut("serialNumber") {
        *slot = json!(serial);
    }
    bom
}

fn tool() -> Value {
    json!({
        "type": "application",
        "name": TOOL,
        "version": VERSION,
        "externalReferences": [{ "type": "vcs", "url": HOME }],
    })
}

fn model(made: &Made) -> Value {
    let model = &made.model;
    let files: Vec<Value> = made.files.iter().filter(|file| made.is_models(file)).map(file).collect();
    let mut notes = vec![json!({ "name": "gangplank:uri", "value": model.uri })];
    notes.extend(model.notes.iter().map(|(name, value)| json!({ "name": name, "value": value })));
    let mut component = Map::new();
    component.insert("type".to_owned(), json!("machine-learning-model"));
    component.insert("bom-ref".to_owned(), json!("model"));
    component.insert("name".to_owned(), json!(model.name));
    component.insert("version".to_owned(), json!(model.version));
    component.insert("properties".to_owned(), Value::Array(notes));
    if !files.is_empty() {
        component.insert("components".to_owned(), Value::Array(files));
    }
    Value::Object(component)
}

fn file(file: &File) -> Value {
    json!({
        "type": "file",
        "bom-ref": format!("file:{}", file.path),
        "name": file.path,
        "hashes": [hash(&file.digest)],
    })
}

fn base(base: &BaseImage) -> Value {
    image("base", &base.name, &base.digest)
}

fn image(reference: &str, name: &str, digest: &Digest) -> Value {
    json!({
        "type": "container",
        "bom-ref": reference,
        "name": name,
        "version": digest.as_str(),
        "hashes": [hash(digest)],
        "purl": package_url(name, digest),
    })
}

fn hash(digest: &Digest) -> Value {
    json!({ "alg": "SHA-256", "content": digits(digest) })
}

/// A UUID of the version that leaves its bits to whoever makes it, here those of a digest.
///
/// <https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8>
fn serial_number(digest: &Digest) -> String {
    let mut text = String::from("urn:uuid:");
    for (at, digit) in digits(digest).chars().take(32).enumerate() {
        if matches!(at, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        // Version and variant.
        text.push(match at {
            12 => '8',
            16 => 'a',
            _ => digit,
        });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::made;
    use super::*;

    fn read(made: &Made) -> Value {
        serde_json::from_slice(&document(made).bytes).unwrap()
    }

    #[test]
    fn every_part_has_its_place_and_its_digest() {
        let made = made();
        let bom = read(&made);
        let model = &bom["components"][0];
        assert_eq!((&model["type"], &model["name"]), (&json!("machine-learning-model"), &json!("Wine")));
        assert_eq!(model["components"].as_array().unwrap().len(), 2);
        assert_eq!(model["components"][0]["name"], "/models/a \"b\"/\u{6570}.bin");
        assert_eq!(model["components"][0]["hashes"][0]["content"], digits(&Digest::of(b"1")));
        let rest: Vec<_> = bom["components"].as_array().unwrap()[1..].iter().map(|it| &it["name"]).collect();
        assert_eq!(rest, ["/modelsish", "/usr/local/bin/server", "r.example:5000/base"]);
        assert_eq!(bom["metadata"]["component"]["version"], made.digest.as_str());
        let parts = bom["dependencies"][0]["dependsOn"].as_array().unwrap();
        assert_eq!(parts.len(), 4);
    }

    #[test]
    fn a_statement_says_the_same_of_the_image() {
        let statement: Value = serde_json::from_slice(&statement(&made()).bytes).unwrap();
        assert_eq!(statement["subject"][0]["digest"]["sha256"], digits(&Digest::of(b"image")));
        assert_eq!(statement["predicateType"], PREDICATE);
        assert_eq!(statement["predicate"], read(&made()));
    }

    #[test]
    fn the_serial_number_is_a_uuid_of_the_content() {
        let one = read(&made())["serialNumber"].clone();
        assert_eq!(read(&made())["serialNumber"], one);
        let other = Made { digest: Digest::of(b"other"), ..made() };
        assert_ne!(read(&other)["serialNumber"], one);
        let text = serial_number(&Digest::of(b""));
        assert_eq!(text, "urn:uuid:e3b0c442-98fc-8c14-aafb-f4c8996fb924");
    }

    #[test]
    fn a_model_of_no_known_files_on_nothing_is_one_part() {
        let bare = Made { files: Vec::new(), base: None, ..made() };
        let bom = read(&bare);
        assert_eq!(bom["components"].as_array().unwrap().len(), 1);
        assert_eq!(bom["components"][0].get("components"), None);
    }
}
