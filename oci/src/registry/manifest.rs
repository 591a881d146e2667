//! Manifests: found, fetched and put, their exact bytes kept.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Response;
use serde::Deserialize;

use super::transport::Call;
use super::{Registry, RegistryError};
use crate::authorizer::Scope;
use crate::digest::Digest;

/// What a manifest may be, as an `Accept` header lists it.
pub const MANIFEST_TYPES: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json";

/// Registries refuse larger ones.
const LARGEST_MANIFEST: usize = 4 << 20;

pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A manifest as a registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its digest, checked against the bytes.
    pub digest: Digest,
    /// Its media type.
    pub media_type: String,
    /// Its exact bytes.
    pub bytes: Bytes,
}

#[derive(Deserialize)]
struct TagList {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Registry {
    /// The manifest that a tag or digest names, or `None` if there is none.
    pub async fn manifest(&self, repository: &str, version: &str) -> Result<Option<Found>, RegistryError> {
        let call = self.manifest_call(repository, version);
        match self.call_small(&call, LARGEST_MANIFEST).await? {
            Some((headers, body)) => self.check_manifest(&headers, body, version).map(Some),
            None => Ok(None),
        }
    }

    /// Puts a manifest under a tag or its digest.
    pub async fn put_manifest(
        &self,
        repository: &str,
        version: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Digest, RegistryError> {
        let act = format!("store the manifest `{repository}:{version}`");
        let content_type = HeaderValue::from_str(media_type)
            .map_err(|_| self.unexpected(&act, format!("`{media_type}` is no media type")))?;
        let digest = Digest::of(&bytes);
        let url = self.shared.endpoint.url(&format!("{repository}/manifests/{version}"));
        let mut call = Call::new(Method::PUT, url, vec![Scope::push(repository)], act)
            .header(CONTENT_TYPE, content_type);
        call.body = bytes;
        let response = self.call_ok(&call).await?;
        self.same_digest(&response, &digest, "the stored manifest")?;
        let named = response.headers().contains_key(CONTENT_DIGEST);
        if !named && self.manifest(repository, digest.as_str()).await?.is_none() {
            return Err(self.unexpected(&call.act, "it took the manifest and does not have it"));
        }
        Ok(digest)
    }

    /// At most `limit` of the tags of a repository; none if there is no such repository.
    pub async fn tags(&self, repository: &str, limit: usize) -> Result<Vec<String>, RegistryError> {
        let act = format!("list the tags of `{repository}`");
        let mut url = self.shared.endpoint.url(&format!("{repository}/tags/list"));
        url.query_pairs_mut().append_pair("n", &limit.to_string());
        let call = Call::pull(url, repository, act);
        let Some((_, body)) = self.call_small(&call, LARGEST_MANIFEST).await? else { return Ok(Vec::new()) };
        let list: TagList =
            serde_json::from_slice(&body).map_err(|error| self.unexpected(&call.act, error.to_string()))?;
        Ok(list.tags.unwrap_or_default().into_iter().take(limit).collect())
    }

    /// Fails if the answer names another digest than ours.
    pub(super) fn same_digest(
        &self,
        response: &Response,
        ours: &Digest,
        what: &str,
    ) -> Result<(), RegistryError> {
        match response.headers().get(CONTENT_DIGEST) {
            Some(theirs) if theirs.as_bytes() != ours.as_str().as_bytes() => Err(RegistryError::Digest {
                what: format!("{what} at {}", self.host()),
                expected: ours.to_string(),
                found: String::from_utf8_lossy(theirs.as_bytes()).into_owned(),
            }),
            _ => Ok(()),
        }
    }

    fn manifest_call(&self, repository: &str, version: &str) -> Call {
        let act = format!("give the manifest `{repository}:{version}`");
        let url = self.shared.endpoint.url(&format!("{repository}/manifests/{version}"));
        Call::pull(url, repository, act).header(ACCEPT, HeaderValue::from_static(MANIFEST_TYPES))
    }

    fn check_manifest(
        &self,
        headers: &HeaderMap,
        bytes: Vec<u8>,
        version: &str,
    ) -> Result<Found, RegistryError> {
        let media_type = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
        let promised = content_digest(headers);
        let digest = Digest::of(&bytes);
        let named = Digest::parse(version).ok();
        if let Some(expected) = [named, promised].into_iter().flatten().find(|expected| *expected != digest) {
            return Err(RegistryError::Digest {
                what: format!("the manifest `{version}` from {}", self.host()),
                expected: expected.to_string(),
                found: digest.to_string(),
            });
        }
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
        Ok(Found { digest, media_type, bytes: bytes.into() })
    }
}

fn content_digest(headers: &HeaderMap) -> Option<Digest> {
    Digest::parse(headers.get(CONTENT_DIGEST)?.to_str().ok()?).ok()
}
