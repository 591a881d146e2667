//! Blobs: listed below a prefix, read with resume. A blob that is no longer the one listed is a conflict.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::{AsyncResponseBody, Etag, Url};
use azure_storage_blob::models::{
    BlobClientDownloadOptions, BlobContainerClientListBlobsOptions, BlobItem, HttpRange,
};
use azure_storage_blob::{BlobClient, BlobClientOptions, BlobContainerClient, BlobContainerClientOptions};
use bridge::port::{ByteStream, ModelFile, PortError, PortResult, Refused};
use bytes::Bytes;
use futures_util::stream::{StreamExt, TryStreamExt, empty, try_unfold};

use super::location::{Place, blob_url, container_url};
use super::reference::Reference;
use super::rest::client_options;
use crate::error;

const SERVICE: &str = "Azure Blob Storage";

/// A blob is asked for again this often without a byte in between.
const MOST_CUTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// Blob storage, read as one caller.
#[derive(Clone)]
pub(super) struct Blobs {
    endpoint: String,
    access: Access,
    http: reqwest::Client,
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
        Self { endpoint, access, http: http.clone() }
    }

    /// The same storage, opened otherwise.
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
        let options =
            BlobContainerClientListBlobsOptions { prefix: Some(place.path.clone()), ..Default::default() };
        let mut items = client.list_blobs(Some(options)).map_err(|failed| error::azure(SERVICE, &failed))?;
        let mut blobs = Vec::new();
        while let Some(item) = items.try_next().await.map_err(|failed| error::azure(SERVICE, &failed))? {
            blobs.extend(item.name.clone().zip(file(container, &place.path, item)));
        }
        Ok(without_folders(blobs))
    }

    /// A client with no token yet.
    async fn client(&self, url: &Url) -> PortResult<BlobClient> {
        let options = BlobClientOptions { client_options: client_options(&self.http), ..Default::default() };
        let (url, credential) = self.access.open(url).await?;
        BlobClient::new(url, credential, Some(options)).map_err(|failed| error::azure(SERVICE, &failed))
    }

    /// The bytes of one file from `offset` on.
    pub(super) async fn read(&self, file: &ModelFile, offset: u64) -> PortResult<ByteStream> {
        let url = Url::parse(&file.url)
            .map_err(|_| error::own(SERVICE, Refused::Invalid, format!("`{}` is no URL", file.url)))?;
        let mut reading = Reading {
            blobs: self.clone(),
            url,
            path: file.path.clone(),
            etag: file.etag.clone(),
            offset,
            size: file.size,
            body: None,
            cuts: 0,
        };
        if offset >= file.size {
            return Ok(empty().boxed());
        }
        // The first request is made now, so that a refusal is the caller's and not the stream's.
        reading.open_patiently().await?;
        Ok(try_unfold(reading, |mut reading| async move {
            Ok(reading.next().await?.map(|chunk| (chunk, reading)))
        })
        .boxed())
    }
}

/// One blob being read.
struct Reading {
    blobs: Blobs,
    url: Url,
    path: String,
    etag: String,
    offset: u64,
    size: u64,
    body: Option<AsyncResponseBody>,
    cuts: u32,
}

impl Reading {
    async fn next(&mut self) -> PortResult<Option<Bytes>> {
        while self.offset < self.size {
            let Some(body) = &mut self.body else {
                self.open_patiently().await?;
                continue;
            };
            match body.next().await {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => return self.take(chunk).map(Some),
                Some(Err(cut)) => self.cut(error::azure(SERVICE, &cut)).await?,
                None => self.cut(self.short()).await?,
            }
        }
        Ok(None)
    }

    fn take(&mut self, chunk: Bytes) -> PortResult<Bytes> {
        self.offset += chunk.len() as u64;
        self.cuts = 0;
        if self.offset > self.size {
            let problem = format!("`{}` is longer than listed ({} bytes)", self.path, self.size);
            return Err(error::own(SERVICE, Refused::Conflict, problem));
        }
        Ok(chunk)
    }

    fn short(&self) -> PortError {
        let problem = format!("`{}` was cut at byte {} of {}", self.path, self.offset, self.size);
        error::own(SERVICE, Refused::Unavailable, problem)
    }

    /// Asks for the rest in one request, whose body is not collected.
    async fn open(&mut self) -> PortResult<AsyncResponseBody> {
        let all = usize::try_from(self.size).ok().and_then(NonZero::new);
        let options = BlobClientDownloadOptions {
            if_match: Some(Etag::from(self.etag.clone())),
            range: Some(HttpRange::from(self.offset..self.size)),
            parallel: NonZero::new(1),
            partition_size: all,
            ..Default::default()
        };
        let downloaded = self.blobs.client(&self.url).await?.download(Some(options)).await;
        let result = downloaded.map_err(|failed| self.refusal(error::azure(SERVICE, &failed)))?;
        Ok(result.body)
    }

    fn refusal(&self, refused: PortError) -> PortError {
        let changed = refused.status == Some(412) || refused.status == Some(416);
        if !changed {
            return refused;
        }
        let message = format!("`{}` changed since it was listed", self.path);
        PortError { kind: Refused::Conflict, message, ..refused }
    }

    async fn open_patiently(&mut self) -> PortResult<()> {
        let mut logged_out = false;
        while self.body.is_none() {
            match self.open().await {
                Ok(body) => self.body = Some(body),
                Err(refused) if !logged_out && self.blobs.access.renewed(&refused).await => logged_out = true,
                Err(failed) if failed.is_transient() => self.cut(failed).await?,
                Err(failed) => return Err(failed),
            }
        }
        Ok(())
    }

    /// Forgives a cut by waiting, or gives it back when there were too many.
    async fn cut(&mut self, why: PortError) -> PortResult<()> {
        self.body = None;
        self.cuts += 1;
        if self.cuts >= MOST_CUTS || !why.is_transient() {
            return Err(why);
        }
        tracing::debug!(path = self.path, offset = self.offset, cuts = self.cuts, %why, "reading on after a cut");
        let pause = why.retry_after.unwrap_or_else(|| FIRST_PAUSE.saturating_mul(1 << self.cuts.min(6)));
        tokio::time::sleep(pause).await;
        Ok(())
    }
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
mod tests {
    use super::*;

    #[test]
    fn files_are_named_below_their_version() {
        for (place, name, expected) in [
            ("m/1", "m/1/model.onnx", Some("model.onnx")),
            ("m/1", "m/1/a/b", Some("a/b")),
            ("m/1", "m/10/model.onnx", None),
            ("m/1", "m/1/", None),
            ("m/1", "m/1/folder/", None),
            ("m/1/model.onnx", "m/1/model.onnx", Some("model.onnx")),
            ("m/1/model.onnx", "m/1/model.onnx.bak", None),
        ] {
            assert_eq!(relative(place, name).as_deref(), expected, "{name} below {place}");
        }
    }

    #[test]
    fn folders_are_no_files() {
        let container = Url::parse("https://quay.blob.core.windows.net/models").unwrap();
        let listed = [("m/1", 0), ("m/1/a", 0), ("m/1/a/weights", 7), ("m/1/a.txt", 3), ("m/1/empty", 0)];
        let blobs = listed.map(|(name, size)| {
            let url = blob_url(&container, name).unwrap().into();
            let path = relative("m/1", name).unwrap();
            (name.to_owned(), ModelFile { path, size, etag: "\"0x8D\"".to_owned(), url })
        });
        let files: Vec<String> = without_folders(blobs.into()).into_iter().map(|file| file.path).collect();
        assert_eq!(files, ["a/weights", "a.txt", "empty"]);
    }

    #[test]
    fn etags_are_quoted_once() {
        assert_eq!(quoted("0x8D"), "\"0x8D\"");
        assert_eq!(quoted("\"0x8D\""), "\"0x8D\"");
    }
}
