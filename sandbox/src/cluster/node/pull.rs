//! Pulling images: manifest, configuration and layers from the sandbox's registry, with the node's own Google token, every
//! blob checked against its digest.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use reqwest::{Client, Response};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use super::reference::{Reference, is_digest};
use super::unpack;

/// The media types of manifests and of lists of them.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                      application/vnd.docker.distribution.manifest.v2+json, \
                      application/vnd.docker.distribution.manifest.list.v2+json";
/// How much of a manifest or a configuration is read.
const LARGEST_DOCUMENT: usize = 4 * 1024 * 1024;

/// An unpacked image.
#[derive(Debug)]
pub(super) struct Image {
    /// The digest of its manifest.
    pub(super) digest: String,
    /// Bytes of its blobs.
    pub(super) size: u64,
    /// The unpacked file system.
    pub(super) root: PathBuf,
    /// How it wants to be run.
    pub(super) config: RunConfig,
}

/// The part of an image's configuration that matters to running it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct RunConfig {
    pub(super) entrypoint: Option<Vec<String>>,
    pub(super) cmd: Option<Vec<String>>,
    pub(super) env: Option<Vec<String>>,
    pub(super) working_dir: String,
    pub(super) user: String,
    pub(super) stop_signal: String,
}

#[derive(Deserialize)]
struct ConfigFile {
    #[serde(default)]
    config: Option<RunConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    digest: String,
    #[serde(default)]
    size: u64,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    architecture: String,
    os: String,
}

/// Where blobs and unpacked images are kept, and which pulls are under way.
pub(super) struct Images {
    folder: PathBuf,
    client: Client,
    under_way: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    known: Mutex<HashMap<String, Arc<Image>>>,
}

/// The registry to pull from, and the token to show it.
pub(super) struct Login {
    pub(super) registry: SocketAddr,
    pub(super) token: Option<String>,
}

/// One image's pull.
struct Pull<'a> {
    images: &'a Images,
    reference: &'a Reference,
    base: String,
    token: Option<String>,
}

impl Images {
    /// Keeps everything below `folder`.
    pub(super) fn new(folder: PathBuf, client: Client) -> Self {
        Self { folder, client, under_way: Mutex::default(), known: Mutex::default() }
    }

    /// An image that was pulled before under this very name.
    pub(super) fn known(&self, name: &str) -> Option<Arc<Image>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// The image, pulled and unpacked if it is not there yet. Fails with the words of a container runtime.
    pub(super) async fn pull(&self, name: &str, login: Login) -> Result<Arc<Image>, String> {
        let whole = |why: String| format!("failed to pull and unpack image \"{name}\": {why}");
        let reference = Reference::parse(name)
            .ok_or_else(|| format!("failed to parse reference \"{name}\": invalid reference format"))?;
        if !reference.is_ours(login.registry) {
            let why = "the sandbox's node pulls from the sandbox's registry only, which is";
            return Err(whole(format!(
                "failed to resolve reference \"{name}\": failed to do request: Head \
                 \"https://{}/v2/{}/manifests/{}\": {why} {}",
                reference.host,
                reference.repository,
                reference.version(),
                login.registry
            )));
        }
        let turn = Arc::clone(
            self.under_way.lock().unwrap_or_else(PoisonError::into_inner).entry(name.to_owned()).or_default(),
        );
        let _one_at_a_time = turn.lock().await;
        let base = format!("http://{}/v2/{}", login.registry, reference.repository);
        let pull = Pull { images: self, reference: &reference, base, token: login.token };
        let image = Arc::new(pull.run(name).await.map_err(whole)?);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Arc::clone(&image));
        Ok(image)
    }

    fn blob(&self, digest: &str) -> PathBuf {
        self.folder.join("blobs").join(digest.trim_start_matches("sha256:"))
    }
}

impl Pull<'_> {
    async fn run(&self, name: &str) -> Result<Image, String> {
        let resolving = |why: String| format!("failed to resolve reference \"{name}\": {why}");
        let (digest, manifest) = self.manifest(self.reference.version(), name).await.map_err(resolving)?;
        let (digest, manifest) = match own_platform(&manifest) {
            _ if manifest.manifests.is_empty() => (digest, manifest),
            Some(chosen) => self.manifest(chosen, name).await.map_err(resolving)?,
            None => return Err("no match for platform in manifest: not found".to_owned()),
        };
        let descriptor = manifest.config.ok_or("the manifest names no configuration")?;
        let config = self.blob(&descriptor).await?;
        let bytes = tokio::fs::read(&config).await.map_err(|error| error.to_string())?;
        let file: ConfigFile =
            serde_json::from_slice(&bytes).map_err(|error| format!("bad image configuration: {error}"))?;
        let mut layers = Vec::new();
        for layer in &manifest.layers {
            layers.push(self.blob(layer).await?);
        }
        let root = self.images.folder.join("images").join(digest.trim_start_matches("sha256:"));
        let target = root.clone();
        let unpacked = tokio::task::spawn_blocking(move || unpack_all(&target, &layers)).await;
        unpacked
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("failed to extract layer: {error}"))?;
        let size = manifest.layers.iter().map(|layer| layer.size).sum::<u64>() + descriptor.size;
        Ok(Image { digest, size, root, config: file.config.unwrap_or_default() })
    }

    async fn manifest(&self, version: &str, name: &str) -> Result<(String, Manifest), String> {
        let address = format!("{}/manifests/{version}", self.base);
        let reply = self.get(&address, name).await?;
        let mut bytes = Vec::new();
        let mut body = reply.bytes_stream();
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece.map_err(|error| error.to_string())?);
            if bytes.len() > LARGEST_DOCUMENT {
                return Err("the manifest is larger than 4 MiB".to_owned());
            }
        }
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        if is_digest(version) && version != digest {
            return Err(format!("manifest has digest {digest}, expected {version}"));
        }
        let manifest = serde_json::from_slice(&bytes).map_err(|error| format!("bad manifest: {error}"))?;
        Ok((digest, manifest))
    }

    /// The file of a blob, fetched if it is not there yet.
    async fn blob(&self, descriptor: &Descriptor) -> Result<PathBuf, String> {
        if !is_digest(&descriptor.digest) {
            return Err(format!("blob digest `{}` is no sha256 digest", descriptor.digest));
        }
        let place = self.images.blob(&descriptor.digest);
        if place.exists() {
            return Ok(place);
        }
        let address = format!("{}/blobs/{}", self.base, descriptor.digest);
        let reply = self.get(&address, &descriptor.digest).await?;
        let partial = place.with_extension(crate::random::hex());
        let stored = store(reply, &partial).await;
        match stored {
            Ok(digest) if digest == descriptor.digest => {
                tokio::fs::rename(&partial, &place).await.map_err(|error| error.to_string())?;
                Ok(place)
            }
            other => {
                let _partial_is_of_no_use = tokio::fs::remove_file(&partial).await;
                Err(match other {
                    Ok(digest) => format!(
                        "failed commit on ref \"layer-{0}\": unexpected commit digest {digest}, expected {0}",
                        descriptor.digest
                    ),
                    Err(why) => why,
                })
            }
        }
    }

    async fn get(&self, address: &str, what: &str) -> Result<Response, String> {
        let mut request = self.images.client.get(address).header("accept", ACCEPT);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let reply = request.send().await.map_err(|error| format!("failed to do request: {error}"))?;
        if reply.status().is_success() {
            return Ok(reply);
        }
        if reply.status().as_u16() == 404 {
            return Err(format!("{what}: not found"));
        }
        let status = reply.status();
        let said = said(reply).await.map(|text| format!(": {text}")).unwrap_or_default();
        Err(format!("unexpected status from GET request to {address}: {status}{said}"))
    }
}

/// The registry's own words.
async fn said(reply: Response) -> Option<String> {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<Said>,
    }
    #[derive(Deserialize)]
    struct Said {
        code: String,
        #[serde(default)]
        message: String,
    }
    let errors: Errors = reply.json().await.ok()?;
    errors.errors.first().map(|said| format!("{}: {}", said.code.to_lowercase(), said.message))
}

fn own_platform(manifest: &Manifest) -> Option<&str> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let fits = |one: &&Descriptor| {
        one.platform.as_ref().is_some_and(|it| it.os == "linux" && it.architecture == architecture)
    };
    manifest.manifests.iter().find(fits).map(|one| one.digest.as_str())
}

/// Writes a body to a file and returns its digest.
async fn store(reply: Response, place: &Path) -> Result<String, String> {
    let failed = |error: std::io::Error| error.to_string();
    if let Some(parent) = place.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(failed)?;
    }
    let mut file = tokio::fs::File::create(place).await.map_err(failed)?;
    let mut hash = Sha256::new();
    let mut body = reply.bytes_stream();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| error.to_string())?;
        hash.update(&piece);
        file.write_all(&piece).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok(format!("sha256:{}", hex::encode(hash.finalize())))
}

/// Unpacks all layers beside `root` and moves the whole into place.
fn unpack_all(root: &Path, layers: &[PathBuf]) -> std::io::Result<()> {
    if root.exists() {
        return Ok(());
    }
    let partial = root.with_extension(crate::random::hex());
    std::fs::create_dir_all(&partial)?;
    let unpacked = layers.iter().try_for_each(|layer| unpack::layer(&partial, layer));
    // Another name of the same image may have been quicker.
    match unpacked.and_then(|()| std::fs::rename(&partial, root)) {
        Ok(()) => Ok(()),
        Err(error) => {
            let _partial_is_of_no_use = std::fs::remove_dir_all(&partial);
            if root.exists() { Ok(()) } else { Err(error) }
        }
    }
}
