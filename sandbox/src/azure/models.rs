//! Models and environments of the Azure ML workspace and of the registry, and the blobs behind them.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::seed;

/// Bytes in one block of a synthetic blob.
const BLOCK: u64 = 64 * 1024;

/// Models and blobs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Models {
    /// Versions by model name, in the order of registration.
    pub versions: BTreeMap<String, Vec<ModelVersion>>,
    /// Blobs of the default container by name.
    pub blobs: BTreeMap<String, Blob>,
    /// Blobs of the container for what jobs leave behind.
    pub artifacts: BTreeMap<String, Blob>,
    /// The registry's versions by model name.
    pub registry: BTreeMap<String, Vec<ModelVersion>>,
    /// Blobs of the registry's container.
    pub registry_blobs: BTreeMap<String, Blob>,
    /// The workspace's environments.
    pub environments: Vec<Environment>,
    /// What the workspace's datastores keep to log in with, by name; one that is not here keeps nothing.
    #[serde(default)]
    pub credentials: BTreeMap<String, String>,
    /// Whether the workspace's storage account takes no keys.
    #[serde(default)]
    pub keys_are_off: bool,
}

/// Where the files of a version lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Store {
    /// The workspace's default datastore.
    #[default]
    Default,
    /// The workspace's datastore for what jobs leave behind.
    Artifacts,
    /// The registry's storage.
    Registry,
}

impl Store {
    /// The storage account and the container.
    pub fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Default => (seed::STORAGE_ACCOUNT, seed::CONTAINER),
            Self::Artifacts => (seed::STORAGE_ACCOUNT, seed::ARTIFACT_CONTAINER),
            Self::Registry => (seed::ML_REGISTRY_ACCOUNT, seed::ML_REGISTRY_CONTAINER),
        }
    }
}

/// One version of an environment whose image is built.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Environment {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// `REGISTRY/REPOSITORY@sha256:…`.
    pub image: String,
    /// The port of its inference server.
    pub port: u16,
}

/// One registered version of a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ModelVersion {
    /// The version.
    pub version: String,
    /// `custom_model`, `mlflow_model` or `triton_model`.
    pub model_type: String,
    /// Free text.
    pub description: Option<String>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Where its files lie.
    pub store: Store,
    /// Folder of its files in the container, without slashes around it.
    pub folder: String,
    /// Whether it is archived.
    pub archived: bool,
    /// When it was registered.
    pub created: Timestamp,
}

/// One blob.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Blob {
    /// What it holds.
    pub content: Content,
    /// Entity tag, without quotes.
    pub etag: String,
    /// When it was written.
    pub modified: Timestamp,
}

/// The bytes of a blob.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Content {
    /// In memory.
    Bytes(#[serde(with = "crate::data::bytes")] Bytes),
    /// Made on the fly, the same each time: for files larger than memory.
    Synthetic {
        /// How many bytes.
        size: u64,
        /// One block of noise that every block starts from.
        #[serde(with = "crate::data::bytes")]
        pattern: Arc<[u8]>,
    },
}

impl Content {
    /// Bytes that look like noise, the same for the same `seed`, and are never held in memory.
    pub fn synthetic(seed: &str, size: u64) -> Self {
        let mut pattern = Vec::new();
        let mut noise = Sha256::digest(seed.as_bytes());
        while (pattern.len() as u64) < BLOCK {
            pattern.extend_from_slice(&noise);
            noise = Sha256::digest(noise);
        }
        Self::Synthetic { size, pattern: pattern.into() }
    }

    /// How many bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Synthetic { size, .. } => *size,
        }
    }

    /// Some bytes from `offset` on, at most `length`, at least one unless `offset` is at the end.
    pub fn chunk(&self, offset: u64, length: u64) -> Bytes {
        let length = length.min(self.size().saturating_sub(offset));
        match self {
            Self::Bytes(bytes) => slice(bytes, offset, length),
            Self::Synthetic { pattern, .. } => {
                let within = offset % BLOCK;
                slice(&block(pattern, offset / BLOCK), within, length.min(BLOCK - within))
            }
        }
    }
}

/// A block of a synthetic blob: the pattern, with the block's number in front so that no two blocks are the same.
fn block(pattern: &[u8], number: u64) -> Bytes {
    let mut block = pattern.to_vec();
    for (byte, stamp) in block.iter_mut().zip(number.to_be_bytes()) {
        *byte ^= stamp;
    }
    block.into()
}

fn slice(bytes: &Bytes, offset: u64, length: u64) -> Bytes {
    let from = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
    let to = usize::try_from(offset.saturating_add(length)).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(from..to)
}

/// Days from the epoch to the day before the first seeded model was registered, 2026-02-28.
const FIRST_DAY: i64 = 20_512;

impl Models {
    /// The seeded models, registered a day apart, long ago: the same in every sandbox.
    pub(crate) fn seeded() -> Self {
        let mut models = Self::default();
        let shared = seed::REGISTRY_MODELS.iter().map(|model| (model, Store::Registry));
        let all = seed::MODELS.iter().map(|model| (model, Store::Default));
        let all = all.chain([(&seed::JOB_MODEL, Store::Artifacts)]).chain(shared);
        for ((model, store), day) in all.zip(1..) {
            let registered = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(24 * (FIRST_DAY + day));
            let files = model
                .files
                .iter()
                .map(|(path, bytes)| ((*path).to_owned(), Content::Bytes(Bytes::from_static(bytes))));
            let version = (model.name, model.version);
            models.register_in(store, version, model.tags, files.collect(), registered);
        }
        models
    }

    /// The blobs of a container.
    pub fn container(&self, account: &str, container: &str) -> Option<&BTreeMap<String, Blob>> {
        let stores = [Store::Default, Store::Artifacts, Store::Registry];
        let store = stores.into_iter().find(|store| store.place() == (account, container))?;
        Some(match store {
            Store::Default => &self.blobs,
            Store::Artifacts => &self.artifacts,
            Store::Registry => &self.registry_blobs,
        })
    }

    /// Registers a version whose files are `files`. A version that is there already is replaced, with new etags. Etags
    /// are the same in every sandbox, so that images made from the seeded world are, too.
    pub(crate) fn register(
        &mut self,
        name: &str,
        version: &str,
        tags: &[(&str, &str)],
        files: Vec<(String, Content)>,
        now: Timestamp,
    ) {
        self.register_in(Store::Default, (name, version), tags, files, now);
    }

    /// The same with the files elsewhere.
    pub(crate) fn register_in(
        &mut self,
        store: Store,
        (name, version): (&str, &str),
        tags: &[(&str, &str)],
        files: Vec<(String, Content)>,
        now: Timestamp,
    ) {
        let hash = folder_hash(name, version);
        let folder = match store {
            Store::Default => format!("LocalUpload/{hash}/{name}"),
            Store::Artifacts => format!("ExperimentRun/dcid.{hash}/outputs/{name}"),
            Store::Registry => format!("{name}-{version}-{hash}"),
        };
        let blobs = match store {
            Store::Default => &mut self.blobs,
            Store::Artifacts => &mut self.artifacts,
            Store::Registry => &mut self.registry_blobs,
        };
        for (path, content) in files {
            let place = format!("{folder}/{path}");
            let before = blobs.get(&place).map(|blob| blob.etag.clone()).unwrap_or_default();
            let etag = format!("0x{}", folder_hash(&place, &before).to_uppercase());
            blobs.insert(place, Blob { content, etag, modified: now });
        }
        let tags = tags.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned())).collect();
        let registered = ModelVersion {
            version: version.to_owned(),
            model_type: "custom_model".to_owned(),
            description: None,
            tags,
            store,
            folder,
            archived: false,
            created: now,
        };
        let all = if store == Store::Registry { &mut self.registry } else { &mut self.versions };
        let versions = all.entry(name.to_owned()).or_default();
        versions.retain(|other| other.version != version);
        versions.push(registered);
    }

    /// One version of a model.
    pub fn version(&self, name: &str, version: &str) -> Option<&ModelVersion> {
        self.versions.get(name)?.iter().find(|it| it.version == version)
    }
}

/// Azure ML uploads into a folder named by a hash; ours is that of name and version.
fn folder_hash(name: &str, version: &str) -> String {
    let mut hash = hex::encode(Sha256::digest(format!("{name}:{version}").as_bytes()));
    hash.truncate(32);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synthetic_content_is_the_same_however_it_is_cut() {
        let content = Content::synthetic("x", 3 * BLOCK + 17);
        let read = |step: u64| {
            let mut all = Vec::new();
            while (all.len() as u64) < content.size() {
                all.extend_from_slice(&content.chunk(all.len() as u64, step));
            }
            all
        };
        let whole = read(u64::MAX);
        assert_eq!(whole.len() as u64, content.size());
        assert_eq!(read(1000), whole);
        assert_ne!(content.chunk(0, 8), content.chunk(BLOCK, 8));
        assert!(content.chunk(content.size(), 1).is_empty());
    }
}
