//! How an image was made, as an in-toto statement with a predicate of SLSA.
//!
//! - The statement: <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>, `_type`, `subject` (each with `name`
//!   and `digest`), `predicateType`, `predicate`.
//! - The predicate: <https://slsa.dev/spec/v1.0/provenance>, `buildDefinition` (`buildType`, `externalParameters`,
//!   `resolvedDependencies`) and `runDetails` (`builder` with `id` and `version`). `runDetails.metadata`, which tells times, may be
//!   left out, and is.
//! - What was taken in: <https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md>, one of `uri`, `digest`
//!   and `content` at least.

use serde_json::{Value, json};

use super::{Document, HOME, Made, Statement, TOOL, VERSION, digits};

/// Media type of the document, as BuildKit keeps statements that nobody signed
/// (<https://docs.docker.com/build/metadata/attestations/attestation-storage/>).
pub const MEDIA_TYPE: &str = "application/vnd.in-toto+json";

/// What the predicate is.
pub const PREDICATE: &str = "https://slsa.dev/provenance/v1";

/// How images are made; where the page is that tells it.
pub const BUILD_TYPE: &str =
    "https://github.com/gangplank-dev/gangplank/blob/main/docs/provenance.md#build-type-model-image-v1";

/// How the image was made, as a document.
pub fn document(made: &Made) -> Document {
    let bytes = statement(made).bytes;
    Document { kind: MEDIA_TYPE, title: "provenance.intoto.json", predicate: Some(PREDICATE), bytes }
}

/// How the image was made.
pub fn statement(made: &Made) -> Statement {
    let provenance = json!({
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": made.parameters,
            "resolvedDependencies": dependencies(made),
        },
        "runDetails": {
            "builder": { "id": format!("{HOME}@{VERSION}"), "version": { TOOL: VERSION } },
        },
    });
    Statement::about(made, PREDICATE, &provenance)
}

fn dependencies(made: &Made) -> Vec<Value> {
    let mut all = Vec::new();
    if let Some(base) = &made.base {
        let uri = super::package_url(&base.name, &base.digest);
        all.push(json!({ "name": "base", "uri": uri, "digest": { "sha256": digits(&base.digest) } }));
    }
    all.push(json!({ "name": "model", "uri": made.model.uri }));
    all.extend(
        made.files
            .iter()
            .map(|file| json!({ "name": file.path, "digest": { "sha256": digits(&file.digest) } })),
    );
    all
}

#[cfg(test)]
mod tests {
    use super::super::tests::made;
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn it_is_about_the_image_and_names_what_was_taken_in() {
        let document = document(&made());
        let statement: Value = serde_json::from_slice(&document.bytes).unwrap();
        assert_eq!(statement["subject"][0]["digest"]["sha256"], digits(&Digest::of(b"image")));
        assert_eq!(statement["predicateType"], document.predicate.unwrap());
        let definition = &statement["predicate"]["buildDefinition"];
        assert_eq!(definition["externalParameters"], json!({ "model": "Wine:7" }));
        let names: Vec<_> = definition["resolvedDependencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap())
            .collect();
        assert_eq!(names[..3], ["base", "model", "/models/a \"b\"/\u{6570}.bin"]);
        assert_eq!(names.len(), 6);
        let builder = &statement["predicate"]["runDetails"]["builder"];
        assert_eq!(builder["id"], format!("{HOME}@{VERSION}"));
    }
}
