//! The image of a model version, planned: which files in which layer, which base, which configuration.

pub mod choice;
mod layers;
pub mod mlflow;
mod origin;
mod path;
mod planned;
mod testimony;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::port::ModelFile;

pub use self::path::PathError;
pub use self::planned::{ImageError, package_repository_and_tag, plan_image, repository_and_tag};
pub use self::testimony::{
    Attested, Contents, FileDigest, Referrer, Seals, SignatureVerdict, Testimony, TrustedKey,
};

/// Annotation that names the model version an image was made from; what identifies an image of ours.
pub const ASSET_ID: &str = "dev.gangplank.asset-id";

/// Where the files of a model lie in its image: the same for all models and versions, so that two versions share the layers
/// of the files they share. It is where KServe looks in an image that only carries a model
/// (<https://kserve.github.io/website/docs/model-serving/storage/providers/oci>).
pub const ROOT: &str = "/models";

/// Where the list of an image's files lies in it: path, size and sha256 of each, a line of JSON for one.
pub const LIST: &str = "/gangplank.files.jsonl";

/// Everything an image is made of; the same plan gives the same digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImagePlan {
    /// Repository path below the registry host, `PROJECT/REPOSITORY/IMAGE`.
    pub repository: String,
    /// The tag to push under: the model's version.
    pub tag: String,
    /// What the model layers lie upon.
    pub base: Base,
    /// A link to the model's files, where something looks for them elsewhere.
    pub link: Option<Link>,
    /// Model layers, bottom first.
    pub layers: Vec<LayerPlan>,
    /// Environment of the container, added to the base's.
    pub env: BTreeMap<String, String>,
    /// Labels of the image configuration.
    pub labels: BTreeMap<String, String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

/// The image below the model layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Base {
    /// An image in a registry, `HOST/PATH@sha256:…` or `HOST/PATH:TAG`; copied or mounted.
    Image(String),
    /// The scorer's own executable, which the edge holds; makes a base image with one layer.
    Scorer,
}

/// A symbolic link in the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Absolute path of the link.
    pub path: String,
    /// Where it leads, relative to its folder: right also where the image is mounted into another one.
    pub target: String,
}

/// One layer: some files below one directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerPlan {
    /// Absolute directory in the image that the files' paths are relative to.
    pub root: String,
    /// The files in path order.
    pub files: Vec<ModelFile>,
}

/// An image that a registry has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageFacts {
    /// `sha256:…` of the manifest.
    pub digest: String,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

/// An image that was copied from registry to registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopiedImage {
    /// `HOST/PATH@sha256:…`, as a pod names it.
    pub reference: String,
    /// `sha256:…` of the manifest or index.
    pub digest: String,
    /// Bytes of blobs that went over the wire.
    pub sent: u64,
    /// Bytes of blobs that were there already.
    pub present: u64,
    /// Bytes of blobs that another repository of the registry lent.
    pub mounted: u64,
    /// Signatures, SBOMs and attestations that went along.
    pub referrers: usize,
    /// How often something was tried again.
    pub retries: u32,
}

/// An image that was pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PushedImage {
    /// `HOST/PATH@sha256:…`, as a pod names it.
    pub reference: String,
    /// `sha256:…` of the manifest.
    pub digest: String,
    /// Bytes that went over the wire.
    pub sent: u64,
    /// Bytes that were there already.
    pub present: u64,
    /// What is in it, as far as whoever pushed it got to know.
    #[serde(skip)]
    pub contents: Contents,
    /// What was put beside it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub referrers: Vec<Referrer>,
}
