//! What is said of an image beside it: what it was made of, as its registry gets it in an SBOM and a provenance.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::ROOT;
use crate::port::ModelVersion;
use crate::signing_key::SigningKey;
use crate::spec::Runtime;

/// What is to be put beside images, and what is demanded of the images they lie upon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seals {
    /// Whether an SBOM and a provenance are put beside images.
    pub provenance: bool,
    /// The key that the base must be signed with, where the service demands one.
    pub base_key: Option<TrustedKey>,
    /// The key that signs images and what is said of them.
    pub signing_key: Option<SigningKey>,
}

/// A public key that somebody trusts.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The file it is in, as the bridge file names it.
    pub path: String,
    /// The file's text.
    pub pem: String,
}

/// What is in the file is not known to be public before it is read as a key.
impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedKey({})", self.path)
    }
}

/// Whether an image is signed as somebody demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignatureVerdict {
    /// It is.
    Signed,
    /// It is not: what was looked for, where, and what was found.
    Unsigned(String),
}

/// What an image holds beyond its base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Its files, in path order.
    pub files: Vec<FileDigest>,
    /// What it lies upon, or was copied from: `HOST/PATH@sha256:…`.
    pub base: Option<String>,
}

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    /// Its absolute path in the image.
    pub path: String,
    /// `sha256:…` of its bytes.
    pub digest: String,
}

/// What is said of an image that was made of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Testimony {
    /// The model's name.
    pub model: String,
    /// Its version.
    pub version: String,
    /// What names the version everywhere, as a URI.
    pub uri: String,
    /// The folder in the image that its files are in.
    pub root: &'static str,
    /// What else is known of it.
    pub notes: BTreeMap<String, String>,
    /// What was asked for.
    pub parameters: BTreeMap<String, String>,
}

/// How a testimony was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attested {
    /// It is beside the image.
    There(Vec<Referrer>),
    /// The registry does not take such things, in these words. The image is there all the same.
    Refused(String),
}

/// A manifest that refers to an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Referrer {
    /// What kind of document it holds, a media type.
    pub artifact_type: String,
    /// `sha256:…` of the manifest.
    pub digest: String,
}

impl Testimony {
    /// What is said of an image of a model version that is served by `runtime`. Nothing of the caller is in it, nor of her machine.
    pub fn of(version: &ModelVersion, runtime: &Runtime) -> Self {
        let mut parameters =
            BTreeMap::from([("model".to_owned(), format!("{}:{}", version.name, version.version))]);
        let mut parameter = |name: &str, value: &str| parameters.insert(name.to_owned(), value.to_owned());
        match runtime {
            Runtime::Auto => drop(parameter("runtime", "auto")),
            Runtime::Onnx => drop(parameter("runtime", "onnx")),
            Runtime::Image { image, .. } => {
                parameter("runtime", "image");
                parameter("base", image);
            }
            Runtime::Package { environment, version } => {
                parameter("runtime", "package");
                parameter("environment", &format!("{environment}:{version}"));
            }
        }
        let notes = [("workspace", Some(&version.workspace)), ("job", version.origin.job.as_ref())];
        let notes = notes.into_iter().filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some((format!("gangplank:{name}"), value.clone()))
        });
        Self {
            model: version.name.clone(),
            version: version.version.clone(),
            uri: uri(&version.asset_id),
            root: ROOT,
            notes: notes.collect(),
            parameters,
        }
    }
}

/// A version's id as a URI: Azure ML's tools take ids of ARM with `azureml:` in front
/// (<https://learn.microsoft.com/azure/machine-learning/reference-yaml-overview#reference-an-azure-resource-manager-resource>); those of
/// registries begin so already.
fn uri(id: &str) -> String {
    if id.starts_with('/') { format!("azureml:{id}") } else { id.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::fixture;

    #[test]
    fn ids_become_uris() {
        assert_eq!(uri("/subscriptions/s/x"), "azureml:/subscriptions/s/x");
        assert_eq!(
            uri("azureml://registries/r/models/m/versions/1"),
            "azureml://registries/r/models/m/versions/1"
        );
    }

    #[test]
    fn what_was_asked_for_is_said() {
        let package = Runtime::Package { environment: "wine-env".to_owned(), version: "3".to_owned() };
        let image = Runtime::Image { image: "h/b@sha256:0".to_owned(), port: 1, signed_by: None };
        for (runtime, name, value) in [
            (Runtime::Auto, "runtime", "auto"),
            (Runtime::Onnx, "runtime", "onnx"),
            (image, "base", "h/b@sha256:0"),
            (package, "environment", "wine-env:3"),
        ] {
            let said = Testimony::of(&fixture::version(), &runtime);
            assert_eq!(said.parameters[name], value);
            assert_eq!(said.parameters["model"], "Wine_Cultivar:1");
        }
    }
}
