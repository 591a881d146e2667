//! One range of a blob: asked for with the etag that was listed, resumed where the line was cut, never another blob's
//! bytes and never another range's.

use std::num::NonZero;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use azure_core::http::{AsyncResponseBody, ClientOptions, Etag, RetryOptions, Url};
use azure_storage_blob::models::{BlobClientDownloadOptions, BlobClientDownloadResult, HttpRange};
use azure_storage_blob::{BlobClient, BlobClientOptions};
use bridge::port::{ByteStream, PortError, PortResult, Refused};
use bytes::Bytes;
use futures_util::stream::{StreamExt, empty, try_unfold};
use oci::stall::{self, Flow, Stalled};
use tokio::time::Instant;

use super::checksum::Checksum;
use super::window::Ranged;
use super::{Blobs, SERVICE};
use crate::azure::rest::client_options;
use crate::error;

/// A range is asked for again this often,
const MOST_CUTS: u32 = 8;
/// counted anew once so much of it came: bytes that come one by one are no progress.
const PROGRESS: u64 = 64 << 10;
/// The storage refuses to sum up more bytes at once.
const MOST_SUMMED: u64 = 4 << 20;
/// The first pause; every next one is twice as long.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// No pause of ours is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);
/// A longer wait that the service asks for is its last word.
const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// One listed blob.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) blobs: Blobs,
    pub(super) url: Url,
    /// The file's path in its version, for people.
    pub(super) path: String,
    pub(super) etag: String,
    /// Bytes, as listed.
    pub(super) size: u64,
}

impl Listed {
    /// A client with no token yet. It asks once: asking again is this file's work, which knows what is missing.
    async fn client(&self) -> PortResult<BlobClient> {
        let Blobs { streams, access, .. } = &self.blobs;
        let client_options = ClientOptions { retry: RetryOptions::none(), ..client_options(streams) };
        let options = BlobClientOptions { client_options, ..Default::default() };
        let (url, credential) = access.open(&self.url).await?;
        BlobClient::new(url, credential, Some(options)).map_err(|failed| error::azure(SERVICE, &failed))
    }

    /// One request, whose body is not collected.
    async fn ask(&self, range: Range<u64>, summed: bool) -> PortResult<BlobClientDownloadResult> {
        let length = usize::try_from(range.end - range.start).ok().and_then(NonZero::new);
        let options = BlobClientDownloadOptions {
            if_match: Some(Etag::from(self.etag.clone())),
            range: Some(HttpRange::from(range)),
            parallel: NonZero::new(1),
            partition_size: length,
            range_get_content_crc64: summed.then_some(true),
            ..Default::default()
        };
        let client = self.client().await?;
        let downloaded = stall::answer(self.blobs.stall, client.download(Some(options))).await;
        let downloaded = downloaded.map_err(|stalled| self.stalled(stalled))?;
        downloaded.map_err(|failed| self.refusal(error::azure(SERVICE, &failed)))
    }

    fn refusal(&self, refused: PortError) -> PortError {
        let changed = refused.status == Some(412) || refused.status == Some(416);
        if !changed {
            return refused;
        }
        let message = format!("`{}` changed since it was listed", self.path);
        PortError { kind: Refused::Conflict, message, ..refused }
    }

    fn stalled(&self, stalled: Stalled) -> PortError {
        error::own(SERVICE, Refused::Unavailable, format!("`{}`: {stalled}", self.path))
    }
}

/// A pause that the service asked for: everybody's who reads from it.
#[derive(Clone, Default)]
pub(super) struct Quiet(Arc<Mutex<Option<Instant>>>);

impl Quiet {
    fn ask(&self, pause: Duration) {
        let until = Instant::now() + pause;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(kept.map_or(until, |other| other.max(until)));
    }

    async fn wait(&self) {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            tokio::time::sleep_until(until).await;
        }
    }
}

impl Ranged for Listed {
    fn name(&self) -> &str {
        &self.path
    }

    fn longest_summed(&self) -> Option<u64> {
        self.blobs.sums.may_be_asked_for().then_some(MOST_SUMMED)
    }

    async fn range(&self, range: Range<u64>) -> PortResult<ByteStream> {
        if range.is_empty() {
            return Ok(empty().boxed());
        }
        let flow = Flow::new(self.blobs.stall);
        let (listed, start) = (self.clone(), range.start);
        let mut reading =
            Reading { listed, start, rest: range, body: None, checksum: None, came: 0, cuts: 0, flow };
        // The first request is made now, so that a refusal is the caller's and not the stream's.
        reading.open_patiently().await?;
        Ok(try_unfold(reading, |mut reading| async move {
            Ok(reading.next().await?.map(|chunk| (chunk, reading)))
        })
        .boxed())
    }
}

/// One range being read.
struct Reading {
    listed: Listed,
    /// Its first byte.
    start: u64,
    /// What is still missing.
    rest: Range<u64>,
    body: Option<AsyncResponseBody>,
    /// Of the whole range, as the first answer with bytes stated it.
    checksum: Option<Checksum>,
    cuts: u32,
    /// Bytes since the cuts were counted anew.
    came: u64,
    flow: Flow,
}

impl Reading {
    async fn next(&mut self) -> PortResult<Option<Bytes>> {
        while !self.rest.is_empty() {
            let Some(body) = &mut self.body else {
                self.open_patiently().await?;
                continue;
            };
            let next = match self.flow.wait(body.next()).await {
                Ok(next) => next,
                Err(stalled) => {
                    self.cut(self.listed.stalled(stalled)).await?;
                    continue;
                }
            };
            match next {
                Some(Ok(chunk)) if chunk.is_empty() => {}
                Some(Ok(chunk)) => return self.take(chunk).map(Some),
                Some(Err(cut)) => self.cut(error::azure(SERVICE, &cut)).await?,
                None => self.cut(self.short()).await?,
            }
        }
        Ok(None)
    }

    fn take(&mut self, chunk: Bytes) -> PortResult<Bytes> {
        let end = self.rest.start + chunk.len() as u64;
        if end > self.rest.end {
            let (path, length) = (&self.listed.path, self.rest.end);
            let problem =
                format!("`{path}`: the service sent more than the bytes up to {length} it was asked for");
            return Err(error::own(SERVICE, Refused::Conflict, problem));
        }
        self.rest.start = end;
        if let Some(checksum) = &mut self.checksum {
            checksum.update(&chunk);
            if self.rest.is_empty() && !checksum.holds() {
                return Err(self.altered());
            }
        }
        self.flow.flowed(chunk.len() as u64);
        self.came += chunk.len() as u64;
        if self.came >= PROGRESS {
            (self.came, self.cuts) = (0, 0);
        }
        Ok(chunk)
    }

    fn altered(&self) -> PortError {
        let (path, start, end) = (&self.listed.path, self.start, self.rest.end);
        let problem = format!(
            "`{path}`: the bytes from {start} to {end} are not those that the storage's checksum stands for; run again, and look \
             for a proxy between here and the storage"
        );
        error::own(SERVICE, Refused::Unavailable, problem)
    }

    fn short(&self) -> PortError {
        let Range { start, end } = self.rest;
        let problem = format!("`{}` was cut at byte {start} of {end}", self.listed.path);
        error::own(SERVICE, Refused::Unavailable, problem)
    }

    /// Asks for the rest, and for its checksum if it is all of the range.
    async fn open(&mut self) -> PortResult<AsyncResponseBody> {
        let (whole, sums) = (self.rest.start == self.start, &self.listed.blobs.sums);
        let summed = whole && self.rest.end - self.start <= MOST_SUMMED && sums.may_be_asked_for();
        let result = match self.listed.ask(self.rest.clone(), summed).await {
            Err(refused) if summed && sums.are_refused(&refused) => {
                self.listed.ask(self.rest.clone(), false).await?
            }
            answer => answer?,
        };
        match result.headers.get_optional_str(&"content-range".into()) {
            Some(range) if begins(range) == Some(self.rest.start) => self.same_size(range)?,
            other => return Err(self.another_range(other)),
        }
        // Of a range that was begun, what was stated then counts.
        if whole {
            self.checksum = Checksum::stated(&result.headers);
        }
        Ok(result.body)
    }

    /// The file has as many bytes as were listed, where the service says how many.
    fn same_size(&self, range: &str) -> PortResult<()> {
        let said: Option<u64> = range.rsplit('/').next().and_then(|size| size.parse().ok());
        let Listed { path, size, .. } = &self.listed;
        match said {
            Some(said) if said != *size => {
                let problem = format!(
                    "`{path}` has {said} bytes, it was listed with {size}; run again to list it anew"
                );
                Err(error::own(SERVICE, Refused::Conflict, problem))
            }
            _ => Ok(()),
        }
    }

    fn another_range(&self, said: Option<&str>) -> PortError {
        let (path, start, said) = (&self.listed.path, self.rest.start, said.unwrap_or("no range"));
        let problem = format!(
            "`{path}`: asked for the bytes from {start} on, the service sent `{said}`; look for a proxy between here and the \
             storage"
        );
        error::own(SERVICE, Refused::Invalid, problem)
    }

    async fn open_patiently(&mut self) -> PortResult<()> {
        let mut logged_out = false;
        while self.body.is_none() {
            self.listed.blobs.quiet.wait().await;
            match self.open().await {
                Ok(body) => self.body = Some(body),
                Err(refused) if !logged_out && self.listed.blobs.access.renewed(&refused).await => {
                    logged_out = true;
                }
                Err(failed) if failed.is_transient() => self.cut(failed).await?,
                Err(failed) => return Err(failed),
            }
        }
        Ok(())
    }

    /// Forgives a cut by waiting, or gives it back when there were too many.
    async fn cut(&mut self, why: PortError) -> PortResult<()> {
        self.body = None;
        self.flow = Flow::new(self.listed.blobs.stall);
        self.cuts += 1;
        let too_long = why.retry_after.is_some_and(|wait| wait > LONGEST_WAIT);
        if self.cuts >= MOST_CUTS || too_long || !why.is_transient() {
            return Err(why);
        }
        let Range { start, .. } = self.rest;
        tracing::debug!(path = self.listed.path, start, cuts = self.cuts, %why, "reading on after a cut");
        match why.retry_after {
            Some(wait) => self.listed.blobs.quiet.ask(wait),
            None => tokio::time::sleep(pause(self.listed.blobs.pause, self.cuts)).await,
        }
        Ok(())
    }
}

/// The first byte of a range, as an answer names it.
fn begins(range: &str) -> Option<u64> {
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// The pause after so many cuts without a byte in between.
fn pause(first: Duration, cuts: u32) -> Duration {
    first.saturating_mul(1 << cuts.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests;
