//! Blobs: listed below a prefix, read in parts side by side, with resume. A blob that is no longer the one listed is a
//! conflict.

mod checksum;
mod reading;
mod room;
mod window;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::Url;
use azure_storage_blob::models::{BlobContainerClientListBlobsOptions, BlobItem, ListBlobsIncludeItem};
use azure_storage_blob::{BlobContainerClient, BlobContainerClientOptions};
use bridge::port::{ByteStream, ModelFile, PortError, PortResult, Refused};
use futures_util::stream::TryStreamExt;

use self::checksum::Sums;
use self::reading::{FIRST_PAUSE, Listed, Quiet};
use self::window::Window;
use super::location::{Place, blob_url, container_url};
use super::reference::Reference;
use super::rest::client_options;
use crate::error;
use crate::limits::Limits;

const SERVICE: &str = "Azure Blob Storage";

/// Blob storage, read as one caller.
#[derive(Clone)]
pub(super) struct Blobs {
    endpoint: String,
    access: Access,
    http: reqwest::Client,
    /// For the bytes of files.
    streams: reqwest::Client,
    /// How long nothing may come.
    stall: Duration,
    /// The pause after a first cut.
    pause: Duration,
    window: Window,
    quiet: Quiet,
    sums: Sums,
}

/// What opens the storage.
#[derive(Clone)]
pub(super) enum Access {
    /// The caller's own tokens.
    Token(Arc<dyn TokenCredential>),
    /// Signed URLs, which a registry gives.
    Signed(Arc<Reference>),
}

impl Access {
    /// What goes into a request for `url`.
    async fn open(&self, url: &Url) -> PortResult<(Url, Option<Arc<dyn TokenCredential>>)> {
        match self {
            Self::Token(credential) => Ok((url.clone(), Some(credential.clone()))),
            Self::Signed(reference) => Ok((reference.sign(url).await?, None)),
        }
    }

    /// Whether a refused request may be made again with a new token or signature.
    async fn renewed(&self, refused: &PortError) -> bool {
        match self {
            // A client keeps its token, and one may run out sooner than it says: a new client asks anew.
            Self::Token(_) => refused.kind == Refused::Unauthenticated,
            // Storage answers 403 where a signature has run out.
            Self::Signed(reference) => {
                let outlived = refused.code.as_deref() == Some("AuthenticationFailed");
                if outlived {
                    reference.forget().await;
                }
                outlived
            }
        }
    }
}

impl Blobs {
    pub(super) fn new(endpoint: String, access: Access, http: &reqwest::Client) -> Self {
        let (stall, pause) = (Limits::default().stall, FIRST_PAUSE);
        let (window, quiet, sums) = (Window::default(), Quiet::default(), Sums::default());
        Self {
            endpoint,
            access,
            http: http.clone(),
            streams: http.clone(),
            stall,
            pause,
            window,
            quiet,
            sums,
        }
    }

    /// The same, reading files over a client that does not limit reading.
    pub(super) fn streaming(self, streams: reqwest::Client, stall: Duration) -> Self {
        Self { streams, stall, ..self }
    }

    /// The same storage, opened otherwise. Shares the room for what is read ahead.
    pub(super) fn with(&self, access: Access) -> Self {
        Self { access, ..self.clone() }
    }

    /// The URL that the files of a place begin with.
    pub(super) fn prefix(&self, place: &Place) -> PortResult<String> {
        let container = container_url(&self.endpoint, &place.account, &place.container)?;
        Ok(blob_url(&container, &place.path).unwrap_or(container).to_string())
    }

    /// All files below a place in path order; none is an answer, too. A place that is a single blob is a version of one
    /// file.
    pub(super) async fn files(&self, place: &Place) -> PortResult<Vec<ModelFile>> {
        let container = container_url(&self.endpoint, &place.account, &place.container)?;
        let mut files = match self.list(&container, place).await {
            Err(refused) if self.access.renewed(&refused).await => self.list(&container, place).await?,
            listed => listed?,
        };
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    async fn list(&self, container: &Url, place: &Place) -> PortResult<Vec<ModelFile>> {
        let options =
            BlobContainerClientOptions { client_options: client_options(&self.http), ..Default::default() };
        let (url, credential) = self.access.open(container).await?;
        let client = BlobContainerClient::new(url, credential, Some(options))
            .map_err(|failed| error::azure(SERVICE, &failed))?;
        let options = BlobContainerClientListBlobsOptions {
            prefix: Some(place.path.clone()),
            include: Some(vec![ListBlobsIncludeItem::Metadata]),
            ..Default::default()
        };
        let mut items = client.list_blobs(Some(options)).map_err(|failed| error::azure(SERVICE, &failed))?;
        let mut blobs = Vec::new();
        while let Some(item) = items.try_next().await.map_err(|failed| error::azure(SERVICE, &failed))? {
            match kind(item.metadata.as_ref().and_then(|metadata| metadata.values.as_ref())) {
                Kind::File => blobs.extend(item.name.clone().zip(file(container, &place.path, item))),
                Kind::Folder => {}
                Kind::Special(what) => special(&place.path, item.name.as_deref(), what)?,
            }
        }
        Ok(without_folders(blobs))
    }

    /// The bytes of one file in `range`.
    pub(super) async fn read(&self, file: &ModelFile, range: Range<u64>) -> PortResult<ByteStream> {
        let url = Url::parse(&file.url)
            .map_err(|_| error::own(SERVICE, Refused::Invalid, format!("`{}` is no URL", file.url)))?;
        let ModelFile { path, size, etag, .. } = file.clone();
        let listed = Listed { blobs: self.clone(), url, path, etag, size };
        self.window.read(listed, range.start..range.end.min(file.size)).await
    }
}

/// What a blob stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
    /// Nothing that a version can hold; what it is, for people.
    Special(&'static str),
}

/// Names in a blob's metadata by which BlobFuse and AzCopy (`--preserve-symlinks`, `--preserve-posix-properties`) tell what
/// it stands for: `symlinkKey` in <https://github.com/Azure/azure-storage-fuse>, `POSIXSymlinkMeta` and its neighbours in
/// <https://github.com/Azure/azure-storage-azcopy>.
const MARKS: [(&str, Kind); 6] = [
    ("hdi_isfolder", Kind::Folder),
    ("is_symlink", Kind::Special("a symbolic link")),
    ("is_socket", Kind::Special("a socket")),
    ("is_fifo", Kind::Special("a named pipe")),
    ("is_char_dev", Kind::Special("a device")),
    ("is_block_dev", Kind::Special("a device")),
];

fn kind(metadata: Option<&HashMap<String, String>>) -> Kind {
    let said = metadata.into_iter().flatten().filter(|(_, value)| value.eq_ignore_ascii_case("true"));
    let known = |name: &str| MARKS.iter().find(|(mark, _)| name.eq_ignore_ascii_case(mark));
    said.filter_map(|(name, _)| known(name)).map(|(_, kind)| *kind).next().unwrap_or(Kind::File)
}

/// Refuses a blob that is no file, if it is one of the version's.
fn special(place: &str, name: Option<&str>, what: &str) -> PortResult<()> {
    let Some(path) = name.and_then(|name| relative(place, name)) else { return Ok(()) };
    let problem =
        format!("`{path}` is {what}, expected a file; register the model again with the file itself");
    Err(error::own(SERVICE, Refused::Invalid, problem))
}

/// A listed blob as a file of the version, unless it merely shares the beginning of its name, or stands for a folder.
fn file(container: &Url, place: &str, item: BlobItem) -> Option<ModelFile> {
    let name = item.name?;
    let properties = item.properties?;
    let path = relative(place, &name)?;
    let size = properties.content_length?;
    let etag = properties.etag?.to_string();
    Some(ModelFile { path, size, etag: quoted(&etag), url: blob_url(container, &name)?.into() })
}

fn relative(place: &str, name: &str) -> Option<String> {
    if name == place {
        return name.rsplit('/').next().map(str::to_owned);
    }
    let path = name.strip_prefix(place)?.strip_prefix('/')?;
    (!path.is_empty() && !path.ends_with('/')).then(|| path.to_owned())
}

/// Storage with a hierarchical namespace lists folders as blobs of no length, without a slash at the end
/// (<https://learn.microsoft.com/en-us/answers/questions/904103/do-we-have-an-option-for-hierarchical-folder-optio>); what lies below gives them away.
fn without_folders(blobs: Vec<(String, ModelFile)>) -> Vec<ModelFile> {
    let names: BTreeSet<String> = blobs.iter().map(|(name, _)| name.clone()).collect();
    let holds_others = |name: &str| {
        let below = format!("{name}/");
        names.range(below.clone()..).next().is_some_and(|next| next.starts_with(&below))
    };
    let files = blobs.into_iter().filter(|(name, file)| file.size > 0 || !holds_others(name));
    files.map(|(_, file)| file).collect()
}

/// Listings give etags without the quotes that requests need.
fn quoted(etag: &str) -> String {
    if etag.starts_with('"') || etag.starts_with("W/") { etag.to_owned() } else { format!("\"{etag}\"") }
}

#[cfg(test)]
mod store;
#[cfg(test)]
mod tests;
