//! Blobs on their way to the registry, in the two forms that registries take:
//!
//! 1. digest not known before: `POST`, one streaming `PATCH`, `PUT` with the digest that was computed on the way (the `PATCH`
//!    is sent in chunks if the size is not known either, as docker sends all of its own);
//! 2. digest known: `POST`, one streaming `PUT`.
//!
//! A registry that refuses one form is offered the other. A cut costs the blob in flight: it is sent again from its
//! first byte, since registries that take a blob in one request cannot resume it.

use std::pin::{Pin, pin};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::Peekable;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderValue, Method};
use reqwest::Response;
use url::Url;

use super::manifest::CONTENT_DIGEST;
use super::pump::{self, Size};
use super::transport::{Call, WHOLE_BLOB};
use super::{Answer, Registry, RegistryError};
use crate::authorizer::Scope;
use crate::digest::{Digest, Digester};
use crate::progress::{Event, Progress};
use crate::{BoxError, ByteStream};

/// Opens the bytes to send, from the first one on; asked again for every try.
pub trait Open: Send + Sync {
    /// The bytes.
    fn open(&self) -> ByteStream<'_>;

    /// Whether whoever opens them checks them against the upload's digest, so that they need no second hashing.
    fn is_verified(&self) -> bool {
        false
    }
}

/// One blob to send.
pub struct Upload<'a> {
    /// The repository it goes to.
    pub repository: &'a str,
    /// What it is, for people.
    pub what: &'a str,
    /// Its size.
    pub size: Size,
    /// Its digest, if it is known already.
    pub digest: Option<Digest>,
    /// Its bytes.
    pub bytes: &'a dyn Open,
    /// An upload that the registry has begun already, see [`Registry::mount`].
    pub session: Option<Url>,
    /// Told about bytes and tries.
    pub progress: &'a dyn Progress,
}

/// A blob that the registry has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// How a mount ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mounted {
    /// The repository has the blob now.
    Yes,
    /// It has not; the registry began an upload instead.
    No {
        /// Where to upload.
        session: Url,
    },
}

/// How a blob is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Patch,
    Put,
}

/// What one try came to, if not a blob.
enum Failure {
    /// The registry does not take this form.
    Form(RegistryError),
    /// The log-in ran out on the way; there is a new one.
    LogIn(RegistryError),
    /// The registry knows nothing of the upload any more.
    Lost(RegistryError),
    Other(RegistryError),
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        Self::Other(error)
    }
}

impl Registry {
    /// Asks the registry to lend a blob from another of its repositories.
    pub async fn mount(
        &self,
        repository: &str,
        digest: &Digest,
        from: &str,
    ) -> Result<Mounted, RegistryError> {
        let act = format!("mount the blob {digest} from `{from}`");
        let mut url = self.uploads(repository);
        url.query_pairs_mut().append_pair("mount", digest.as_str()).append_pair("from", from);
        let scopes = vec![Scope::push(repository), Scope::pull(from)];
        let call =
            Call::new(Method::POST, url, scopes, act).header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let response = self.call_ok(&call).await?;
        if response.status().as_u16() == 201 {
            self.same_digest(&response, digest, "the mounted blob")?;
            return Ok(Mounted::Yes);
        }
        Ok(Mounted::No { session: self.location(&response, &call.act)? })
    }

    /// Sends a blob, and makes sure that the registry has it.
    pub async fn upload(&self, mut upload: Upload<'_>) -> Result<Pushed, RegistryError> {
        let mut form = if upload.digest.is_some() { Form::Put } else { Form::Patch };
        let (mut failures, mut forms_refused, mut logins_refused) = (0, 0, 0);
        loop {
            let (failed, again) = match self.attempt(&mut upload, form).await {
                Ok(pushed) => return Ok(pushed),
                Err(Failure::Form(refused)) if forms_refused == 0 => {
                    forms_refused += 1;
                    upload.tell_retry(&refused);
                    form = self.other_form(&mut upload, form).await?;
                    continue;
                }
                Err(Failure::LogIn(refused)) if logins_refused == 0 => {
                    logins_refused += 1;
                    upload.tell_retry(&refused);
                    continue;
                }
                Err(Failure::Lost(error)) => (error, true),
                Err(Failure::Form(error) | Failure::LogIn(error) | Failure::Other(error)) => {
                    let again = error.is_transient();
                    (error, again)
                }
            };
            if !again {
                return Err(failed);
            }
            failures += 1;
            upload.tell_retry(&failed);
            self.pause(failures, failed).await?;
        }
    }

    /// Sends it once in one form, and makes sure that the registry has it.
    async fn attempt(&self, upload: &mut Upload<'_>, form: Form) -> Result<Pushed, Failure> {
        let mut bytes = upload.bytes.open().peekable();
        let session = match upload.session.take() {
            Some(session) => session,
            None => self.begin_while(upload.repository, Pin::new(&mut bytes).peek()).await?,
        };
        if let (Form::Put, Some(digest)) = (form, upload.digest.clone()) {
            let url = with_digest(session, &digest);
            let (response, sent) = self.stream(upload, bytes, Method::PUT, url).await?;
            self.matches(upload, &digest, &sent)?;
            return Ok(self.confirm(upload, &response, sent).await?);
        }
        let (response, sent) = self.stream(upload, bytes, Method::PATCH, session).await?;
        let session = self.location(&response, &format!("take {}", upload.what))?;
        match self.commit(upload, session, &sent).await {
            Ok(response) => Ok(self.confirm(upload, &response, sent).await?),
            Err(refused) if refused.answer().is_some_and(Answer::is_not_found) => {
                // It may have been stored, and the answer that said so was cut.
                let stored = self.has_blob(upload.repository, &sent.digest, sent.size).await?;
                if stored { Ok(sent) } else { Err(Failure::Lost(refused)) }
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Opens an upload. Also renews a log-in that has run out, before any byte of the blob flows.
    async fn begin(&self, repository: &str) -> Result<Url, RegistryError> {
        let act = format!("begin an upload to `{repository}`");
        let call = Call::new(Method::POST, self.uploads(repository), vec![Scope::push(repository)], act)
            .header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let response = self.call_ok(&call).await?;
        self.location(&response, &call.act)
    }

    /// The same while the first bytes are fetched: behind a slow line the one takes as long as the other.
    async fn begin_while(
        &self,
        repository: &str,
        first: impl Future<Output = Option<&Result<Bytes, BoxError>>>,
    ) -> Result<Url, RegistryError> {
        let mut begin = pin!(self.begin(repository));
        tokio::select! {
            session = &mut begin => session,
            _ = first => begin.await,
        }
    }

    async fn commit(
        &self,
        upload: &Upload<'_>,
        session: Url,
        sent: &Pushed,
    ) -> Result<Response, RegistryError> {
        let act = format!("store {}", upload.what);
        let url = with_digest(session, &sent.digest);
        let call = Call::new(Method::PUT, url, vec![Scope::push(upload.repository)], act)
            .header(CONTENT_LENGTH, HeaderValue::from_static("0"))
            .about_a_blob();
        self.call_ok(&call).await
    }

    /// Sends the bytes in one request, hashing them on the way.
    async fn stream(
        &self,
        upload: &Upload<'_>,
        bytes: Peekable<ByteStream<'_>>,
        method: Method,
        url: Url,
    ) -> Result<(Response, Pushed), Failure> {
        let act = format!("take {}", upload.what);
        let mut call = Call::new(method, url, vec![Scope::push(upload.repository)], act)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .bulk();
        if let Size::Exactly(size) = upload.size {
            call = call.header(CONTENT_LENGTH, size.into());
        }
        let (body, inlet) = pump::body();
        let mut request = pin!(self.send_once(&call, body));
        let mut pump = pin!(self.pump(upload, bytes, &call.act, inlet));
        let (response, sent) = tokio::select! {
            // A refusal may come before the last byte was sent: then the rest is not even read.
            response = &mut request => match response {
                Ok(response) if response.status().is_success() => (response, pump.await?),
                other => (other?, None),
            },
            // Why the bytes could not be had is the cause; that the request breaks off is only what follows.
            sent = &mut pump => {
                let sent = sent?;
                (self.in_time(&call.act, WHOLE_BLOB, request).await?, sent)
            }
        };
        if !response.status().is_success() {
            return Err(self.streaming_refused(response, &call).await);
        }
        let sent = sent.ok_or_else(|| self.unexpected(&call.act, "it answered before it had every byte"))?;
        Ok((response, sent))
    }

    async fn streaming_refused(&self, response: Response, call: &Call) -> Failure {
        let refusal = self.refusal(response, &call.act).await;
        let Some(answer) = refusal.answer() else { return Failure::Other(refusal) };
        let about_content = matches!(answer.code.as_deref(), Some("DIGEST_INVALID" | "SIZE_INVALID"));
        match answer.status {
            401 => Failure::LogIn(refusal),
            _ if is_lost(&refusal) => Failure::Lost(refusal),
            400 | 404 | 405 | 411 | 415 | 416 | 501 if !about_content => Failure::Form(refusal),
            _ => Failure::Other(refusal),
        }
    }

    /// The form to try after `refused`. A streaming `PUT` needs the digest: the bytes are read once for it.
    async fn other_form(&self, upload: &mut Upload<'_>, refused: Form) -> Result<Form, RegistryError> {
        if refused == Form::Put {
            return Ok(Form::Patch);
        }
        let mut digester = Digester::default();
        let mut bytes = upload.bytes.open();
        while let Some(chunk) = bytes.next().await {
            digester.update(&chunk.map_err(|source| upload.unreadable(source))?);
        }
        upload.same_size(digester.size())?;
        upload.size = Size::Exactly(digester.size());
        upload.digest = Some(digester.finish());
        Ok(Form::Put)
    }

    /// The registry must now have exactly what was sent: it names the digest itself, or is asked.
    async fn confirm(
        &self,
        upload: &Upload<'_>,
        response: &Response,
        pushed: Pushed,
    ) -> Result<Pushed, RegistryError> {
        self.same_digest(response, &pushed.digest, upload.what)?;
        if response.headers().contains_key(CONTENT_DIGEST) {
            return Ok(pushed);
        }
        if self.has_blob(upload.repository, &pushed.digest, pushed.size).await? {
            return Ok(pushed);
        }
        let act = format!("store {}", upload.what);
        Err(self.unexpected(&act, "it took the blob and does not have it"))
    }

    fn matches(&self, upload: &Upload<'_>, digest: &Digest, sent: &Pushed) -> Result<(), RegistryError> {
        if *digest == sent.digest {
            return Ok(());
        }
        Err(RegistryError::Digest {
            what: format!("{} on its way to {}", upload.what, self.host()),
            expected: digest.to_string(),
            found: sent.digest.to_string(),
        })
    }

    fn uploads(&self, repository: &str) -> Url {
        self.shared.endpoint.url(&format!("{repository}/blobs/uploads/"))
    }

    fn location(&self, response: &Response, act: &str) -> Result<Url, RegistryError> {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        let location = location.ok_or_else(|| self.unexpected(act, "no upload location in the answer"))?;
        let joined = response.url().join(location);
        let url = joined.map_err(|_| self.unexpected(act, "the upload location is no URL"))?;
        let downgraded = url.scheme() != "https" && response.url().scheme() == "https";
        if downgraded {
            return Err(self.unexpected(act, "the upload location is not on https"));
        }
        Ok(url)
    }
}

impl Upload<'_> {
    fn tell_retry(&self, why: &RegistryError) {
        self.progress.event(Event::Retry { what: self.what, why: why.to_string() });
    }

    pub(super) fn unreadable(&self, source: BoxError) -> RegistryError {
        RegistryError::Source { what: self.what.to_owned(), source }
    }

    pub(super) fn same_size(&self, found: u64) -> Result<(), RegistryError> {
        match self.size {
            Size::Exactly(expected) if expected != found => {
                Err(RegistryError::Size { what: self.what.to_owned(), expected, found })
            }
            _ => Ok(()),
        }
    }
}

/// Whether a registry says that it knows nothing of an upload.
fn is_lost(refusal: &RegistryError) -> bool {
    refusal.answer().and_then(|answer| answer.code.as_deref()) == Some("BLOB_UPLOAD_UNKNOWN")
}

fn with_digest(mut session: Url, digest: &Digest) -> Url {
    session.query_pairs_mut().append_pair("digest", digest.as_str());
    session
}
