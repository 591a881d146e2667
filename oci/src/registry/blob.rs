//! Blobs on their way to us: looked for, streamed with verification, resumed where the line was cut.

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, try_unfold};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, RANGE};
use http::{HeaderValue, Method, StatusCode};
use reqwest::Response;

use super::transport::Call;
use super::{Registry, RegistryError};
use crate::authorizer::Scope;
use crate::digest::{Digest, Digester};
use crate::stall::Flow;

/// The verified bytes of a blob: ends with an error if they are not what was promised.
pub type BlobStream = BoxStream<'static, Result<Bytes, RegistryError>>;

/// A cut is forgiven once this much more was read since the one before.
const PROGRESS: u64 = 64 << 10;

/// No configuration and no list of files that we read whole is larger.
const LARGEST_SMALL: u64 = 8 << 20;

/// What a registry tells about a blob that it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Its size, where the registry says.
    pub size: Option<u64>,
}

impl Registry {
    /// Whether a repository has a blob.
    pub async fn blob_stat(&self, repository: &str, digest: &Digest) -> Result<Option<Stat>, RegistryError> {
        let act = format!("look for the blob {digest}");
        let url = self.shared.endpoint.url(&format!("{repository}/blobs/{digest}"));
        let call = Call::new(Method::HEAD, url, vec![Scope::pull(repository)], act);
        let response = self.call(&call).await?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(Stat { size: content_length(&response) })),
            _ => Err(self.refusal(response, &call.act).await),
        }
    }

    /// Whether a repository has a blob; one of another size is an error.
    pub async fn has_blob(
        &self,
        repository: &str,
        digest: &Digest,
        size: u64,
    ) -> Result<bool, RegistryError> {
        match self.blob_stat(repository, digest).await? {
            None => Ok(false),
            Some(Stat { size: Some(found) }) if found != size => {
                let what = format!("the blob {digest} at {}", self.host());
                Err(RegistryError::Size { what, expected: size, found })
            }
            Some(_) => Ok(true),
        }
    }

    /// Streams a blob.
    pub fn blob(&self, repository: &str, digest: &Digest, size: u64) -> BlobStream {
        let pull = Pull {
            registry: self.clone(),
            repository: repository.to_owned(),
            digest: digest.clone(),
            size,
            digester: Digester::default(),
            body: None,
            flow: self.flow(),
            cuts: 0,
            cut_at: 0,
            done: false,
        };
        try_unfold(pull, |mut pull| async move { Ok(pull.next().await?.map(|chunk| (chunk, pull))) }).boxed()
    }

    /// A whole blob that is known to be small.
    pub async fn small_blob(
        &self,
        repository: &str,
        digest: &Digest,
        size: u64,
    ) -> Result<Bytes, RegistryError> {
        if size > LARGEST_SMALL {
            let problem = format!("it is said to have {size} bytes, expected at most {LARGEST_SMALL}");
            return Err(self.unexpected(&format!("give the blob {digest}"), problem));
        }
        let mut all = Vec::new();
        let mut blob = self.blob(repository, digest, size);
        while let Some(chunk) = blob.next().await {
            all.extend_from_slice(&chunk?);
        }
        Ok(all.into())
    }
}

/// A blob being read.
struct Pull {
    registry: Registry,
    repository: String,
    digest: Digest,
    size: u64,
    digester: Digester,
    body: Option<BoxStream<'static, Result<Bytes, reqwest::Error>>>,
    flow: Flow,
    cuts: u32,
    cut_at: u64,
    done: bool,
}

impl Pull {
    async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        while !self.done {
            let Some(body) = &mut self.body else {
                self.body = Some(self.open().await?);
                continue;
            };
            let next = match self.flow.wait(body.next()).await {
                Ok(next) => next,
                Err(stalled) => {
                    self.resume(self.registry.stalled(&self.act(), stalled)).await?;
                    continue;
                }
            };
            match next {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => return self.take(chunk).map(Some),
                Some(Err(cut)) => self.resume(self.registry.unreachable(&self.act(), cut)).await?,
                None if self.digester.size() < self.size => {
                    let short = self.wrong_size(self.digester.size());
                    self.resume(short).await?;
                }
                None => self.finish()?,
            }
        }
        Ok(None)
    }

    fn act(&self) -> String {
        format!("give the blob {}", self.digest)
    }

    /// Asks for what is still missing.
    async fn open(&mut self) -> Result<BoxStream<'static, Result<Bytes, reqwest::Error>>, RegistryError> {
        let offset = self.digester.size();
        let url = self.registry.shared.endpoint.url(&format!("{}/blobs/{}", self.repository, self.digest));
        let mut call = Call::pull(url, &self.repository, self.act()).bulk();
        if offset > 0 {
            let range = HeaderValue::from_str(&format!("bytes={offset}-"))
                .map_err(|error| self.registry.unexpected(&call.act, error.to_string()))?;
            call = call.header(RANGE, range);
        }
        let response = self.registry.call_ok(&call).await?;
        let starts = first_byte(&response);
        if starts > offset {
            let problem = format!("asked for the bytes from {offset} on, it sent those from {starts} on");
            return Err(self.registry.unexpected(&call.act, problem));
        }
        // A registry that knows no ranges begins again: what we have is passed over.
        Ok(skip_bytes(response, offset - starts))
    }

    /// The last bytes are held back until they are known to be right: who passes them on never completes a wrong blob.
    fn take(&mut self, chunk: Bytes) -> Result<Bytes, RegistryError> {
        self.digester.update(&chunk);
        self.flow.flowed(chunk.len() as u64);
        match self.digester.size() {
            size if size > self.size => Err(self.wrong_size(size)),
            size if size == self.size => self.verify().map(|()| chunk),
            _ => Ok(chunk),
        }
    }

    async fn resume(&mut self, cut: RegistryError) -> Result<(), RegistryError> {
        self.body = None;
        self.flow = self.registry.flow();
        let got = self.digester.size();
        self.cuts = if got >= self.cut_at + PROGRESS { 1 } else { self.cuts + 1 };
        self.cut_at = got;
        self.registry.pause(self.cuts, cut).await
    }

    /// The body has ended, and nothing is missing. An empty blob is only looked at here.
    fn finish(&mut self) -> Result<(), RegistryError> {
        self.done = true;
        if self.size == 0 { self.verify() } else { Ok(()) }
    }

    fn verify(&self) -> Result<(), RegistryError> {
        let found = self.digester.clone().finish();
        if found == self.digest {
            return Ok(());
        }
        Err(RegistryError::Digest {
            what: format!("the blob from {}", self.registry.host()),
            expected: self.digest.to_string(),
            found: found.to_string(),
        })
    }

    fn wrong_size(&self, found: u64) -> RegistryError {
        let what = format!("the blob {} from {}", self.digest, self.registry.host());
        RegistryError::Size { what, expected: self.size, found }
    }
}

fn content_length(response: &Response) -> Option<u64> {
    // Not `Response::content_length`: that is the body's, and an answer to HEAD has none.
    response.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Where in the blob the body begins.
fn first_byte(response: &Response) -> u64 {
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return 0;
    }
    let range = response.headers().get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    let first = range.and_then(|range| range.strip_prefix("bytes ")?.split('-').next()?.parse().ok());
    // Without the header nobody knows where it begins: no blob is this long, so the check after this one fails.
    first.unwrap_or(u64::MAX)
}

fn skip_bytes(response: Response, count: u64) -> BoxStream<'static, Result<Bytes, reqwest::Error>> {
    let mut left = count;
    let rest = response.bytes_stream().map(move |chunk| {
        chunk.map(|mut chunk| {
            let passed = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
            left -= passed as u64;
            chunk.split_off(passed)
        })
    });
    rest.boxed()
}
