//! What is said of an image beside it: the list of its parts ([`sbom`]) and how it was made ([`slsa`]), as manifests that name the
//! image as their subject ([`attach`]), or as statements to be signed ([`Statement`]). The documents depend on the image and on
//! nothing else, no hour and no machine, so that whoever makes the same image again says the same of it, and nothing is sent
//! twice.

mod attach;
pub mod sbom;
pub mod slsa;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub use self::attach::{Attached, attach};
use crate::digest::Digest;

/// Where the sources of what makes images are.
const HOME: &str = "https://github.com/gangplank-dev/gangplank";
/// What makes images.
const TOOL: &str = "gangplank";
/// Its version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// An image that was made of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its name, `HOST/REPOSITORY`.
    pub name: String,
    /// Digest of its manifest.
    pub digest: Digest,
    /// The model in it.
    pub model: Model,
    /// The files in it that are not the base's, in path order.
    pub files: Vec<File>,
    /// What it lies upon; for an image that was copied, what it was copied from.
    pub base: Option<BaseImage>,
    /// What was asked for, in the words of whoever asked.
    pub parameters: BTreeMap<String, String>,
}

/// One version of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The version.
    pub version: String,
    /// What names it everywhere, as a URI.
    pub uri: String,
    /// The folder in the image that its files are in.
    pub root: String,
    /// What else is known of it.
    pub notes: BTreeMap<String, String>,
}

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it is in the image, an absolute path.
    pub path: String,
    /// Digest of its bytes.
    pub digest: Digest,
}

/// The image below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseImage {
    /// Its name, `HOST/REPOSITORY`.
    pub name: String,
    /// Digest of its manifest or index.
    pub digest: Digest,
}

/// A document about an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What kind of document it is, a media type.
    pub kind: &'static str,
    /// What a file that holds it is called.
    pub title: &'static str,
    /// The kind of statement that it makes, where it makes one.
    pub predicate: Option<&'static str>,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// An in-toto statement about an image, as it can be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What kind of statement it is, a URI.
    pub predicate: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Statement {
    /// What `content` says of an image.
    ///
    /// <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>
    fn about(made: &Made, predicate: &'static str, content: &Value) -> Self {
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": made.name, "digest": { "sha256": digits(&made.digest) } }],
            "predicateType": predicate,
            "predicate": content,
        });
        Self { predicate, bytes: statement.to_string().into_bytes() }
    }
}

impl Made {
    /// Whether a file is one of the model's.
    fn is_models(&self, file: &File) -> bool {
        file.path.strip_prefix(&self.model.root).is_some_and(|rest| rest.starts_with('/'))
    }
}

/// A digest's 64 digits.
fn digits(digest: &Digest) -> &str {
    digest.as_str().trim_start_matches("sha256:")
}

/// An image as package URLs name it.
///
/// <https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md>: the last part of the repository's name, the
/// digest as the version, the whole name as `repository_url`.
fn package_url(name: &str, digest: &Digest) -> String {
    let last = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
    format!("pkg:oci/{last}@sha256%3A{}?repository_url={name}", digits(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A model of two files on a base.
    pub(super) fn made() -> Made {
        let file = |path: &str, bytes: &[u8]| File { path: path.to_owned(), digest: Digest::of(bytes) };
        Made {
            name: "r.example/p/models/wine".to_owned(),
            digest: Digest::of(b"image"),
            model: Model {
                name: "Wine".to_owned(),
                version: "7".to_owned(),
                uri: "cellar:/models/Wine/versions/7".to_owned(),
                root: "/models".to_owned(),
                notes: BTreeMap::from([("org.example.job".to_owned(), "brave_sail".to_owned())]),
            },
            files: vec![
                file("/models/a \"b\"/\u{6570}.bin", b"1"),
                file("/models/model.onnx", b"2"),
                file("/modelsish", b"3"),
                file("/usr/local/bin/server", b"4"),
            ],
            base: Some(BaseImage { name: "r.example:5000/base".to_owned(), digest: Digest::of(b"base") }),
            parameters: BTreeMap::from([("model".to_owned(), "Wine:7".to_owned())]),
        }
    }

    #[test]
    fn images_have_package_urls() {
        let digest = Digest::of(b"");
        assert_eq!(
            package_url("R.example:5000/a/B", &digest),
            format!("pkg:oci/b@sha256%3A{}?repository_url=R.example:5000/a/B", digits(&digest))
        );
    }
}
