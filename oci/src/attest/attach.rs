//! Documents beside an image: each in a manifest of its own that names the image as its subject.
//!
//! <https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidelines-for-artifact-usage>: `artifactType`, and an
//! empty configuration; <https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject>.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::Document;
use crate::digest::Digest;
use crate::progress::{Event, Progress, Skip};
use crate::registry::{Found, Referrers, Registry, RegistryError};

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
/// The configuration of a thing that has none
/// (<https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md#guidance-for-an-empty-descriptor>).
const EMPTY: &[u8] = b"{}";
/// Tells which statement is inside (<https://docs.docker.com/build/metadata/attestations/attestation-storage/>).
const PREDICATE: &str = "in-toto.io/predicate-type";
/// What a file that holds the blob is called
/// (<https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md#pre-defined-annotation-keys>).
const TITLE: &str = "org.opencontainers.image.title";

/// A document beside an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    /// What kind of document it is, a media type.
    pub kind: &'static str,
    /// Digest of its manifest.
    pub digest: Digest,
}

/// Puts documents beside the image that a repository has. What is there already is not sent.
pub async fn attach(
    registry: &Registry,
    repository: &str,
    image: &Digest,
    documents: &[Document],
    progress: &dyn Progress,
) -> Result<Vec<Attached>, RegistryError> {
    let act = format!("give the image {image}");
    let found = registry.manifest(repository, image.as_str()).await?;
    let subject = found.ok_or_else(|| registry.unexpected(&act, "it does not have it"))?;
    let desk = Desk { registry, repository, subject, progress };
    let known = desk.known().await?;
    let mut attached = Vec::new();
    for document in documents {
        attached.push(desk.put(document, &known).await?);
    }
    Ok(attached)
}

/// Where documents are put.
struct Desk<'a> {
    registry: &'a Registry,
    repository: &'a str,
    subject: Found,
    progress: &'a dyn Progress,
}

impl Desk<'_> {
    /// The digests of what is beside the image.
    async fn known(&self) -> Result<Vec<String>, RegistryError> {
        let listed = match self.registry.referrers(self.repository, &self.subject.digest).await? {
            Referrers::Listed(all) => all,
            Referrers::Unsupported => {
                self.registry.referrers_by_tag(self.repository, &self.subject.digest).await?
            }
        };
        Ok(listed.into_iter().map(|descriptor| descriptor.digest().to_string()).collect())
    }

    async fn put(&self, document: &Document, known: &[String]) -> Result<Attached, RegistryError> {
        let manifest = manifest(&self.subject, document).to_string();
        let digest = Digest::of(manifest.as_bytes());
        let attached = Attached { kind: document.kind, digest: digest.clone() };
        if known.iter().any(|known| known == digest.as_str()) {
            let size = document.bytes.len() as u64;
            self.progress.event(Event::Skipped { what: document.title, size, why: Skip::Present });
            return Ok(attached);
        }
        let bytes = Bytes::copy_from_slice(&document.bytes);
        let empty = Bytes::from_static(EMPTY);
        self.registry.put_blob(self.repository, "empty configuration", empty, self.progress).await?;
        self.registry.put_blob(self.repository, document.title, bytes, self.progress).await?;
        let size = manifest.len();
        self.registry.put_manifest(self.repository, digest.as_str(), MANIFEST_TYPE, manifest.into()).await?;
        let listing = listing(document, &digest, size);
        self.registry.list_referrer(self.repository, &self.subject.digest, listing).await?;
        Ok(attached)
    }
}

fn manifest(subject: &Found, document: &Document) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": document.kind,
        "config": descriptor(EMPTY_TYPE, &Digest::of(EMPTY), EMPTY.len()),
        "layers": [{
            "mediaType": document.kind,
            "digest": Digest::of(&document.bytes).as_str(),
            "size": document.bytes.len(),
            "annotations": annotations(document, Some(document.title)),
        }],
        "subject": descriptor(&subject.media_type, &subject.digest, subject.bytes.len()),
        "annotations": annotations(document, None),
    })
}

/// The manifest as lists of referrers have it: its artifact type and annotations are to be there.
fn listing(document: &Document, digest: &Digest, size: usize) -> Value {
    json!({
        "mediaType": MANIFEST_TYPE,
        "digest": digest.as_str(),
        "size": size,
        "artifactType": document.kind,
        "annotations": annotations(document, None),
    })
}

fn annotations(document: &Document, title: Option<&str>) -> Value {
    let mut all = Map::new();
    if let Some(title) = title {
        all.insert(TITLE.to_owned(), json!(title));
    }
    if let Some(predicate) = document.predicate {
        all.insert(PREDICATE.to_owned(), json!(predicate));
    }
    Value::Object(all)
}

fn descriptor(media_type: &str, digest: &Digest, size: usize) -> Value {
    json!({ "mediaType": media_type, "digest": digest.as_str(), "size": size })
}
